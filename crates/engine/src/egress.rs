//! The only way out: every request to another machine goes through here.
//!
//! An address is resolved, checked and dialled in one place (`dial`), so that what was checked
//! is what is connected to. There are no redirects, no proxies and no
//! cookies; a request is sent again only when a pooled connection turned out to be closed before
//! any of it was written.

mod address;
mod dial;

use std::{fmt, net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use thiserror::Error;
use url::Url;

pub use address::Networks;
use dial::{Dialer, Names};

/// The way out.
#[derive(Clone)]
pub struct Egress {
    client: Client<Dialer, Full<Bytes>>,
    simulator: Option<SocketAddr>,
}

/// A request to be sent.
#[derive(Clone)]
pub struct Outgoing {
    /// Its method.
    pub method: Method,
    /// Where it goes.
    pub url: Url,
    /// Its headers, `Host` and `Content-Length` aside.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// What is allowed to a request.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// Where it may go.
    pub reach: Reach,
    /// How long it may take, from dialling to the last byte of the answer.
    pub within: Duration,
    /// How many bytes the answer's body may have.
    pub at_most: usize,
}

/// Where a request may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To public addresses, and to private ones that the operator named.
    Network,
    /// To the simulator, and nowhere else.
    Simulator,
}

/// An answer, whole.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum EgressError {
    /// The address is not one that may be called. Nothing was sent.
    #[error("the address may not be called")]
    Forbidden,
    /// No connection was made. Nothing was sent.
    #[error("no connection could be made")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The request may have arrived, but no whole answer came.
    #[error("no answer came")]
    NoAnswer(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The request may have arrived, but no whole answer came in time.
    #[error("no answer came in time")]
    TimedOut,
    /// The answer is larger than allowed.
    #[error("the answer is too large")]
    TooLarge,
}

impl Egress {
    /// A way out to public addresses, to `private` networks, and to the simulator's address.
    pub fn new(private: Networks, simulator: Option<SocketAddr>) -> Self {
        Self::over(Dialer::new(Names::System, private, simulator), simulator)
    }

    fn over(dialer: Dialer, simulator: Option<SocketAddr>) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(64)
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .build(dialer);
        Self { client, simulator }
    }

    /// Sends a request once and reads its answer whole.
    ///
    /// # Errors
    /// Each variant of [`EgressError`] says whether the request may have arrived.
    pub async fn send(
        &self,
        request: Outgoing,
        allowance: Allowance,
    ) -> Result<Answer, EgressError> {
        self.check_reach(&request.url, allowance.reach)?;
        let answer = self.exchange(request, allowance.at_most);
        let answer = tokio::time::timeout(allowance.within, answer).await;
        answer.unwrap_or(Err(EgressError::TimedOut))
    }

    /// The simulator is reached by those who were sent there, and they reach nothing else.
    fn check_reach(&self, url: &Url, reach: Reach) -> Result<(), EgressError> {
        let is_simulator = self.simulator.is_some_and(|simulator| dial::names(url, simulator));
        match (reach, is_simulator) {
            (Reach::Simulator, true) | (Reach::Network, false) => Ok(()),
            (Reach::Simulator, false) | (Reach::Network, true) => Err(EgressError::Forbidden),
        }
    }

    async fn exchange(&self, request: Outgoing, at_most: usize) -> Result<Answer, EgressError> {
        let Outgoing { method, url, headers, body } = request;
        let mut request = http::Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = url.as_str().parse().map_err(|_| EgressError::Forbidden)?;
        *request.headers_mut() = headers;
        let answer = self.client.request(request).await.map_err(failed)?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, at_most).collect().await.map_err(unread)?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }
}

impl Answer {
    /// `Retry-After` in seconds (RFC 9110 §10.2.3), a day at most.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        const LONGEST: Duration = Duration::from_hours(24);
        let said = self.headers.get(header::RETRY_AFTER)?.to_str().ok()?;
        Some(Duration::from_secs(said.trim().parse().ok()?).min(LONGEST))
    }
}

/// Without query and body, which may hold secrets.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, url, headers, body } = self;
        let place = &url[..url::Position::AfterPath];
        write!(f, "{method} {place} {headers:?} ({} bytes)", body.len())
    }
}

/// Without body, which may hold secrets.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, headers, body } = self;
        write!(f, "{status} {headers:?} ({} bytes)", body.len())
    }
}

fn failed(error: hyper_util::client::legacy::Error) -> EgressError {
    if !error.is_connect() {
        return EgressError::NoAnswer(error.into());
    }
    let cause = std::error::Error::source(&error);
    if cause.is_some_and(<dyn std::error::Error>::is::<dial::Forbidden>) {
        return EgressError::Forbidden;
    }
    EgressError::Unreachable(error.into())
}

fn unread(error: Box<dyn std::error::Error + Send + Sync>) -> EgressError {
    if error.is::<LengthLimitError>() {
        EgressError::TooLarge
    } else {
        EgressError::NoAnswer(error)
    }
}

#[cfg(test)]
mod tests;
