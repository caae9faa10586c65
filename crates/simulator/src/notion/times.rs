use crate::calendar;

/// Returns a time as the API writes it: to the minute, in UTC.
pub(crate) fn written(micros: i64) -> String {
    let minutes = micros.div_euclid(60_000_000);
    let days = minutes.div_euclid(1_440);
    let minute = minutes.rem_euclid(1_440);
    let (year, month, day) = calendar::date(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:00.000Z", minute / 60, minute % 60)
}

/// Returns whether a text can be a date or a time of a property: `2026-01-31`, and what may follow.
pub(crate) fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shape = |at: usize| match at {
        4 | 7 => bytes[at] == b'-',
        _ => bytes[at].is_ascii_digit(),
    };
    bytes.len() >= 10 && (0..10).all(shape) && (bytes.len() == 10 || bytes[10] == b'T')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_to_the_minute() {
        assert_eq!(written(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(written(1_800_000_059_999_999), "2027-01-15T08:00:00.000Z");
        assert_eq!(written(951_782_400_000_000), "2000-02-29T00:00:00.000Z");
    }

    #[test]
    fn a_date_has_its_digits_in_place() {
        assert!(is_date("2026-01-31") && is_date("2026-01-31T10:00:00Z"));
        assert!(!is_date("31.01.2026") && !is_date("2026-1-31") && !is_date("2026-01-31 10:00"));
    }
}
