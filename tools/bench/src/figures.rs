//! Medians and percentiles.

use std::time::Duration;

/// The latencies of one run, and how long it took.
pub(crate) struct Latencies {
    sorted: Vec<Duration>,
    elapsed: Duration,
}

impl Latencies {
    /// # Panics
    /// When there are none.
    pub(crate) fn new(mut latencies: Vec<Duration>, elapsed: Duration) -> Self {
        assert!(!latencies.is_empty(), "a run has at least one request");
        latencies.sort_unstable();
        Self { sorted: latencies, elapsed }
    }

    pub(crate) fn count(&self) -> usize {
        self.sorted.len()
    }

    pub(crate) fn per_second(&self) -> f64 {
        ratio(self.count()) / self.elapsed.as_secs_f64()
    }

    /// Returns the smallest latency that so many per cent of all do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.count() * percent).div_ceil(100).max(1);
        self.sorted[rank - 1]
    }
}

/// Returns a count as a factor. Ours are far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "counts of requests and rows are small")]
pub(crate) fn ratio(count: usize) -> f64 {
    count as f64
}

/// Returns the middle one of some figures, or between the two middle ones; none where there are
/// none.
pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = figures.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(values: &[u64]) -> Latencies {
        let latencies = values.iter().map(|millis| Duration::from_millis(*millis)).collect();
        Latencies::new(latencies, Duration::from_secs(2))
    }

    #[test]
    fn a_percentile_is_a_latency_that_was_seen() {
        let hundred: Vec<u64> = (1..=100).rev().collect();
        let latencies = millis(&hundred);
        assert_eq!(latencies.percentile(50), Duration::from_millis(50));
        assert_eq!(latencies.percentile(99), Duration::from_millis(99));
        assert_eq!(latencies.percentile(100), Duration::from_millis(100));
        assert_eq!(millis(&[7]).percentile(1), Duration::from_millis(7));
        assert_eq!(millis(&[1, 2, 3]).percentile(99), Duration::from_millis(3));
    }

    #[test]
    fn throughput_is_what_was_answered_in_the_time_it_took() {
        assert!((millis(&[1, 2, 3]).per_second() - 1.5).abs() < f64::EPSILON);
    }

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([]), None);
    }
}
