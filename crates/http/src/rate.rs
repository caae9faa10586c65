//! How much may come in a time, by one number for each that is limited.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// So much a second, and so much at once after a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    per_second: u64,
    burst: u64,
}

/// Nanoseconds since this process first asked for the time.
pub type Moment = u64;

const SECOND: u64 = 1_000_000_000;

/// Returns the present moment.
pub fn now() -> Moment {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

impl Rate {
    /// Returns a rate of `per_second`, at least 1, with a burst.
    pub const fn new(per_second: u64, burst: u64) -> Self {
        let per_second = if per_second == 0 { 1 } else { per_second };
        Self { per_second, burst }
    }

    /// Returns a rate with the burst of two seconds.
    pub const fn with_two_seconds(per_second: u64) -> Self {
        Self::new(per_second, 2 * per_second)
    }

    const fn interval(self) -> u64 {
        let interval = SECOND / self.per_second;
        if interval == 0 { 1 } else { interval }
    }
}

/// How much of a rate was taken: the moment at which all of it will have been earned.
#[derive(Debug, Default)]
pub struct RateMeter(AtomicU64);

impl RateMeter {
    /// Takes one. Returns how long its taker has to wait for its turn; where that is longer than
    /// `at_most`, nothing is taken and the time is an error.
    pub fn take(&self, rate: Rate, now: Moment, at_most: Duration) -> Result<Duration, Duration> {
        let interval = rate.interval();
        self.spend(interval, interval.saturating_mul(rate.burst), now, at_most)
    }

    /// Takes what is earned in `cost`, where `saved` can have been earned beforehand.
    pub fn spend(
        &self,
        cost: u64,
        saved: u64,
        now: Moment,
        at_most: Duration,
    ) -> Result<Duration, Duration> {
        let mut known = self.0.load(Ordering::Relaxed);
        loop {
            let earned = known.max(now).saturating_add(cost);
            let wait = Duration::from_nanos(earned.saturating_sub(now.saturating_add(saved)));
            if wait > at_most {
                return Err(wait);
            }
            let changed =
                self.0.compare_exchange_weak(known, earned, Ordering::Relaxed, Ordering::Relaxed);
            match changed {
                Ok(_) => return Ok(wait),
                Err(other) => known = other,
            }
        }
    }

    /// Takes more, or gives some back, of what is earned in a time.
    pub fn correct(&self, by: i64, now: Moment) {
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |known| {
            Some(known.max(now).saturating_add_signed(by))
        });
    }

    /// Returns whether one more would have to wait.
    pub fn is_empty(&self, rate: Rate, now: Moment) -> bool {
        let interval = rate.interval();
        let saved = interval.saturating_mul(rate.burst);
        self.0.load(Ordering::Relaxed).max(now) + interval > now.saturating_add(saved)
    }

    /// Returns whether nothing is left of what was taken.
    pub fn is_full(&self, now: Moment) -> bool {
        self.0.load(Ordering::Relaxed) <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate::new(10, 3);
    const NO_WAIT: Duration = Duration::ZERO;

    #[test]
    fn a_burst_is_taken_at_once_and_what_follows_as_it_is_earned() {
        let meter = RateMeter::default();
        let start = 5 * SECOND;
        for _ in 0..3 {
            assert!(!meter.is_empty(RATE, start));
            assert_eq!(meter.take(RATE, start, NO_WAIT), Ok(Duration::ZERO));
        }
        assert!(meter.is_empty(RATE, start));
        assert_eq!(meter.take(RATE, start, NO_WAIT), Err(Duration::from_millis(100)));
        assert!(meter.take(RATE, start + SECOND / 10, NO_WAIT).is_ok());
        assert!(meter.take(RATE, start + SECOND / 10, NO_WAIT).is_err());
        let later = start + 60 * SECOND;
        assert!(meter.is_full(later));
        let taken = (0..100).filter(|_| meter.take(RATE, later, NO_WAIT).is_ok()).count();
        assert_eq!(taken, 3, "a long pause saves no more than a burst");
    }

    #[test]
    fn turns_are_given_in_order_up_to_the_longest_wait() {
        let meter = RateMeter::default();
        let longest = Duration::from_millis(250);
        let waits: Vec<_> = (0..10).map(|_| meter.take(RATE, 0, longest)).collect();
        let expected = [0, 0, 0, 100, 200].map(|millis| Ok(Duration::from_millis(millis)));
        assert_eq!(waits[..5], expected);
        assert_eq!(waits[5..], [Err(Duration::from_millis(300)); 5], "and nothing is taken");
    }

    #[test]
    fn however_many_take_at_once_none_takes_what_another_has() {
        let meter = RateMeter::default();
        let taken = std::thread::scope(|scope| {
            let take = || (0..1_000).filter(|_| meter.take(RATE, 0, NO_WAIT).is_ok()).count();
            let takers: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            takers.into_iter().map(|taker| taker.join().unwrap()).sum::<usize>()
        });
        assert_eq!(taken, 3);
    }
}
