//! Filters that write values in a format.

use std::fmt::Write as _;

use super::{Filter, Meter, RunResult, Value, strings::text};
use crate::{
    fault::RunFault,
    number::{Number, exact_int},
    output::{to_json, to_text},
};

pub(super) const FILTERS: &[Filter] = &[
    Filter::plain("@text", to_text),
    Filter::plain("@json", to_json),
    Filter::plain("@base64", |meter, input| encode(meter, input, base64)),
    Filter::plain("@uri", |meter, input| encode(meter, input, percent)),
    Filter::plain("todate", to_date),
];

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// From the year 0 to the year 9999, which is what RFC 3339 can write.
const DATES: std::ops::RangeInclusive<i128> = -62_167_219_200..=253_402_300_799;

fn encode<'a>(meter: &Meter, input: &Value<'a>, encode: fn(&[u8]) -> String) -> RunResult<'a> {
    if let Value::Null = input {
        let text = meter.null_text("null");
        return Ok(Value::text(if text == "null" { encode(text.as_bytes()) } else { text.into() }));
    }
    let input = to_text(meter, input)?;
    let bytes = text("a format", &input)?.as_bytes();
    // Three bytes out for each byte in, at worst.
    meter.spend_text(4 * bytes.len())?;
    Ok(Value::text(encode(bytes)))
}

fn base64(bytes: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut padded = [0; 3];
        padded[..chunk.len()].copy_from_slice(chunk);
        let [first, second, third] = padded.map(u32::from);
        let bits = first << 16 | second << 8 | third;
        for digit in 0..4_usize {
            let index = bits >> (18 - 6 * digit) & 63;
            let is_padding = digit > chunk.len();
            encoded.push(if is_padding { '=' } else { BASE64[index as usize].into() });
        }
    }
    encoded
}

fn percent(bytes: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(byte) {
            encoded.push((*byte).into());
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    encoded
}

/// Writes seconds since 1970 as RFC 3339 in UTC; fractions are cut off.
fn to_date<'a>(_: &Meter, input: &Value<'a>) -> RunResult<'a> {
    let seconds = match Number::of(input) {
        Some(Number::Int(seconds)) => Some(seconds),
        Some(Number::Float(seconds)) => exact_int(seconds.floor()),
        None => return Err(RunFault::wanted("`todate`", "a number", input).into()),
    };
    let seconds = seconds.filter(|seconds| DATES.contains(seconds));
    let seconds = seconds.and_then(|seconds| i64::try_from(seconds).ok());
    let seconds = seconds.ok_or(RunFault::Plain("`todate` met a number that is no date"))?;
    let (year, month, day) = civil_date(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    let hour = second / 3600;
    let minute = second / 60 % 60;
    let second = second % 60;
    Ok(Value::text(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")))
}

/// Returns the Gregorian date of a day counted from 1970.
///
/// Counts in years that begin in March, so that the leap day is the last of its year, and in eras
/// of 400 years, which all have the same length.
fn civil_date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}
