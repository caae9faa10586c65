use std::time::Duration;

const SECOND: u64 = 1;
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// How long after an attempt the next one comes, as Standard Webhooks suggests: over three days.
const DELAYS: [u64; 9] = [
    5 * SECOND,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
];

/// Returns when a delivery that was tried `attempts` times is tried again; never after the last
/// attempt. A receiver that asks for more time gets it, up to a day. `chance` spreads what failed
/// together over a tenth more.
pub(super) fn next_attempt(attempts: i64, asked: Option<Duration>, chance: u8) -> Option<Duration> {
    let index = usize::try_from(attempts).ok()?.checked_sub(1)?;
    let delay = Duration::from_secs(*DELAYS.get(index)?);
    let asked = asked.map_or(delay, |asked| asked.min(Duration::from_secs(24 * HOUR)));
    let delay = delay.max(asked);
    Some(delay + delay.mul_f64(f64::from(chance) / 2550.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_tried_ten_times_in_a_bit_more_than_three_days() {
        let delays: Vec<_> = (1..).map_while(|tried| next_attempt(tried, None, 0)).collect();
        assert_eq!(delays.len(), 9);
        let all: Duration = delays.iter().sum();
        assert_eq!(all, Duration::from_secs(75 * HOUR + 35 * MINUTE + 5));
        assert_eq!(next_attempt(0, None, 0), None);
    }

    #[test]
    fn a_tenth_at_most_is_left_to_chance() {
        let least = next_attempt(2, None, 0).unwrap();
        let most = next_attempt(2, None, 255).unwrap();
        assert_eq!((least.as_secs(), most.as_secs()), (300, 330));
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_but_not_for_less() {
        let after = |seconds| next_attempt(2, Some(Duration::from_secs(seconds)), 0).unwrap();
        assert_eq!(after(900).as_secs(), 900);
        assert_eq!(after(1).as_secs(), 300);
        assert_eq!(after(10_000_000).as_secs(), 24 * HOUR);
    }
}
