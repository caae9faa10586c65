use tokio::sync::watch;

use crate::{
    listen,
    served::{self, on_behalf_of},
};

tokio::task_local! {
    /// Closed when no client waits for the work any more.
    static WANTED: watch::Receiver<()>;
}

/// Returns a receiver that closes when the client hangs up.
pub(crate) fn wanted() -> Option<watch::Receiver<()>> {
    WANTED.try_with(Clone::clone).ok()
}

/// Runs a piece of work to its end even when the client hangs up: its task goes on by itself, where
/// it outlives the connections.
///
/// For work that must not stop half way, such as storing a token that a provider has just given.
pub(crate) async fn run_detached<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    let (_waiting, wanted) = watch::channel(());
    let work = WANTED.scope(wanted, on_behalf_of(served::current(), work));
    match listen::home().spawn(work).await {
        Ok(done) => done,
        Err(failure) if failure.is_panic() => std::panic::resume_unwind(failure.into_panic()),
        Err(_) => std::future::pending().await, // the runtime is ending, and so is this request
    }
}
