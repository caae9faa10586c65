//! The encoding that a text comes in.
//!
//! JSON is UTF-8 (RFC 8259 §8.1), and a body that is valid UTF-8 is read as that. Some servers
//! write another encoding, which they name in `Content-Type` or by the mark of UTF-16: those in
//! common use are read.

use bytes::Bytes;
use http::{HeaderMap, header};

/// Windows-1252 from 0x80 to 0x9f. Elsewhere it is Latin-1, for which it is taken everywhere.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

type Unit = fn([u8; 2]) -> u16;

/// Returns a body in UTF-8, where its encoding is known to be another one.
pub(super) fn decoded(headers: &HeaderMap, body: Bytes) -> Bytes {
    let charset = charset(headers);
    if let Some(unit) = unit_of_utf_16(charset.as_deref(), &body) {
        return utf_16(&body, unit).into();
    }
    // Many servers name a charset in their settings and write UTF-8 all the same.
    if charset.is_some_and(|name| is_latin(&name)) && std::str::from_utf8(&body).is_err() {
        return body.iter().map(|byte| latin(*byte)).collect::<String>().into();
    }
    body
}

/// Returns the `charset` of the content type, in lower case.
fn charset(headers: &HeaderMap) -> Option<String> {
    let said = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let mut parameters = said.split(';').skip(1).filter_map(|part| part.split_once('='));
    let (_, value) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Some(value.trim().trim_matches('"').to_ascii_lowercase())
}

fn is_latin(charset: &str) -> bool {
    matches!(charset, "iso-8859-1" | "iso8859-1" | "latin1" | "windows-1252" | "cp1252")
}

fn latin(byte: u8) -> char {
    match byte {
        0x80..0xa0 => WINDOWS_1252[usize::from(byte - 0x80)],
        other => other.into(),
    }
}

/// Returns the byte order of a text in UTF-16; the mark at its beginning counts before the charset.
fn unit_of_utf_16(charset: Option<&str>, body: &[u8]) -> Option<Unit> {
    let (little, big): (Unit, Unit) = (u16::from_le_bytes, u16::from_be_bytes);
    match (body, charset) {
        ([0xff, 0xfe, ..], _) => Some(little),
        ([0xfe, 0xff, ..], _) => Some(big),
        // In UTF-16, every character that JSON needs has a byte that is 0.
        (_, Some("utf-16le")) if body.contains(&0) => Some(little),
        (_, Some("utf-16be" | "utf-16")) if body.contains(&0) => Some(big),
        _ => None,
    }
}

fn utf_16(body: &[u8], unit: Unit) -> String {
    let units = body.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let mut text = String::from_utf16_lossy(&units.collect::<Vec<_>>());
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    text
}
