//! The place and the passage belong to the whole process, so they are the one thing here that is
//! kept globally; the command line sets them.

use std::{
    str::FromStr,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use thiserror::Error;

static ARMED: OnceLock<CrashPoint> = OnceLock::new();

/// One place, and how often it may be passed before the process dies there.
#[derive(Debug)]
struct CrashPoint {
    name: String,
    passages: AtomicU64,
}

/// A crash point is written `name` or `name:n`.
#[derive(Debug, Error)]
#[error(
    "`{0}` is no crash point: one is `refresh.answered`, or `refresh.answered:3` for the third passage"
)]
struct InvalidCrashPoint(String);

/// Makes the process die at the place that `text` names.
///
/// # Panics
/// When there is no such place, so that no test runs without the death it asked for.
pub fn arm(text: &str) {
    let point: Result<CrashPoint, _> = text.parse();
    let _ = ARMED.set(point.unwrap_or_else(|error| panic!("{error}")));
}

/// Passes a place; see [`crash_point!`](crate::crash_point).
pub fn pass(name: &str) {
    if ARMED.get().is_some_and(|armed| armed.is_due(name)) {
        std::process::abort();
    }
}

impl CrashPoint {
    fn is_due(&self, name: &str) -> bool {
        name == self.name && self.passages.fetch_sub(1, Ordering::SeqCst) == 1
    }
}

impl FromStr for CrashPoint {
    type Err = InvalidCrashPoint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, passage) = text.split_once(':').unwrap_or((text, "1"));
        match passage.parse() {
            Ok(passage @ 1..) if !name.is_empty() => {
                Ok(Self { name: name.to_owned(), passages: AtomicU64::new(passage) })
            }
            _ => Err(InvalidCrashPoint(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_point_is_due_at_the_passage_that_was_asked_for_and_at_no_other_place() {
        let point: CrashPoint = "refresh.answered:3".parse().unwrap();
        let seen = ["refresh.answered", "refresh.stored", "refresh.answered", "refresh.answered"];
        assert_eq!(seen.map(|name| point.is_due(name)), [false, false, false, true]);
        assert!(!point.is_due("refresh.answered"));
        let point: CrashPoint = "refresh.answered".parse().unwrap();
        assert!(point.is_due("refresh.answered"));
    }

    #[test]
    fn what_is_no_crash_point_is_not_taken_for_one() {
        for text in ["", ":1", "refresh.answered:", "refresh.answered:0", "refresh.answered:soon"] {
            assert!(text.parse::<CrashPoint>().is_err(), "{text}");
        }
    }

    /// Runs itself again in a process of its own: the place to die in.
    #[test]
    fn the_process_dies_where_it_was_told_to() {
        const CHILD: &str = "crash_points::armed::tests::passes_a_crash_point_when_it_is_told_to";
        let tests = std::env::current_exe().unwrap();
        let child =
            std::process::Command::new(tests).args(["--ignored", "--exact", CHILD]).output();
        let died = child.unwrap();
        assert_eq!(died.status.code(), None, "{died:?}");
        let said = String::from_utf8_lossy(&died.stdout).into_owned();
        assert!(!said.contains("it lives on"), "{said}");
    }

    #[test]
    #[ignore = "the process dies"]
    fn passes_a_crash_point_when_it_is_told_to() {
        arm("here:2");
        crate::crash_point!("here");
        crate::crash_point!("elsewhere");
        crate::crash_point!("here");
        panic!("it lives on");
    }
}
