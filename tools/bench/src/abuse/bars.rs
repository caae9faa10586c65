//! What an attack may cost another user, as rows.

use super::{attackers::Attacker, rounds::Turn};
use crate::figures::{median, ratio};

/// What was promised of one attacker, and what became of it.
#[derive(Debug, PartialEq)]
pub(super) struct Bar {
    pub(super) what: &'static str,
    pub(super) found: f64,
    pub(super) limit: f64,
    pub(super) unit: &'static str,
}

/// The other user's median may be so many times as long as without the attack.
const P50_TIMES: f64 = 2.0;
/// The 99th percentile likewise, or so many milliseconds, whichever is more.
const P99_TIMES: f64 = 3.0;
const P99_FLOOR: f64 = 50.0;
/// The most memory that the product may hold at any time, in MiB.
const PEAK: f64 = 256.0;
/// The memory afterwards, in per cent of that before.
const AFTERWARDS: f64 = 120.0;

/// The medians of an attacker's rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Medians {
    pub(super) quiet: (f64, f64),
    pub(super) attacked: (f64, f64),
    pub(super) before: f64,
    pub(super) peak: f64,
    pub(super) after: f64,
    /// How much more memory there was afterwards, in per cent.
    pub(super) left: f64,
}

impl Bar {
    pub(super) fn is_met(&self) -> bool {
        self.found <= self.limit
    }
}

/// Returns the turns of one attacker.
pub(super) fn turns_of(turns: &[Turn], attacker: Attacker) -> Vec<&Turn> {
    turns.iter().filter(|turn| turn.attacker == attacker).collect()
}

/// Returns the medians of some turns, of which there is at least one.
pub(super) fn medians(turns: &[&Turn]) -> Medians {
    let middle = |of: &dyn Fn(&Turn) -> f64| {
        median(turns.iter().map(|turn| of(turn))).unwrap_or(f64::INFINITY)
    };
    Medians {
        quiet: (
            middle(&|turn| turn.quiet.percentiles().0),
            middle(&|turn| turn.quiet.percentiles().1),
        ),
        attacked: (
            middle(&|turn| turn.attacked.percentiles().0),
            middle(&|turn| turn.attacked.percentiles().1),
        ),
        before: middle(&|turn| turn.memory.before),
        peak: middle(&|turn| turn.memory.peak),
        after: middle(&|turn| turn.memory.after),
        left: middle(&|turn| turn.memory.after / turn.memory.before * 100.0),
    }
}

/// Returns the bars of one attacker's turns. Errors are added up: none may come in any round.
pub(super) fn bars(turns: &[&Turn]) -> Vec<Bar> {
    let medians = medians(turns);
    let sum = |of: &dyn Fn(&Turn) -> usize| ratio(turns.iter().map(|turn| of(turn)).sum());
    rows(
        &medians,
        sum(&|turn| turn.attacked.server_errors()),
        sum(&|turn| turn.attacked.other_errors()),
    )
}

fn rows(medians: &Medians, server_errors: f64, other_errors: f64) -> Vec<Bar> {
    let Medians { quiet, attacked, peak, left, .. } = *medians;
    let p99 = (quiet.1 * P99_TIMES).max(P99_FLOOR);
    [
        ("answers with 5xx", server_errors, 0.0, ""),
        ("other calls that went wrong, broken connections among them", other_errors, 0.0, ""),
        ("p50", attacked.0, quiet.0 * P50_TIMES, "ms"),
        ("p99", attacked.1, p99, "ms"),
        ("most memory", peak, PEAK, "MiB"),
        ("memory afterwards, of that before", left, AFTERWARDS, "%"),
    ]
    .map(|(what, found, limit, unit)| Bar { what, found, limit, unit })
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missed(medians: &Medians, server_errors: f64, other_errors: f64) -> Vec<&'static str> {
        let rows = rows(medians, server_errors, other_errors);
        rows.into_iter().filter(|bar| !bar.is_met()).map(|bar| bar.what).collect()
    }

    const GOOD: Medians = Medians {
        quiet: (0.5, 2.0),
        attacked: (1.0, 50.0),
        before: 40.0,
        peak: 256.0,
        after: 48.0,
        left: 120.0,
    };

    #[test]
    fn each_bar_is_missed_by_what_is_above_it_alone() {
        assert_eq!(missed(&GOOD, 0.0, 0.0), [""; 0]);
        assert_eq!(missed(&GOOD, 1.0, 0.0), ["answers with 5xx"]);
        assert_eq!(missed(&GOOD, 0.0, 1.0).len(), 1);
        assert_eq!(missed(&Medians { attacked: (1.01, 50.0), ..GOOD }, 0.0, 0.0), ["p50"]);
        assert_eq!(missed(&Medians { attacked: (1.0, 50.1), ..GOOD }, 0.0, 0.0), ["p99"]);
        assert_eq!(missed(&Medians { peak: 257.0, ..GOOD }, 0.0, 0.0), ["most memory"]);
        assert_eq!(missed(&Medians { left: 121.0, ..GOOD }, 0.0, 0.0).len(), 1);
    }

    #[test]
    fn a_slow_tail_without_an_attack_may_be_three_times_as_slow_with_one() {
        let slow = Medians { quiet: (0.5, 30.0), attacked: (0.5, 89.0), ..GOOD };
        assert_eq!(missed(&slow, 0.0, 0.0), [""; 0]);
    }

    #[test]
    fn a_product_that_has_ended_misses_its_bars() {
        let ended = Medians { peak: f64::INFINITY, left: f64::INFINITY, ..GOOD };
        assert_eq!(missed(&ended, 0.0, 0.0).len(), 2);
    }
}
