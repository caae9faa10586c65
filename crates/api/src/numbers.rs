//! Numbers of which a float keeps less than was written: none of them is passed on as another one.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Returns where in a member of a JSON object a number is that cannot be kept, as a JSON Pointer
/// (RFC 6901) from that member on.
pub(crate) fn inexact(body: &[u8], member: &str) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    if !tokens(text).any(|token| !is_exact(token)) {
        return None;
    }
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    locate(members.get(member)?.get(), DEEPEST)
}

/// How many levels down a number is located; of a deeper one, the place above it is told.
const DEEPEST: usize = 8;

/// Returns where the first such number is. Each level of the value is read anew, so that no more
/// than `levels` are.
fn locate(text: &str, levels: usize) -> Option<String> {
    let text = text.trim();
    if tokens(text).all(is_exact) {
        return None;
    }
    if levels == 0 {
        return Some(String::new());
    }
    if let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(text) {
        let mut places = members.iter().filter_map(|(name, value)| {
            let inner = locate(value.get(), levels - 1)?;
            Some(format!("/{}{inner}", name.replace('~', "~0").replace('/', "~1")))
        });
        return places.next();
    }
    if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text) {
        let mut places = items.iter().enumerate().filter_map(|(index, value)| {
            let inner = locate(value.get(), levels - 1)?;
            Some(format!("/{index}{inner}"))
        });
        return places.next();
    }
    Some(String::new())
}

/// Returns the numbers in a JSON text, as they are written.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit())?;
            rest = &rest[start..];
            if let Some(inside) = rest.strip_prefix('"') {
                rest = after_string(inside);
                continue;
            }
            let end = rest.find(|c: char| !c.is_ascii_digit() && !"+-.eE".contains(c));
            let end = end.unwrap_or(rest.len());
            let (token, after) = rest.split_at(end);
            rest = after;
            return Some(token);
        }
    })
}

fn after_string(inside: &str) -> &str {
    let mut escaped = false;
    let end = inside.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    });
    end.map_or("", |end| &inside[end + 1..])
}

/// Returns whether the number that is kept is the one that was written.
fn is_exact(token: &str) -> bool {
    const ALWAYS_KEPT: usize = 15;
    if token.len() <= ALWAYS_KEPT && !token.contains(['e', 'E']) {
        return true;
    }
    if token.parse::<i64>().is_ok() || token.parse::<u64>().is_ok() {
        return true;
    }
    token.parse().is_ok_and(|kept: f64| {
        let written = decimal(token);
        kept.is_finite() && written.is_some() && written == decimal(&format!("{kept:e}"))
    })
}

/// Returns the digits that count and the power of ten of the last one; none and 0 for zero.
fn decimal(number: &str) -> Option<(String, i64)> {
    let (digits, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = digits
        .trim_start_matches('-')
        .split_once('.')
        .unwrap_or((digits.trim_start_matches('-'), ""));
    let all = format!("{whole}{fraction}");
    let significant = all.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some((String::new(), 0));
    }
    let zeros = all.len() - all.trim_end_matches('0').len();
    let shift = i64::try_from(zeros).ok()? - i64::try_from(fraction.len()).ok()?;
    let exponent: i64 = exponent.parse().ok()?;
    Some((significant.to_owned(), exponent.checked_add(shift)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arguments: &str) -> Option<String> {
        inexact(format!(r#"{{"arguments":{arguments}}}"#).as_bytes(), "arguments")
    }

    #[test]
    fn a_number_that_is_kept_as_it_was_written_is_no_fault() {
        for number in [
            "0",
            "5",
            "-5",
            "5.0",
            "5.50",
            "0.1",
            "1e2",
            "1E+2",
            "1.5e-3",
            "0.0",
            "-0",
            "0e9",
            "100e-2",
            "9007199254740993",
            "18446744073709551615",
            "-9223372036854775808",
            "1e17",
            "1e300",
            "123456789012345680.0",
            "0.30000000000000004",
            "1000000000000000000000000",
        ] {
            assert_eq!(of(number), None, "{number}");
            assert_eq!(
                of(&format!(r#"{{"text": "1.00000000000000000001", "n": {number}}}"#)),
                None
            );
        }
    }

    #[test]
    fn a_number_of_which_less_would_be_kept_is_found_where_it_is() {
        for number in [
            "18446744073709551616",
            "-9223372036854775809",
            "9007199254740993.0",
            "0.1234567890123456789",
            "1.00000000000000000001",
            "1e-400",
        ] {
            assert_eq!(of(number).as_deref(), Some(""), "{number}");
            let inside = format!(r#"{{"q": "a\"{number}", "a/b": [1, {{"n~": {number}}}]}}"#);
            assert_eq!(of(&inside).as_deref(), Some("/a~1b/1/n~0"), "{number}");
        }
        let deep = format!("{}0.1234567890123456789{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(of(&deep).as_deref(), Some("/0/0/0/0/0/0/0/0"));
        let beside = br#"{"arguments": {}, "wait_seconds": 1.00000000000000000001}"#;
        assert_eq!(inexact(beside, "arguments"), None);
    }
}
