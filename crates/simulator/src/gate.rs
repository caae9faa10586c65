//! What every request of a stand-in passes: it is recorded, and a waiting fault strikes.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use http_body::Frame;
use thiserror::Error;

use crate::faults::{Fault, FaultQueue, InjectedFault, InvalidFault};
use crate::outside::Outside;
use crate::requests::{Noted, RecordedRequest, RequestLog, redacted_query};

const CHUNK: usize = 64 * 1024;
const HUGE_START: &[u8] = b"{\"ok\":true,\"padding\":\"";

/// How a service names its endpoints and words what goes wrong.
pub(crate) struct Dialect {
    /// The short name of what stands at a path.
    pub(crate) endpoint_of: fn(&str) -> &str,
    /// Whether an endpoint of that name exists.
    pub(crate) has: fn(&str) -> bool,
    /// The answer to a caller that has to wait so many seconds.
    pub(crate) throttled: fn(u32) -> Response,
    /// The answer with an error code of the service; nothing for a code it cannot have.
    pub(crate) refused: fn(&str, &Outside) -> Option<Response>,
    /// What its tokens and secrets contain, so that none gets into the log.
    pub(crate) token_marks: &'static [&'static str],
}

/// The faults and the request log of one stand-in.
#[derive(Clone)]
pub(crate) struct Gate {
    outside: Arc<Outside>,
    dialect: &'static Dialect,
    parts: Arc<Mutex<Parts>>,
}

#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) faults: FaultQueue,
    pub(crate) log: RequestLog,
}

/// A body that never has a first byte.
struct BrokenBody;

/// A body that keeps coming.
struct EndlessBody {
    left: u64,
    started: bool,
}

#[derive(Debug, Error)]
#[error("the simulator drops this answer")]
struct AnswerDropped;

// === impl Gate ===

impl Gate {
    pub(crate) fn new(outside: Arc<Outside>, dialect: &'static Dialect) -> Self {
        Self { outside, dialect, parts: Arc::default() }
    }

    pub(crate) fn inject(&self, injected: InjectedFault) -> Result<(), InvalidFault> {
        let Dialect { has, refused, .. } = self.dialect;
        if injected.endpoint != "*" && !has(&injected.endpoint) {
            return Err(InvalidFault::UnknownEndpoint(injected.endpoint));
        }
        if let Fault::Refused(code) = &injected.fault
            && refused(code, &self.outside).is_none()
        {
            return Err(InvalidFault::Refused(code.clone()));
        }
        self.parts().faults.push(injected)
    }

    pub(crate) fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, request: &Request) -> (u64, Option<Fault>) {
        let endpoint = (self.dialect.endpoint_of)(request.uri().path());
        let mut parts = self.parts();
        let fault = parts.faults.take(endpoint);
        let number = parts.log.begin(RecordedRequest {
            number: 0,
            at_micros: self.outside.now(),
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            endpoint: endpoint.to_owned(),
            query: self.redacted(request.uri().query().unwrap_or_default()),
            authorization_scheme: authorization_scheme(request.headers()),
            client_id: None,
            grant_type: None,
            error: None,
            fault: fault.as_ref().map(|fault| fault.name().to_owned()),
            status: None,
        });
        (number, fault)
    }

    fn redacted(&self, query: &str) -> Vec<(String, String)> {
        redacted_query(query, self.dialect.token_marks)
    }

    fn note(&self, number: u64, response: &Response, answered: bool) {
        let noted = response.extensions().get::<Noted>().cloned().unwrap_or_default();
        let status = answered.then(|| response.status().as_u16());
        self.parts().log.finish(number, noted, status);
    }

    fn instead(&self, fault: Fault) -> Response {
        match fault {
            Fault::Status(status) => {
                let status = StatusCode::from_u16(status);
                let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                (status, "simulated fault").into_response()
            }
            Fault::RateLimited { retry_after_s } => (self.dialect.throttled)(retry_after_s),
            Fault::Refused(code) => {
                let refused = (self.dialect.refused)(&code, &self.outside);
                refused.unwrap_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())
            }
            Fault::Html => Html("<!doctype html><title>Simulated page</title><p>Simulated fault")
                .into_response(),
            Fault::HugeBody(bytes) => {
                let body = Body::new(EndlessBody { left: bytes, started: false });
                ([(CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
            }
            Fault::EmptyBody | Fault::Delay(_) | Fault::DropAnswer => {
                StatusCode::OK.into_response()
            }
        }
    }
}

/// Records the request, lets a waiting fault strike, and otherwise passes it on.
pub(crate) async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let (number, fault) = gate.admit(&request);
    match fault {
        None => {
            let response = next.run(request).await;
            gate.note(number, &response, true);
            response
        }
        Some(Fault::Delay(ms)) => {
            // The effect first: a client that gives up waiting must still find it done.
            let response = next.run(request).await;
            gate.note(number, &response, false);
            tokio::time::sleep(Duration::from_millis(ms)).await;
            gate.note(number, &response, true);
            response
        }
        Some(Fault::DropAnswer) => {
            let response = next.run(request).await;
            gate.note(number, &response, false);
            dropped()
        }
        Some(fault) => {
            let response = gate.instead(fault);
            gate.note(number, &response, true);
            response
        }
    }
}

/// Returns a response whose body fails before its head was flushed, so that hyper sends nothing at
/// all.
pub(crate) fn dropped() -> Response {
    Response::new(Body::new(BrokenBody))
}

fn authorization_scheme(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    // Without a space the whole value could be a secret.
    let (scheme, _) = value.split_once(' ')?;
    Some(scheme.to_owned())
}

// === impl BrokenBody ===

impl HttpBody for BrokenBody {
    type Data = Bytes;
    type Error = AnswerDropped;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerDropped>>> {
        Poll::Ready(Some(Err(AnswerDropped)))
    }
}

// === impl EndlessBody ===

impl HttpBody for EndlessBody {
    type Data = Bytes;
    type Error = AnswerDropped;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerDropped>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let mut chunk =
            vec![b'x'; usize::try_from(self.left).map_or(CHUNK, |left| left.min(CHUNK))];
        if !self.started {
            let start = HUGE_START.len().min(chunk.len());
            chunk[..start].copy_from_slice(&HUGE_START[..start]);
            self.started = true;
        }
        self.left -= chunk.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(chunk)))))
    }
}
