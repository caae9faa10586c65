use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::task::JoinSet;

use crate::client::Outcome;

/// How often which outcome was seen.
#[derive(Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<BTreeMap<String, usize>>>);

impl Tally {
    pub(crate) fn note(&self, outcome: &Outcome) {
        let name = format!("{outcome:?}");
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
    }

    pub(crate) fn of(&self, outcome: &Outcome) -> usize {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(&format!("{outcome:?}")).copied().unwrap_or_default()
    }

    pub(crate) fn all(&self) -> String {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let parts: Vec<_> = counts.iter().map(|(name, times)| format!("{times} {name}")).collect();
        if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
    }
}

/// Does the work of every number below `count`, at most `in_flight` at a time, and gives what came
/// of each in their order.
pub(crate) async fn each<T, F>(
    count: usize,
    in_flight: usize,
    work: impl Fn(usize) -> F + Clone + Send + Sync + 'static,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send,
{
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..in_flight.min(count) {
        let next = Arc::clone(&next);
        let work = work.clone();
        workers.spawn(async move {
            let mut done = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::SeqCst);
                if number >= count {
                    return done;
                }
                done.push((number, work(number).await));
            }
        });
    }
    let mut done: Vec<_> = workers.join_all().await.into_iter().flatten().collect();
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, came)| came).collect()
}

/// Work that goes on, over and over, until it is told to stop.
pub(crate) struct Ongoing {
    stop: Arc<AtomicBool>,
    workers: JoinSet<()>,
}

impl Ongoing {
    pub(crate) fn start<F>(
        workers: usize,
        work: impl Fn(usize) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send,
    {
        let stop = Arc::new(AtomicBool::new(false));
        let mut set = JoinSet::new();
        for first in 0..workers {
            let stop = Arc::clone(&stop);
            let work = work.clone();
            set.spawn(async move {
                let mut number = first;
                while !stop.load(Ordering::SeqCst) {
                    work(number).await;
                    number += workers;
                }
            });
        }
        Self { stop, workers: set }
    }

    /// Lets what is under way end, and nothing else begin.
    pub(crate) async fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.workers.join_all().await;
    }
}
