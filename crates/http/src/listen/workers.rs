//! The threads that connections are served on.
//!
//! Each has an event loop of its own, so that a request wakes only the thread that it is for, and
//! memory is freed where it was taken. A connection stays with its thread.

use std::{
    cell::RefCell,
    io,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
    task::AbortHandle,
};

/// Threads that serve connections, one for each core. They end when this is dropped.
pub(super) struct Workers {
    all: Vec<Worker>,
    next: AtomicUsize,
}

struct Worker {
    handle: Handle,
    /// Dropped, it ends the thread.
    _stop: oneshot::Sender<()>,
}

thread_local! {
    /// The runtime that outlives the connections of this thread.
    static HOME: RefCell<Option<Handle>> = const { RefCell::new(None) };
}

/// Returns the runtime on which work goes on that is to outlive its connection.
pub(crate) fn home() -> Handle {
    HOME.with_borrow(Clone::clone).unwrap_or_else(Handle::current)
}

impl Workers {
    /// Starts them, with the current runtime as their home.
    pub(super) fn start() -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, usize::from);
        let all =
            (0..count).map(|_| Worker::start(Handle::current())).collect::<io::Result<_>>()?;
        Ok(Self { all, next: AtomicUsize::new(0) })
    }

    /// Runs a connection on the thread whose turn it is.
    pub(super) fn spawn(
        &self,
        connection: impl Future<Output = ()> + Send + 'static,
    ) -> AbortHandle {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.all[turn % self.all.len()].handle.spawn(connection).abort_handle()
    }
}

impl Worker {
    fn start(home: Handle) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        thread::Builder::new().name("connections".to_owned()).spawn(move || {
            HOME.set(Some(home));
            let _ = runtime.block_on(stopped);
        })?;
        Ok(Self { handle, _stop: stop })
    }
}
