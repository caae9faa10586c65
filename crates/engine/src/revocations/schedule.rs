//! When a provider is asked again. Pure, apart from random jitter.

use std::time::Duration;

use astralform_domain::{Backoff, Entropy};

/// How long a provider is asked for the end of a token.
pub(super) const GIVES_UP_AFTER: Duration = Duration::from_hours(7 * 24);

/// How long the end of a token waits for a refresh that was sent before: what it brings is to be
/// ended too.
pub(super) const WAITS_FOR_REFRESH: Duration = Duration::from_mins(10);
/// When it looks again.
pub(super) const RECHECK_AFTER: Duration = Duration::from_secs(5);

/// Returns after how long a token is asked for again that the provider did not confirm, though it
/// answers.
pub(super) fn backoff(attempts: i64, entropy: &Entropy) -> Duration {
    let backoff = Backoff { first: Duration::from_secs(30), longest: Duration::from_hours(6) };
    backoff.after(attempts, entropy)
}

/// Returns how long a provider is left alone that was not well so many times in a row: at least as
/// long as it said. For about an hour a minute at most, since most troubles end within it and a
/// token that a user withdrew lives on until then; after that up to ten minutes.
pub(super) fn pause(failures: i64, said: Option<Duration>, entropy: &Entropy) -> Duration {
    const MINUTE: Duration = Duration::from_mins(1);
    /// After so many the first hour is over.
    const HOUR: i64 = 80;
    let own = if failures <= HOUR {
        Backoff { first: Duration::from_secs(1), longest: MINUTE }.after(failures, entropy)
    } else {
        Backoff { first: MINUTE, longest: 10 * MINUTE }.after(failures - HOUR, entropy)
    };
    said.map_or(own, |said| said.max(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_left_alone_at_least_as_long_as_it_says() {
        let entropy = Entropy::seeded(1);
        let said = Duration::from_hours(2);
        assert_eq!(pause(1, Some(said), &entropy), said);
        assert!(pause(20, Some(Duration::from_secs(1)), &entropy) >= Duration::from_secs(30));
    }

    #[test]
    fn a_provider_is_asked_every_minute_for_an_hour_and_every_ten_minutes_from_then_on() {
        let entropy = Entropy::seeded(1);
        let mut waited = Duration::ZERO;
        let mut asked = 0;
        let mut longest = Duration::ZERO;
        while waited < Duration::from_mins(45) {
            asked += 1;
            let next = pause(asked, None, &entropy);
            (waited, longest) = (waited + next, longest.max(next));
        }
        assert!(longest > Duration::from_secs(50) && longest <= Duration::from_mins(1));
        assert!((1..=3).all(|first| pause(first, None, &entropy) <= Duration::from_secs(4)));
        let later: Vec<_> = (100..1_000).map(|times| pause(times, None, &entropy)).collect();
        assert!(later.iter().all(|&pause| pause <= Duration::from_mins(10)));
        assert!(later.iter().all(|&pause| pause >= Duration::from_mins(5)));
    }
}
