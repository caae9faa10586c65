//! How a connection ends whose last request was answered before its body was read.
//!
//! A socket that is closed with unread bytes resets its connection, and what the peer has not yet
//! read of the answer is lost with it. So only our half is closed, and what still arrives is
//! dropped for a while (RFC 9112 section 9.6).

use std::{
    mem::MaybeUninit,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::{
    io::{AsyncRead, ReadBuf},
    time::Sleep,
};

use super::Link;

/// How long a peer may go on sending.
const LONGEST: Duration = Duration::from_secs(2);

/// How many bytes of it are dropped at most.
const MOST: usize = 8 * 1024 * 1024;

/// What is dropped at a time, before others on this thread have their turn.
const AT_ONCE: usize = 256 * 1024;

/// The longest body that has usually arrived with its head. After it, and after one whose length is
/// not announced, the connection goes on although it was not read.
const SHORT: u64 = 4 * 1024;

/// What is still dropped of a connection whose own half is closed.
pub(super) struct Parting {
    left: usize,
    end: Option<Pin<Box<Sleep>>>,
}

impl Default for Parting {
    fn default() -> Self {
        Self { left: MOST, end: None }
    }
}

impl Parting {
    /// Drops what arrives, until the peer closes its half or has sent enough.
    pub(super) fn poll(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        context: &mut Context<'_>,
    ) -> Poll<()> {
        let end = self.end.get_or_insert_with(|| Box::pin(tokio::time::sleep(LONGEST)));
        if end.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let turn = self.left.saturating_sub(AT_ONCE);
        while self.left > turn {
            let mut bytes = [MaybeUninit::uninit(); 16 * 1024];
            let mut bytes = ReadBuf::uninit(&mut bytes);
            let read = ready!(Pin::new(&mut *stream).poll_read(context, &mut bytes));
            if read.is_err() || bytes.filled().is_empty() {
                return Poll::Ready(());
            }
            self.left = self.left.saturating_sub(bytes.filled().len());
        }
        if self.left == 0 {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A request's body, whose link knows whether it was read to its end.
pub(super) struct Arriving {
    body: Incoming,
    link: Arc<Link>,
}

impl Arriving {
    pub(super) fn new(body: Incoming, link: Arc<Link>) -> Self {
        link.body_is_read(body.is_end_stream());
        link.body_is_long(body.size_hint().exact().is_some_and(|length| length > SHORT));
        Self { body, link }
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let is_read = frame.is_none() || self.body.is_end_stream();
        self.link.body_is_read(is_read);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
