//! No task waits for a second connection while it holds a transaction: with all connections in
//! transactions that wait like this, no task could go on. Tests of other crates end at once where
//! one would; tests of this crate look on while they hold one.

#[cfg(all(feature = "testing", not(test)))]
mod watched {
    use std::{
        collections::HashMap,
        io::Write as _,
        sync::{LazyLock, Mutex, MutexGuard, PoisonError},
        thread::ThreadId,
    };

    /// A task, or the thread where there is none. Work done side by side that has transactions of
    /// its own has tasks of its own.
    type TransactionHolder = (Option<tokio::task::Id>, Option<ThreadId>);

    static HOLDERS: LazyLock<Mutex<HashMap<TransactionHolder, usize>>> =
        LazyLock::new(Mutex::default);

    fn here() -> TransactionHolder {
        let task = tokio::task::try_id();
        (task, task.is_none().then(|| std::thread::current().id()))
    }

    fn holders() -> MutexGuard<'static, HashMap<TransactionHolder, usize>> {
        HOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The mark of an open transaction.
    pub(in crate::db) struct Mark(TransactionHolder);

    impl Mark {
        pub(in crate::db) fn set() -> Self {
            let holder = here();
            *holders().entry(holder).or_default() += 1;
            Self(holder)
        }
    }

    impl Drop for Mark {
        fn drop(&mut self) {
            let mut holders = holders();
            if let Some(number) = holders.get_mut(&self.0) {
                *number -= 1;
                if *number == 0 {
                    holders.remove(&self.0);
                }
            }
        }
    }

    /// Ends the process where the caller holds a transaction: a panic might be caught.
    pub(in crate::db) fn check(sql: &str) {
        if holders().contains_key(&here()) {
            let at = std::backtrace::Backtrace::force_capture();
            let mut log = std::io::stderr();
            // Not captured by the test harness, which would lose it.
            drop(writeln!(log, "a second connection is wanted inside a transaction: {sql}\n{at}"));
            std::process::abort();
        }
    }
}

#[cfg(all(feature = "testing", not(test)))]
pub(super) use watched::{Mark, check};

/// The mark of an open transaction.
#[cfg(not(all(feature = "testing", not(test))))]
pub(super) struct Mark;

#[cfg(not(all(feature = "testing", not(test))))]
impl Mark {
    pub(super) const fn set() -> Self {
        Self
    }
}

#[cfg(not(all(feature = "testing", not(test))))]
pub(super) const fn check(_sql: &str) {}
