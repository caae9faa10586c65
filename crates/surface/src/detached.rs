use crate::served::{self, on_behalf_of};

/// Runs a piece of work of the present request to its end even when the client hangs up, and
/// counts it as that request's.
///
/// For work that must not stop half way, such as storing a token that a provider has just given.
pub fn run_detached<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> impl Future<Output = T> + Send {
    // In a box: some work is large, and would be in each future on the way to its task.
    astralform_http::detach(on_behalf_of(served::current(), Box::pin(work)))
}
