use std::time::Duration;

use astralform_domain::{Entropy, Timestamp};

const MINUTE: Duration = Duration::from_mins(1);

/// Returns the time at which a token that was just given is refreshed ahead of its end: a tenth of
/// its life before, at least one minute and at most ten, never more than half of it, and up to half
/// of that margin earlier still, so that tokens of one moment are not all refreshed in one moment.
pub(super) fn refresh_at(now: Timestamp, expires_at: Timestamp, entropy: &Entropy) -> Timestamp {
    let life = now.until(expires_at);
    let margin = (life / 10).clamp(MINUTE, 10 * MINUTE).min(life / 3);
    expires_at.before(margin + (margin / 2).mul_f64(entropy.share()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: i64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    #[test]
    fn r8_a_token_is_refreshed_a_while_before_its_end_and_not_all_at_once() {
        let entropy = Entropy::seeded(7);
        for (life, earliest, latest) in
            [(3, 1, 2), (90, 45, 60), (3_600, 3_060, 3_240), (43_200, 42_300, 42_600)]
        {
            let all: Vec<_> = (0..100).map(|_| refresh_at(secs(0), secs(life), &entropy)).collect();
            let first = all.iter().min().unwrap();
            let last = all.iter().max().unwrap();
            assert!(*first >= secs(earliest) && *last <= secs(latest), "{life}: {first} {last}");
            assert!(first.until(*last) > Duration::from_millis(100));
        }
    }
}
