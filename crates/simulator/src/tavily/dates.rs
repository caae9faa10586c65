const DAY: i64 = 86_400;
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Returns a day at noon, as HTTP and Tavily's news write it; seconds since 1970 in, from then on.
pub(crate) fn noon_of(seconds: i64) -> String {
    let days = seconds.div_euclid(DAY);
    let weekday = WEEKDAYS[usize::try_from(days.rem_euclid(7)).unwrap_or_default()];
    let (year, month, day) = civil(days);
    let month = MONTHS[usize::try_from(month - 1).unwrap_or_default()];
    format!("{weekday}, {day:02} {month} {year} 12:00:00 GMT")
}

/// Returns year, month and day of so many days after 1 January 1970. Counts from 1 March, so that
/// the leap day comes last, in eras of 400 years.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_named_across_leap_years() {
        for (seconds, noon) in [
            (0, "Thu, 01 Jan 1970 12:00:00 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 12:00:00 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 12:00:00 GMT"),
            (1_735_689_599, "Tue, 31 Dec 2024 12:00:00 GMT"),
            (1_800_000_000, "Fri, 15 Jan 2027 12:00:00 GMT"),
        ] {
            assert_eq!(noon_of(seconds), noon, "{seconds}");
        }
    }
}
