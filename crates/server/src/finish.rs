use crate::{
    listen,
    request_id::{in_the_name_of, request_id},
};

/// Runs a piece of work to its end even when the client hangs up: its task goes on by itself, where
/// it outlives the connections.
///
/// For work that must not stop half way, such as storing a token that a provider has just given.
pub(crate) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    match listen::home().spawn(in_the_name_of(request_id(), work)).await {
        Ok(done) => done,
        Err(failure) if failure.is_panic() => std::panic::resume_unwind(failure.into_panic()),
        Err(_) => std::future::pending().await, // the runtime is ending, and so is this request
    }
}
