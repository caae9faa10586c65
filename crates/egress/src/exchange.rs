//! One request and its answer on one connection, driven by the task that wants it.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::{
    TrySendError,
    http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;

use crate::{
    Answer, EgressError,
    ahead::{Ahead, Limited as LimitedAhead},
    charset::decoded,
    coding::unpack,
    dial::Stream,
    repair::repair,
};

type Driver = http1::Connection<TokioIo<LimitedAhead>, Full<Bytes>>;

/// An open connection between two requests.
pub(super) struct HttpConnection {
    sender: SendRequest<Full<Bytes>>,
    driver: Box<Driver>,
    ahead: Arc<Ahead>,
}

/// How an exchange ended.
pub(super) enum ExchangeOutcome {
    /// With an answer, and with the connection if it can be used again.
    Answered(Answer, Option<HttpConnection>),
    /// The connection was closed before any of the request was written.
    Unsent(Box<Request<Full<Bytes>>>, hyper::Error),
}

enum Failed {
    Unsent(Box<Request<Full<Bytes>>>, hyper::Error),
    Said(EgressError),
}

impl HttpConnection {
    /// Returns a connection over an open stream.
    pub(super) async fn over(stream: Box<dyn Stream>) -> hyper::Result<Self> {
        let ahead = Arc::<Ahead>::default();
        let limited = LimitedAhead::new(stream, Arc::clone(&ahead));
        // Lines of a head that are none are passed over, as browsers do: the answer may be a token.
        let lenient = http1::Builder::new()
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .ignore_invalid_headers_in_responses(true)
            .handshake(TokioIo::new(limited));
        let (sender, driver) = lenient.await?;
        Ok(Self { sender, driver: Box::new(driver), ahead })
    }

    /// Returns the connection after it has waited, if the other end still holds it.
    pub(super) fn still_open(self) -> Option<Self> {
        Self::if_usable(self.sender, Some(self.driver), self.ahead)
    }

    /// Returns a connection after one more turn, in which it finds that the last answer is whole,
    /// or that there will be no next one.
    fn if_usable(
        sender: SendRequest<Full<Bytes>>,
        mut driver: Option<Box<Driver>>,
        ahead: Arc<Ahead>,
    ) -> Option<Self> {
        drive(&mut driver, &mut Context::from_waker(Waker::noop()));
        let driver = driver.filter(|_| sender.is_ready())?;
        Some(Self { sender, driver, ahead })
    }

    /// Sends a request and reads its answer whole. Dropped half way, it closes the connection.
    pub(super) async fn exchange(
        self,
        mut request: Request<Full<Bytes>>,
        at_most: usize,
    ) -> Result<ExchangeOutcome, EgressError> {
        let Self { mut sender, driver, ahead } = self;
        let mut driver = Some(driver);
        ahead.await_answer(&mut request);
        let answered = {
            let conversation = pin!(converse(&mut sender, request, &ahead, at_most));
            Driven { conversation, driver: &mut driver }.await
        };
        let answer = match answered {
            Ok(answer) => answer,
            Err(Failed::Unsent(request, error)) => {
                return Ok(ExchangeOutcome::Unsent(request, error));
            }
            Err(Failed::Said(error)) => return Err(error),
        };
        Ok(ExchangeOutcome::Answered(answer, Self::if_usable(sender, driver, ahead)))
    }
}

async fn converse(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
    ahead: &Ahead,
    at_most: usize,
) -> Result<Answer, Failed> {
    let answer = sender.try_send_request(request).await.map_err(unanswered)?;
    ahead.lift();
    let (mut head, body) = answer.into_parts();
    let body = Limited::new(body, at_most).collect().await;
    let body = body.map_err(|error| Failed::Said(unread(error)))?.to_bytes();
    let body = unpack(&mut head.headers, body, at_most).map_err(Failed::Said)?;
    let body = repair(decoded(&head.headers, body));
    // What was put right may be longer than what came.
    if body.len() > at_most {
        return Err(Failed::Said(EgressError::TooLarge));
    }
    Ok(Answer { status: head.status, headers: head.headers, body })
}

fn unanswered(mut error: TrySendError<Request<Full<Bytes>>>) -> Failed {
    match error.take_message() {
        Some(request) => Failed::Unsent(Box::new(request), error.into_error()),
        None => Failed::Said(EgressError::NoAnswer(error.into_error().into())),
    }
}

fn unread(error: Box<dyn std::error::Error + Send + Sync>) -> EgressError {
    if error.is::<LengthLimitError>() {
        EgressError::TooLarge
    } else {
        EgressError::NoAnswer(error)
    }
}

/// A conversation and the connection that carries it. The conversation goes on only when the
/// connection does, and is looked at after each of its turns, so that it need not wake a task.
struct Driven<'a, C> {
    conversation: Pin<&'a mut C>,
    driver: &'a mut Option<Box<Driver>>,
}

impl<C: Future> Future for Driven<'_, C> {
    type Output = C::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<C::Output> {
        let mut quietly = Context::from_waker(Waker::noop());
        if let Poll::Ready(ended) = self.conversation.as_mut().poll(&mut quietly) {
            return Poll::Ready(ended);
        }
        drive(self.driver, context);
        self.conversation.as_mut().poll(&mut quietly)
    }
}

/// Gives a connection a turn, and drops it when it has ended. Its conversation is told what it
/// ended with.
fn drive(driver: &mut Option<Box<Driver>>, context: &mut Context<'_>) {
    if driver.as_mut().is_some_and(|driver| Pin::new(driver).poll(context).is_ready()) {
        *driver = None;
    }
}
