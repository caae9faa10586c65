//! The days that PostgreSQL keeps apart, so that old ones are dropped whole.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use astralform_domain::{CallLine, Day};

use super::CallStore;
use crate::{Db, Result};

/// The days that have a partition, as far as this process knows.
#[derive(Default)]
pub(super) struct KnownDays(Mutex<BTreeSet<Day>>);

impl KnownDays {
    fn knows(&self, day: Day) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&day)
    }

    fn note(&self, day: Day) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(day);
    }

    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Returns the name of a day's partition.
pub(super) fn partition(day: Day) -> String {
    format!("calls_{}", day.to_string().replace('-', ""))
}

/// Returns the day of a partition.
pub(super) fn day_of(partition: &str) -> Option<Day> {
    let digits = partition.strip_prefix("calls_")?;
    let (year, rest) = digits.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    format!("{year}-{month}-{day}").parse().ok()
}

impl CallStore {
    /// Makes sure that there is room for the lines' days.
    pub(super) async fn ensure_days(&self, db: &Db, lines: &[CallLine]) -> Result<()> {
        if db.is_for_one() {
            return Ok(());
        }
        let days: BTreeSet<_> = lines.iter().map(|line| Day::of(line.at)).collect();
        for day in days.into_iter().filter(|day| !self.known_days.knows(*day)) {
            let name = partition(day);
            let from = day.start().as_micros();
            let to = day.next().start().as_micros();
            let create = format!(
                "CREATE TABLE IF NOT EXISTS {name} PARTITION OF calls FOR VALUES FROM ({from}) TO ({to})"
            );
            db.run_made(create).await?;
            self.known_days.note(day);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_says_its_day() {
        let day: Day = "2026-02-28".parse().unwrap();
        assert_eq!(partition(day), "calls_20260228");
        assert_eq!(day_of("calls_20260228"), Some(day));
        for other in ["calls", "calls_", "calls_2026", "calls_20260231", "call_end_users"] {
            assert_eq!(day_of(other), None, "{other}");
        }
    }
}
