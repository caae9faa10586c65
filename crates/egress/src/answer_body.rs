//! The body of an answer while it comes.

use std::{
    future::Future as _,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::StatusCode;
use hyper::body::{Body, Frame};
use tokio::time::{Instant, Sleep, sleep};

use crate::{
    EgressError, coding::Unpacker, exchange::BodyReader, logged::Logged, pool::Home,
    scrub::StreamScrubber,
};

/// The body of an answer, which comes in parts, without the secrets of its request.
///
/// Read to its end, it leaves its connection to the next request. Dropped half way, or ended by an
/// error, it closes it.
pub struct AnswerBody {
    unscrubbed: Unscrubbed,
    unpacker: Unpacker,
    /// How many bytes may still come out of its coding.
    left: usize,
    scrubber: StreamScrubber,
    logged: Option<(Logged, StatusCode)>,
    /// How many bytes were handed on.
    length: usize,
    has_ended: bool,
}

/// A body as it comes from a provider.
pub(crate) struct Unscrubbed {
    /// Until the body's end.
    reader: Option<BodyReader>,
    /// Where the connection waits afterwards.
    home: Home,
    budget: Budget,
    timer: Pin<Box<Sleep>>,
    /// Whether the timer counts a silence.
    is_waiting: bool,
}

/// What a body may still take.
pub(crate) struct Budget {
    /// The longest silence between two parts.
    pub(crate) silence: Duration,
    /// How many bytes may still come.
    pub(crate) left: usize,
}

impl Unscrubbed {
    pub(crate) fn new(reader: BodyReader, home: Home, budget: Budget) -> Self {
        let timer = Box::pin(sleep(budget.silence));
        Self { reader: Some(reader), home, budget, timer, is_waiting: false }
    }

    /// Reads the next part; `None` at the end, when the connection is given back.
    fn poll_part(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, EgressError>>> {
        let Some(reader) = &mut self.reader else { return Poll::Ready(None) };
        let Poll::Ready(chunk) = reader.poll_chunk(context) else {
            return self.poll_silence(context).map(Some);
        };
        self.is_waiting = false;
        Poll::Ready(match chunk {
            Some(Ok(chunk)) => Some(spend(&mut self.budget.left, chunk.len()).map(|()| chunk)),
            Some(Err(error)) => Some(Err(EgressError::NoAnswer(error.into()))),
            None => {
                self.give_back();
                None
            }
        })
    }

    /// Has the connection wait for the next request, if it can.
    fn give_back(&mut self) {
        if let Some(connection) = self.reader.take().and_then(BodyReader::into_connection) {
            self.home.put(connection);
        }
    }

    /// Counts how long nothing came, and gives up after the longest silence.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, EgressError>> {
        if !self.is_waiting {
            self.is_waiting = true;
            self.timer.as_mut().reset(Instant::now() + self.budget.silence);
        }
        self.timer.as_mut().poll(context).map(|()| Err(EgressError::TimedOut))
    }
}

impl AnswerBody {
    pub(crate) fn new(
        unscrubbed: Unscrubbed,
        unpacker: Unpacker,
        scrubber: StreamScrubber,
        logged: Option<(Logged, StatusCode)>,
    ) -> Self {
        let left = unscrubbed.budget.left;
        Self { unscrubbed, unpacker, left, scrubber, logged, length: 0, has_ended: false }
    }

    /// Reads, unpacks and scrubs the next part; `None` at the end.
    fn poll_clean(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, EgressError>>> {
        loop {
            let clean = match self.unpacker.pull().map_err(undecodable)? {
                Some(unpacked) => self.scrub(unpacked)?,
                None => match ready!(self.unscrubbed.poll_part(context)?) {
                    Some(part) => {
                        self.unpacker.push(part);
                        continue;
                    }
                    None => return Poll::Ready(self.finish().transpose()),
                },
            };
            // All of it may be held back.
            if !clean.is_empty() {
                return Poll::Ready(Some(Ok(clean)));
            }
        }
    }

    fn scrub(&mut self, unpacked: Bytes) -> Result<Bytes, EgressError> {
        spend(&mut self.left, unpacked.len())?;
        Ok(self.scrubber.push(unpacked))
    }

    /// Returns what is left when all has come.
    fn finish(&mut self) -> Result<Option<Bytes>, EgressError> {
        self.has_ended = true;
        let last = self.unpacker.finish().map_err(undecodable)?;
        let clean = [self.scrub(last)?, self.scrubber.finish()].concat();
        Ok(Some(Bytes::from(clean)).filter(|clean| !clean.is_empty()))
    }

    /// Notes how it ended, and closes the connection where it is still open.
    fn end(&mut self, error: Option<&EgressError>) {
        self.has_ended = true;
        self.unscrubbed.reader = None;
        match (self.logged.take(), error) {
            (Some((logged, status)), None) => logged.answered(status, self.length),
            (Some((logged, _)), Some(error)) => logged.failed(error),
            (None, _) => {}
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = EgressError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, EgressError>>> {
        if self.has_ended {
            self.end(None);
            return Poll::Ready(None);
        }
        let clean = ready!(self.poll_clean(context));
        match &clean {
            Some(Ok(clean)) => self.length += clean.len(),
            Some(Err(error)) => self.end(Some(error)),
            None => self.end(None),
        }
        Poll::Ready(clean.map(|clean| clean.map(Frame::data)))
    }
}

fn spend(left: &mut usize, length: usize) -> Result<(), EgressError> {
    *left = left.checked_sub(length).ok_or(EgressError::TooLarge)?;
    Ok(())
}

fn undecodable(error: std::io::Error) -> EgressError {
    EgressError::NoAnswer(error.into())
}
