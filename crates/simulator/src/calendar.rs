/// Returns year, month and day of a day counted from 1970, in years that begin with March.
pub(crate) fn date(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let january_first = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(january_first <= 2), january_first, date)
}
