//! What a provider may send ahead of an answer's body: one head, and a few interim answers (1xx).
//!
//! The size of a body is limited where it is read. What comes before it is read by hyper, which
//! passes over interim answers without an end.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use astralform_domain::limits;
use http::Request;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::dial::Stream;

/// How much may still come ahead of the body of the answer that a connection waits for.
#[derive(Default)]
pub(super) struct Ahead {
    bytes: AtomicUsize,
    interim_answers: AtomicUsize,
}

const UNLIMITED: usize = usize::MAX;

impl Ahead {
    /// Begins to count for the answer to a request.
    pub(super) fn await_answer<B>(self: &Arc<Self>, request: &mut Request<B>) {
        self.bytes.store(limits::ANSWER_HEAD.count(), Ordering::Relaxed);
        self.interim_answers.store(0, Ordering::Relaxed);
        let ahead = Arc::clone(self);
        hyper::ext::on_informational(request, move |_| ahead.note_interim_answer());
    }

    /// Ends the counting: what comes now is the body.
    pub(super) fn lift(&self) {
        self.bytes.store(UNLIMITED, Ordering::Relaxed);
    }

    fn note_interim_answer(&self) {
        let before = self.interim_answers.fetch_add(1, Ordering::Relaxed);
        if limits::INTERIM_ANSWERS.is_exceeded_by(before + 1) {
            self.bytes.store(0, Ordering::Relaxed);
        }
    }

    fn check(&self) -> io::Result<()> {
        match self.bytes.load(Ordering::Relaxed) {
            0 => Err(io::Error::other("too much came before the answer")),
            _ => Ok(()),
        }
    }

    fn note_read(&self, length: usize) {
        let left = self.bytes.load(Ordering::Relaxed);
        if left != UNLIMITED {
            self.bytes.store(left.saturating_sub(length), Ordering::Relaxed);
        }
    }
}

/// A stream that is read no further once too much has come ahead of an answer.
pub(super) struct Limited {
    stream: Box<dyn Stream>,
    ahead: Arc<Ahead>,
}

impl Limited {
    pub(super) fn new(stream: Box<dyn Stream>, ahead: Arc<Ahead>) -> Self {
        ahead.lift();
        Self { stream, ahead }
    }
}

impl AsyncRead for Limited {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.ahead.check()?;
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.ahead.note_read(buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Limited {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }
}
