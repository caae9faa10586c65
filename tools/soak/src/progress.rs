use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinHandle;

/// Counts what is done of something long, and says so now and then. Dropping it ends that.
pub(crate) struct Progress {
    done: Arc<AtomicUsize>,
    telling: JoinHandle<()>,
}

const NOW_AND_THEN: Duration = Duration::from_secs(15);

impl Progress {
    pub(crate) fn of(what: &'static str, total: usize) -> Self {
        let done = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&done);
        let started = Instant::now();
        let telling = tokio::spawn(async move {
            loop {
                tokio::time::sleep(NOW_AND_THEN).await;
                let done = counted.load(Ordering::Relaxed);
                let after = started.elapsed().as_secs();
                note(&format!("{after:>5} s: {done} of {total} {what}"));
            }
        });
        Self { done, telling }
    }

    /// Counts one more.
    pub(crate) fn one(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that so many are done.
    pub(crate) fn set(&self, done: usize) {
        self.done.store(done, Ordering::Relaxed);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.telling.abort();
    }
}

/// Tells whoever watches; the report is on standard output.
#[expect(clippy::print_stderr, reason = "standard output is the report's")]
pub fn note(text: &str) {
    eprintln!("{text}");
}
