//! A connection as it is seen from outside: whether it waits for a request, and how long already.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    framing::{Framing, Heads},
    parting::Parting,
};
use crate::rate::{Moment, now};

/// What is known of a connection.
#[derive(Debug)]
pub struct Link {
    /// Since when it waits for a request; `BUSY` while one is served.
    idle_since: AtomicU64,
    /// Whether an answer is not written to its end. Our answers are whole: none pauses half way.
    is_writing: AtomicBool,
    is_serving: AtomicBool,
    /// Whether the body of the last request was read to its end.
    is_body_read: AtomicBool,
    /// Whether that body is too long to have arrived with its head.
    is_body_long: AtomicBool,
    /// How many requests were answered.
    answered: AtomicU32,
    /// How the head of the present request says where its body ends.
    framing: AtomicU8,
}

/// A request that waits on purpose: its connection may make way meanwhile.
pub struct Yielding<'a>(&'a Link);

const BUSY: Moment = Moment::MAX;

impl Default for Link {
    fn default() -> Self {
        Self {
            idle_since: AtomicU64::new(now()),
            is_writing: AtomicBool::new(false),
            is_serving: AtomicBool::new(false),
            is_body_read: AtomicBool::new(true),
            is_body_long: AtomicBool::new(false),
            answered: AtomicU32::new(0),
            framing: AtomicU8::new(Framing::Unseen as u8),
        }
    }
}

impl Link {
    /// Notes that a request is served from now on.
    pub(super) fn begin(&self) {
        self.is_serving.store(true, Ordering::Relaxed);
        self.idle_since.store(BUSY, Ordering::Relaxed);
    }

    /// Notes that it was answered; the answer is still to be written.
    pub(super) fn end(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.is_writing.store(true, Ordering::Relaxed);
        self.is_serving.store(false, Ordering::Relaxed);
        self.idle_since.store(now(), Ordering::Relaxed);
    }

    /// Notes whether the request's body is too long to have arrived with its head.
    pub(super) fn body_is_long(&self, is_long: bool) {
        self.is_body_long.store(is_long, Ordering::Relaxed);
    }

    /// Returns whether the connection ends with the present answer: a long body was not read.
    pub(super) fn ends_unread(&self) -> bool {
        !self.is_body_read.load(Ordering::Relaxed) && self.is_body_long.load(Ordering::Relaxed)
    }

    /// Notes whether the request's body was read to its end.
    pub(super) fn body_is_read(&self, is_read: bool) {
        self.is_body_read.store(is_read, Ordering::Relaxed);
    }

    /// Returns since when the connection waits for a request.
    pub(super) fn idle_since(&self) -> Option<Moment> {
        let since = self.idle_since.load(Ordering::Relaxed);
        (since != BUSY && !self.is_writing.load(Ordering::Relaxed)).then_some(since)
    }

    /// Lets the connection make way for others until what is returned is dropped.
    pub fn yielding(&self) -> Yielding<'_> {
        self.idle_since.store(now(), Ordering::Relaxed);
        Yielding(self)
    }

    /// Returns how the head of the request that is served says where its body ends.
    pub fn framing(&self) -> Framing {
        Framing::from_u8(self.framing.load(Ordering::Relaxed))
    }
}

impl Drop for Yielding<'_> {
    fn drop(&mut self) {
        self.0.idle_since.store(BUSY, Ordering::Relaxed);
    }
}

/// A stream that keeps its link up to date.
pub(super) struct Watched<S> {
    stream: S,
    link: Arc<Link>,
    heads: Heads,
    /// How many requests had been answered when the present head began.
    answered: u32,
    /// Whether our half is closed.
    is_shut: bool,
    parting: Parting,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, link: Arc<Link>) -> Self {
        Self {
            stream,
            link,
            heads: Heads::default(),
            answered: 0,
            is_shut: false,
            parting: Parting::default(),
        }
    }

    /// Looks at what was read, unless it is the body of the request that is served.
    fn look(&mut self, read: &[u8]) {
        if self.link.is_serving.load(Ordering::Relaxed) {
            return;
        }
        let answered = self.link.answered.load(Ordering::Relaxed);
        if answered != self.answered {
            (self.answered, self.heads) = (answered, Heads::default());
        }
        self.heads.look(read);
        self.link.framing.store(self.heads.framing() as u8, Ordering::Relaxed);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.look(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    /// Notes what is written: hyper flushes a stream once it has written all that there is.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.link.is_writing.store(false, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, link, is_shut, parting, .. } = &mut *self;
        if !*is_shut {
            ready!(Pin::new(&mut *stream).poll_shutdown(context))?;
            *is_shut = true;
        }
        if !link.is_body_read.load(Ordering::Relaxed) {
            ready!(parting.poll(stream, context));
        }
        Poll::Ready(Ok(()))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }
}
