//! Bodies that are almost JSON.
//!
//! Some servers cut texts in the middle of a character, write a byte order mark, another encoding
//! than UTF-8, line breaks inside of texts, or numbers that are none. Most JSON libraries read
//! that, so their users never hear of it. It is put right here, ahead of every reader; what is no
//! JSON for another reason stays as it is.

use std::borrow::Cow;

use bytes::Bytes;

/// U+FFFD, as it is written in JSON.
const REPLACEMENT: &[u8] = br"\ufffd";
const MARK: &[u8] = b"\xef\xbb\xbf";
/// What other languages write for numbers that are none (RFC 8259 §6 has no word for them).
const NO_NUMBERS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];

/// Returns a body as JSON, where only such slips keep it from being some.
pub(super) fn repair(body: Bytes) -> Bytes {
    let text = body.strip_prefix(MARK).unwrap_or(&body);
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    if !matches!(first, Some(b'{' | b'[' | b'"')) {
        return body;
    }
    // Checking a whole text is several times as fast as looking for where it stops being one.
    let lossy = match std::str::from_utf8(text) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(text),
    };
    let is_changed = matches!(lossy, Cow::Owned(_)) || text.len() < body.len();
    let repaired = if may_have_slips(&lossy) { rewritten(lossy.as_bytes()) } else { None };
    match repaired {
        Some(repaired) => repaired.into(),
        None if is_changed => lossy.into_owned().into(),
        None => body,
    }
}

/// Returns whether a text may have a slip; most texts have none, and cost little.
fn may_have_slips(text: &str) -> bool {
    // Without a branch, so that many bytes are looked at together.
    let has_control = text.bytes().fold(u8::MAX, u8::min) < b' ';
    has_control || text.contains("\\u") || text.contains("NaN") || text.contains("Infinity")
}

/// A text that is copied only where something is replaced in it.
struct Rewriter<'a> {
    text: &'a [u8],
    written: Vec<u8>,
    /// How much of the text has been copied or replaced.
    done: usize,
}

fn rewritten(text: &[u8]) -> Option<Vec<u8>> {
    let mut rewriter = Rewriter { text, written: Vec::new(), done: 0 };
    let mut at = 0;
    let mut in_string = false;
    while let Some(byte) = text.get(at) {
        let length = match (byte, in_string) {
            (b'"', _) => {
                in_string = !in_string;
                1
            }
            (b'\\', true) => rewriter.escape(at),
            (..b' ', true) => {
                let escaped = format!("\\u{byte:04x}");
                rewriter.replace(at, 1, escaped.as_bytes())
            }
            (b'-' | b'I' | b'N', false) => rewriter.number(at),
            _ => 1,
        };
        at += length;
    }
    rewriter.finish()
}

impl Rewriter<'_> {
    /// Replaces so many bytes; returns how many they are.
    fn replace(&mut self, at: usize, length: usize, with: &[u8]) -> usize {
        self.written.extend_from_slice(&self.text[self.done..at]);
        self.written.extend_from_slice(with);
        self.done = at + length;
        length
    }

    /// Replaces a half of a character that stands alone; returns how long the escape is.
    fn escape(&mut self, at: usize) -> usize {
        match code_unit(&self.text[at..]) {
            Some(0xd800..0xdc00) => match code_unit(&self.text[at + 6..]) {
                Some(0xdc00..0xe000) => 12,
                _ => self.replace(at, 6, REPLACEMENT),
            },
            Some(0xdc00..0xe000) => self.replace(at, 6, REPLACEMENT),
            Some(_) => 6,
            None => 2,
        }
    }

    fn number(&mut self, at: usize) -> usize {
        let rest = &self.text[at..];
        match NO_NUMBERS.iter().find(|word| rest.starts_with(word.as_bytes())) {
            Some(word) => self.replace(at, word.len(), b"null"),
            None => 1,
        }
    }

    fn finish(mut self) -> Option<Vec<u8>> {
        if self.done == 0 {
            return None;
        }
        self.written.extend_from_slice(&self.text[self.done..]);
        Some(self.written)
    }
}

/// Returns the code unit of UTF-16 that a text begins with as an escape.
fn code_unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    let digits = std::str::from_utf8(digits).ok()?;
    if digits.starts_with('+') { None } else { u16::from_str_radix(digits, 16).ok() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn repaired(text: &[u8]) -> Bytes {
        repair(Bytes::copy_from_slice(text))
    }

    fn read(text: &[u8]) -> Value {
        serde_json::from_slice(&repaired(text)).unwrap()
    }

    #[test]
    fn halves_of_characters_become_the_replacement_character() {
        for (written, expected) in [
            (r#""\ud83c""#, "\u{fffd}"),
            (r#""\uDFFF\ud800""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83c\ud83c\udf89\udf89""#, "\u{fffd}\u{1f389}\u{fffd}"),
            (r#""\ud83c\u0041""#, "\u{fffd}A"),
            (r#""\\ud83c""#, r"\ud83c"),
            (r#""\\\ud83c""#, "\\\u{fffd}"),
            (r#""\"\ud83c\"""#, "\"\u{fffd}\""),
        ] {
            assert_eq!(read(written.as_bytes()), json!(expected), "{written}");
        }
    }

    #[test]
    fn numbers_that_are_none_become_null_outside_of_texts() {
        let written = br#"{"NaN": [NaN, -Infinity,Infinity, -1], "Infinity": "NaN"}"#;
        let expected = json!({"NaN": [null, null, null, -1], "Infinity": "NaN"});
        assert_eq!(read(written), expected);
    }

    #[test]
    fn what_needs_no_repair_is_the_same_bytes() {
        for text in [
            &br#"{"a": "\ud83c\udf89 \u00e9", "b": -1}"#[..],
            b"[1,\n\t2]",
            b"<p>\\ud83c NaN</p>",
            b"access_token=\xe9",
            b"",
            b"{\"a\": \"\\ud8",
            b"[\"\\u+123\"]",
        ] {
            assert_eq!(repaired(text), text);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_at_all_are_taken(bytes: Vec<u8>, inside in r#"[\\ud8c"NaI\n-]{0,40}"#) {
            repaired(&bytes);
            repaired(format!("[\"{inside}").as_bytes());
        }

        #[test]
        fn json_stays_what_it_is(text: String, flag: bool) {
            let value = json!({"text": text, "list": [text, flag, null, -1.5]});
            for written in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                prop_assert_eq!(repaired(written.as_bytes()), written);
            }
        }
    }
}
