use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Timestamp, schema::in_json};

/// A day of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Day(i64);

/// A text that names no day.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a day is written as in 2026-11-30")]
pub struct InvalidDay;

const MICROS: i64 = 24 * 60 * 60 * 1_000_000;

impl Day {
    /// Returns the day of a moment.
    pub const fn of(time: Timestamp) -> Self {
        Self(time.as_micros().div_euclid(MICROS))
    }

    /// Returns the day that many days after 1970-01-01.
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// Returns how many days after 1970-01-01 it is.
    pub const fn number(self) -> i64 {
        self.0
    }

    /// Returns its first moment.
    pub const fn start(self) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_mul(MICROS))
    }

    /// Returns the day so many days earlier.
    #[must_use]
    pub fn earlier(self, days: u32) -> Self {
        Self(self.0.saturating_sub(i64::from(days)))
    }

    /// Returns the day after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Returns how long any number of days is.
    pub const fn duration(days: u32) -> Duration {
        Duration::from_secs(days as u64 * 24 * 60 * 60)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = self.start().to_string();
        f.write_str(moment.split('T').next().unwrap_or_default())
    }
}

impl FromStr for Day {
    type Err = InvalidDay;
    fn from_str(text: &str) -> Result<Self, InvalidDay> {
        let moment: Timestamp = format!("{text}T00:00:00Z").parse().map_err(|_| InvalidDay)?;
        let day = Self::of(moment);
        if day.to_string() == text { Ok(day) } else { Err(InvalidDay) }
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

impl TryFrom<String> for Day {
    type Error = InvalidDay;
    fn try_from(text: String) -> Result<Self, InvalidDay> {
        text.parse()
    }
}

in_json!(Day, true, {"type": "string", "format": "date"});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_as_people_write_it() {
        let day: Day = "2026-11-30".parse().unwrap();
        assert_eq!(day.to_string(), "2026-11-30");
        assert_eq!(day.next().to_string(), "2026-12-01");
        assert_eq!(Day::of(day.next().start()), day.next());
        assert_eq!(Day::of(Timestamp::from_micros(day.next().start().as_micros() - 1)), day);
        for bad in ["", "2026-11-31", "30.11.2026", "2026-11-30T01:00:00Z", "2026-1-3"] {
            assert!(bad.parse::<Day>().is_err(), "{bad}");
        }
    }
}
