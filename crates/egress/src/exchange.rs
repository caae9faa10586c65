//! One request and its answer on one connection, driven by the task that wants it.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use http::{Request, response::Parts};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{
    body::{Body as _, Frame, Incoming},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;

use crate::{
    EgressError,
    ahead::{Ahead, Limited as LimitedAhead},
    dial::Stream,
};

type Driver = http1::Connection<TokioIo<LimitedAhead>, Full<Bytes>>;

/// An open connection between two requests.
pub(super) struct HttpConnection {
    sender: SendRequest<Full<Bytes>>,
    driver: Box<Driver>,
    ahead: Arc<Ahead>,
}

/// How a request on a connection ended.
pub(super) enum ExchangeOutcome {
    /// With the head of an answer, whose body is still to be read.
    Answered(Parts, BodyReader),
    /// The connection was closed before any of the request was written.
    Unsent(Box<Request<Full<Bytes>>>, hyper::Error),
}

/// The body of an answer, and the connection that it comes over. Dropped before the body's end, it
/// closes the connection.
pub(super) struct BodyReader {
    body: Incoming,
    sender: SendRequest<Full<Bytes>>,
    driver: Option<Box<Driver>>,
    ahead: Arc<Ahead>,
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

    /// Sends a request and reads the head of its answer. Dropped half way, it closes the
    /// connection.
    pub(super) async fn exchange(
        self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<ExchangeOutcome, EgressError> {
        let Self { mut sender, driver, ahead } = self;
        let mut driver = Some(driver);
        ahead.await_answer(&mut request);
        let answered = {
            let conversation = pin!(sender.try_send_request(request));
            Driven { conversation, driver: &mut driver }.await
        };
        ahead.lift();
        match answered {
            Ok(answer) => {
                let (head, body) = answer.into_parts();
                Ok(ExchangeOutcome::Answered(head, BodyReader { body, sender, driver, ahead }))
            }
            Err(mut error) => match error.take_message() {
                Some(unsent) => Ok(ExchangeOutcome::Unsent(Box::new(unsent), error.into_error())),
                None => Err(EgressError::NoAnswer(error.into_error().into())),
            },
        }
    }
}

impl BodyReader {
    /// Reads the body whole, as it came. Returns the connection too, if it can be used again.
    pub(super) async fn read_whole(
        mut self,
        at_most: usize,
    ) -> Result<(Bytes, Option<HttpConnection>), EgressError> {
        let body = {
            let collecting = pin!(Limited::new(&mut self.body, at_most).collect());
            Driven { conversation: collecting, driver: &mut self.driver }.await
        };
        let body = body.map_err(unread)?.to_bytes();
        Ok((body, self.into_connection()))
    }

    /// Reads what comes next of the body; `None` at its end.
    pub(super) fn poll_chunk(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Bytes>>> {
        if let Poll::Ready(chunk) = self.poll_arrived() {
            return Poll::Ready(chunk);
        }
        drive(&mut self.driver, context);
        self.poll_arrived()
    }

    /// Takes what the connection has read. It need not wake a task: it is called again after each
    /// turn of the connection.
    fn poll_arrived(&mut self) -> Poll<Option<hyper::Result<Bytes>>> {
        let mut quietly = Context::from_waker(Waker::noop());
        loop {
            let frame = ready!(Pin::new(&mut self.body).poll_frame(&mut quietly));
            match frame.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => return Poll::Ready(Some(Ok(data))),
                Some(Ok(Err(_trailers))) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }

    /// Returns how many bytes the body has at least, as its head says.
    pub(super) fn least_length(&self) -> u64 {
        self.body.size_hint().lower()
    }

    /// Returns the connection of a body that was read to its end, if it can be used again.
    pub(super) fn into_connection(self) -> Option<HttpConnection> {
        HttpConnection::if_usable(self.sender, self.driver, self.ahead)
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
