//! What the threads of SQLite spend on a request, which its own thread does not show. The time for
//! which it has a connection counts, not that for which it waits for one.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use astralform_domain::RequestId;

tokio::task_local! {
    static ACCOUNT: (Arc<AtomicU64>, RequestMark);
}

/// Does some work of a request, and adds the nanoseconds that SQLite spends on it to an account.
pub async fn charged_to<T>(
    account: Arc<AtomicU64>,
    request: RequestMark,
    work: impl Future<Output = T>,
) -> T {
    ACCOUNT.scope((account, request), work).await
}

/// What is written down of the request that a change belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestMark {
    /// Its id.
    pub id: Option<RequestId>,
    /// The address that it came from.
    pub address: Option<IpAddr>,
}

impl RequestMark {
    /// Returns that of the request that the current task works for.
    pub fn current() -> Self {
        ACCOUNT.try_with(|(_, request)| *request).unwrap_or_default()
    }
}

/// Work that is being done, until it is dropped.
pub(super) struct Work(Option<(Arc<AtomicU64>, Instant)>);

impl Work {
    /// Begins to measure work.
    pub(super) fn begin() -> Self {
        Self(ACCOUNT.try_with(|(account, _)| (Arc::clone(account), Instant::now())).ok())
    }

    /// Returns work that is done by another process.
    pub(super) const fn elsewhere() -> Self {
        Self(None)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Some((account, began)) = &self.0 {
            let spent = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
            account.fetch_add(spent, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{on_both, world};

    #[tokio::test]
    async fn x4_what_the_database_does_for_a_request_is_charged_to_it_where_it_is_ours_to_do() {
        on_both(async |db| {
            let account = Arc::<AtomicU64>::default();
            let request = RequestMark::default();
            charged_to(Arc::clone(&account), request, world(&db)).await;
            let of_a_transaction = account.swap(0, Ordering::Relaxed);
            let listed = crate::projects::list(&db);
            charged_to(Arc::clone(&account), request, listed).await.unwrap();
            let of_a_read = account.swap(0, Ordering::Relaxed);
            world(&db).await;
            assert_eq!(of_a_transaction > 0, db.is_sqlite());
            assert_eq!(of_a_read > 0, db.is_sqlite());
            assert_eq!(account.load(Ordering::Relaxed), 0, "nobody asked for the last");
        })
        .await;
    }
}
