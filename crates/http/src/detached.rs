use tokio::sync::watch;

use crate::listen::home;

tokio::task_local! {
    /// Closed when no client waits for the work any more.
    static WANTED: watch::Receiver<()>;
}

/// Returns a receiver that closes when the client hangs up.
pub fn wanted() -> Option<watch::Receiver<()>> {
    WANTED.try_with(Clone::clone).ok()
}

/// Runs work to its end even when the client hangs up: its task goes on by itself, where it
/// outlives the connections. Handlers use `run_detached` of the crate `surface`, which has the work
/// counted and logged as their request's.
pub async fn detach<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let (_waiting, wanted) = watch::channel(());
    match home().spawn(WANTED.scope(wanted, work)).await {
        Ok(done) => done,
        Err(failure) if failure.is_panic() => std::panic::resume_unwind(failure.into_panic()),
        Err(_) => std::future::pending().await, // the runtime is ending, and so is this request
    }
}
