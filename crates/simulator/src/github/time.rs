use crate::calendar;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400;

/// Returns a time as GitHub writes it, from microseconds since 1970 (RFC 3339, UTC, whole seconds).
pub(crate) fn rfc3339(micros: i64) -> String {
    let seconds = micros.div_euclid(SECOND);
    let day = seconds.div_euclid(DAY);
    let rest = seconds.rem_euclid(DAY);
    let (year, month, date) = calendar::date(day);
    let hour = rest / 3_600;
    let minute = rest % 3_600 / 60;
    let second = rest % 60;
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_fall_where_the_calendar_has_them() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_800_000_000, "2027-01-15T08:00:00Z"),
        ] {
            assert_eq!(rfc3339(seconds * SECOND), expected);
        }
    }
}
