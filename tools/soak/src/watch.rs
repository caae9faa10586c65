use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{client::Outcome, load::Ongoing};

/// Requests that go on all the while, and what became of each.
pub(crate) struct Watch {
    book: Arc<Mutex<Book>>,
    ongoing: Ongoing,
}

#[derive(Default)]
struct Book {
    seen: Seen,
    /// When each request began that has not ended.
    under_way: BTreeMap<usize, Instant>,
}

/// What became of requests, in some span of time.
#[derive(Default)]
pub(crate) struct Seen {
    outcomes: BTreeMap<String, usize>,
    good: usize,
    times: Vec<Duration>,
    /// How long the oldest request has been under way that has not ended.
    oldest: Duration,
    last_trouble: Option<Instant>,
}

impl Watch {
    /// Starts so many callers, each of which pauses after each request.
    pub(crate) fn start<F>(
        callers: usize,
        pause: Duration,
        request: impl Fn(usize) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Outcome> + Send,
    {
        let book = Arc::<Mutex<Book>>::default();
        let noted = Arc::clone(&book);
        let ongoing = Ongoing::start(callers, move |number| {
            let request = request.clone();
            let noted = Arc::clone(&noted);
            async move {
                let began = Instant::now();
                lock(&noted).under_way.insert(number, began);
                let outcome = request(number).await;
                lock(&noted).end(number, &outcome, began.elapsed());
                tokio::time::sleep(pause).await;
            }
        });
        Self { book, ongoing }
    }

    /// Returns what was seen since it was asked last, and begins anew.
    pub(crate) fn take(&self) -> Seen {
        lock(&self.book).take()
    }

    /// Stops, and returns what was seen since it was asked last.
    pub(crate) async fn stop(self) -> Seen {
        self.ongoing.stop().await;
        lock(&self.book).take()
    }
}

impl Book {
    fn end(&mut self, number: usize, outcome: &Outcome, took: Duration) {
        self.under_way.remove(&number);
        self.seen.note(outcome, took);
    }

    fn take(&mut self) -> Seen {
        let oldest = self.under_way.values().map(Instant::elapsed).max();
        Seen { oldest: oldest.unwrap_or_default(), ..std::mem::take(&mut self.seen) }
    }
}

impl Seen {
    fn note(&mut self, outcome: &Outcome, took: Duration) {
        *self.outcomes.entry(format!("{outcome:?}")).or_default() += 1;
        self.times.push(took);
        if *outcome == Outcome::Completed {
            self.good += 1;
        } else {
            self.last_trouble = Some(Instant::now());
        }
    }

    /// Returns whether every request completed, and there was one.
    pub(crate) fn is_good(&self) -> bool {
        self.good > 0 && self.good == self.times.len()
    }

    /// Returns how many had that outcome.
    pub(crate) fn of(&self, outcome: &Outcome) -> usize {
        self.outcomes.get(&format!("{outcome:?}")).copied().unwrap_or_default()
    }

    /// Returns how many completed a second in so long.
    pub(crate) fn per_second(&self, time: Duration) -> u32 {
        let good = u32::try_from(self.good).unwrap_or(u32::MAX);
        good / u32::try_from(time.as_secs()).unwrap_or(u32::MAX).max(1)
    }

    /// Returns the time that so many per cent of all did not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.times.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied().unwrap_or(Duration::MAX)
    }

    /// Returns the longest time that a request took, or has been under way.
    pub(crate) fn longest(&self) -> Duration {
        self.percentile(100).max(self.oldest)
    }

    /// Returns how long after a moment the last request ended that did not complete.
    pub(crate) fn trouble_after(&self, moment: Instant) -> Duration {
        let last = self.last_trouble.map(|last| last.saturating_duration_since(moment));
        last.unwrap_or_default()
    }
}

/// The outcomes with how often each came.
impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> =
            self.outcomes.iter().map(|(name, times)| format!("{times} {name}")).collect();
        f.write_str(if parts.is_empty() { "none" } else { "" })?;
        f.write_str(&parts.join(", "))
    }
}

fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_complete_is_seen_and_when() {
        let mut seen = Seen::default();
        assert!(!seen.is_good(), "nothing was asked");
        let began = Instant::now();
        for millis in 1..=100 {
            seen.note(&Outcome::Completed, Duration::from_millis(millis));
        }
        assert!(seen.is_good() && seen.trouble_after(began).is_zero());
        assert_eq!(seen.percentile(50), Duration::from_millis(50));
        seen.note(&Outcome::Refused(503), Duration::from_millis(101));
        assert!(!seen.is_good());
        assert_eq!((seen.of(&Outcome::Refused(503)), seen.of(&Outcome::Asked)), (1, 0));
        assert_eq!(seen.percentile(100), Duration::from_millis(101));
        assert_eq!(seen.to_string(), "100 Completed, 1 Refused(503)");
    }

    #[tokio::test]
    async fn what_does_not_end_is_seen_as_well() {
        let watch = Watch::start(1, Duration::ZERO, |_| std::future::pending());
        tokio::time::sleep(Duration::from_millis(30)).await;
        let seen = watch.take();
        assert!(!seen.is_good());
        assert!(seen.oldest >= Duration::from_millis(20), "{:?}", seen.oldest);
    }
}
