//! When things are done. Pure, apart from random jitter.

use std::time::Duration;

use astralform_domain::{Backoff, Entropy, ProviderError};

/// How long a refresh is leased: much longer than a provider is waited for, so that no node takes
/// over from a node that lives.
pub(super) const LEASE: Duration = Duration::from_mins(1);
/// How long a caller waits for a token to be refreshed.
pub(super) const PATIENCE: Duration = Duration::from_secs(25);
/// The longest pause after a failure that is waited out by those who are waiting.
pub(super) const SHORT: Duration = Duration::from_secs(2);
/// How long a refresh in a frozen project waits.
pub(super) const FROZEN: Duration = Duration::from_mins(1);
/// How long nothing is tried whose connector cannot be used as it is.
pub(super) const UNUSABLE: Duration = Duration::from_mins(1);
/// How long a provider refuses a refresh before its user is asked to connect again: longer than
/// most incidents.
const REFUSED: Duration = Duration::from_mins(10);
/// How long a provider refuses it where it blames the developer's app, which its user can do
/// nothing about.
const APP_REFUSED: Duration = Duration::from_hours(24);
/// How often a refresh is tried again whose user has been asked already.
const GIVEN_UP: Duration = Duration::from_hours(1);

/// Returns for how long a refresh is refused in that word before its user is asked to connect
/// again. `unauthorized_client` blames the app by RFC 6749 §5.2, and the token at more than one
/// provider.
pub(super) fn refused_for(blamed: Option<&ProviderError>) -> Duration {
    match blamed {
        Some(said) if said.code != "unauthorized_client" => APP_REFUSED,
        _ => REFUSED,
    }
}

/// How often a lease that another node holds is looked at.
pub(super) const LOOK: Duration = Duration::from_millis(50);

/// How long the database is to be heard without a break before a refresh that another node has sent
/// is taken over: that node may hold the answer and get it stored as soon as the database is back.
const HANDS_OFF: Duration = Duration::from_secs(15);

/// Returns whether what another node has sent may be taken over, where the database is heard for so
/// long.
pub(super) fn takes_over(sound_for: Duration) -> bool {
    sound_for >= HANDS_OFF
}

/// Returns how long it is until this node may take over, at least a second.
pub(super) fn until_takeover(sound_for: Duration) -> Duration {
    HANDS_OFF.saturating_sub(sound_for).max(Duration::from_secs(1))
}

const MINUTE: Duration = Duration::from_mins(1);

/// Returns how long to wait after so many failures in a row: twice as long each time, from half a
/// second to five minutes, less up to half of it by chance; or as long as the provider says.
pub(super) fn pause(failures: i64, said: Option<Duration>, entropy: &Entropy) -> Duration {
    pause_up_to(5 * MINUTE, failures, said, entropy)
}

/// Returns the pause for a refresh whose user has been asked to connect again: up to an hour.
pub(super) fn pause_given_up(failures: i64, entropy: &Entropy) -> Duration {
    pause_up_to(GIVEN_UP, failures, None, entropy)
}

fn pause_up_to(
    most: Duration,
    failures: i64,
    said: Option<Duration>,
    entropy: &Entropy,
) -> Duration {
    let backoff = Backoff { first: Duration::from_millis(500), longest: most };
    let own = backoff.after(failures.saturating_add(1), entropy);
    said.filter(|said| !said.is_zero()).unwrap_or(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r4_pauses_grow_and_the_providers_word_counts() {
        let entropy = Entropy::seeded(7);
        let mut before = Duration::ZERO;
        for failures in 0..10 {
            let pause = pause(failures, None, &entropy);
            assert!(pause >= before / 2 && pause <= 5 * MINUTE, "{failures}: {pause:?}");
            before = pause;
        }
        assert!(pause(0, None, &entropy) <= Duration::from_millis(500));
        assert!(pause(99, None, &entropy) >= Duration::from_secs(150));
        assert_eq!(pause(3, Some(Duration::from_secs(7)), &entropy), Duration::from_secs(7));
        assert!(pause(0, Some(Duration::ZERO), &entropy) >= Duration::from_millis(250));
    }
}
