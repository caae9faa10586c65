use std::time::Duration;

use crate::Entropy;

/// How long to wait after so many failures in a row: twice as long each time, up to a longest, less up
/// to half of it by chance, so that what failed together does not come back together.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
}

impl Backoff {
    /// Returns the wait after that many failures in a row, the first of which is 1.
    pub fn after(self, failures: i64, entropy: &Entropy) -> Duration {
        let doublings = u32::try_from(failures.clamp(1, 31) - 1).unwrap_or(0);
        let whole = self.first.saturating_mul(1 << doublings).min(self.longest);
        whole.mul_f64(1.0 - entropy.share() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_lie_between_half_and_whole() {
        let entropy = Entropy::seeded(1);
        let backoff = Backoff { first: Duration::from_secs(30), longest: Duration::from_hours(6) };
        for (failures, whole) in
            [(i64::MIN, 30), (0, 30), (1, 30), (2, 60), (3, 120), (11, 21_600), (i64::MAX, 21_600)]
        {
            let whole = Duration::from_secs(whole);
            for _ in 0..50 {
                let waited = backoff.after(failures, &entropy);
                assert!(waited >= whole / 2 && waited <= whole, "{failures}: {waited:?}");
            }
        }
        assert_ne!(backoff.after(3, &entropy), backoff.after(3, &entropy));
    }
}
