use std::time::{Duration, UNIX_EPOCH};

use astralform_domain::Timestamp;
use http::{HeaderMap, header};

/// The longest that a caller is told to wait.
const LONGEST: Duration = Duration::from_hours(24);

/// Reads `Retry-After`, in seconds or as a date (RFC 9110 §10.2.3): how long it is from `now`, a
/// day at most.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let said = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let after = seconds(said).or_else(|| until(said, now))?;
    Some(after.min(LONGEST))
}

/// Reads seconds; some providers write fractions of them.
fn seconds(said: &str) -> Option<Duration> {
    if !said.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let seconds: f64 = said.parse().ok()?;
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST))
}

fn until(said: &str, now: Timestamp) -> Option<Duration> {
    date(said).map(|date| now.until(date))
}

/// Reads a date as HTTP writes it (RFC 9110 §5.6.7).
pub(crate) fn date(said: &str) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(said).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::from_secs(i64::try_from(date.as_secs()).ok()?))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// Fri, 15 Jan 2027 08:00:00 GMT.
    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn read(said: &'static str) -> Option<f64> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(said));
        retry_after(&headers, NOW).map(|after| after.as_secs_f64())
    }

    #[test]
    fn it_is_a_number_of_seconds_or_a_date() {
        const DAY: f64 = 86_400.0;
        for (said, expected) in [
            ("90", Some(90.0)),
            (" 0 ", Some(0.0)),
            ("1.5", Some(1.5)),
            ("99999999999", Some(DAY)),
            ("99999999999999999999999999", Some(DAY)),
            ("Fri, 15 Jan 2027 08:01:30 GMT", Some(90.0)),
            ("Friday, 15-Jan-27 08:01:30 GMT", Some(90.0)),
            ("Fri Jan 15 08:01:30 2027", Some(90.0)),
            ("Fri, 15 Jan 2027 07:59:59 GMT", Some(0.0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(DAY)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0.0)),
            ("-1", None),
            ("soon", None),
            ("inf", None),
            ("1e3", None),
            (".", None),
            ("", None),
            ("Fri, 32 Jan 2027 08:01:30 GMT", None),
        ] {
            assert_eq!(read(said), expected, "{said}");
        }
    }
}
