//! A text without its escapes, and where each byte of it stood.

use std::iter::successors;

/// A text whose escapes are resolved and whose control characters are left out.
pub(super) struct Decoded {
    pub(super) bytes: Vec<u8>,
    /// Where in the original each byte stood, and at last the original's length.
    places: Vec<usize>,
}

/// How many escapes may stand in one another: JSON in JSON in an address.
const ROUNDS: usize = 3;
/// As many bytes as are looked at for the end of an escape of HTML.
const LONGEST_ENTITY: usize = 10;

/// Returns the first place at or after `from` where an escape or a control character may begin.
pub(super) fn next_escape(text: &[u8], from: usize) -> Option<usize> {
    const AT_ONCE: usize = 32;
    let mut at = from;
    for chunk in text.get(from..)?.chunks(AT_ONCE) {
        // All of them, without leaving early: the compiler compares many bytes at once.
        if chunk.iter().fold(false, |any, byte| any | begins_escape(*byte)) {
            let found = chunk.iter().position(|byte| begins_escape(*byte));
            return found.map(|found| at + found);
        }
        at += chunk.len();
    }
    None
}

const fn begins_escape(byte: u8) -> bool {
    matches!(byte, b'\\' | b'%' | b'&' | 0x7f | 0xc2)
}

/// Returns whether a byte stands for itself in every place.
const fn is_plain(byte: u8) -> bool {
    byte >= b' ' && !begins_escape(byte)
}

impl Decoded {
    /// As many bytes as an escape has at most: two halves of a character in JSON.
    pub(super) const LONGEST_ESCAPE: usize = 12;

    /// Decodes a text again and again, as long as that changes it.
    pub(super) fn rounds(text: &[u8]) -> impl Iterator<Item = Self> + '_ {
        successors(Self::of(text), Self::again).take(ROUNDS)
    }

    /// Decodes a text of which more is to come: an escape at its end that may go on is left out, in
    /// each round.
    pub(super) fn open_rounds(text: &[u8]) -> impl Iterator<Item = Self> + '_ {
        let first = Self::of(without_open_escape(text)).map(Self::without_open_escape);
        successors(first, |decoded| decoded.again().map(Self::without_open_escape)).take(ROUNDS)
    }

    fn without_open_escape(mut self) -> Self {
        let length = without_open_escape(&self.bytes).len();
        self.bytes.truncate(length);
        self.places.truncate(length + 1);
        self
    }

    /// Returns where in the original a byte stood.
    pub(super) fn place(&self, at: usize) -> usize {
        self.places[at]
    }

    /// Returns where in the original a range stood.
    pub(super) fn origin(&self, found: std::ops::Range<usize>) -> std::ops::Range<usize> {
        self.places[found.start]..self.places[found.end]
    }

    fn again(&self) -> Option<Self> {
        let mut further = Self::of(&self.bytes)?;
        for place in &mut further.places {
            *place = self.places[*place];
        }
        Some(further)
    }

    /// Decodes a text; returns `None` when there is nothing to decode.
    fn of(text: &[u8]) -> Option<Self> {
        let mut decoded = Self {
            bytes: Vec::with_capacity(text.len()),
            places: Vec::with_capacity(text.len() + 1),
        };
        let mut at = 0;
        while at < text.len() {
            let plain = text[at..].iter().take_while(|byte| is_plain(**byte)).count();
            if plain > 0 {
                decoded.bytes.extend_from_slice(&text[at..at + plain]);
                decoded.places.extend(at..at + plain);
                at += plain;
                continue;
            }
            let (meaning, length) = unit(&text[at..]);
            let mut utf8 = [0; 4];
            match meaning {
                Meaning::Byte(byte) if byte.is_ascii_control() => {}
                Meaning::Byte(byte) => decoded.push(&[byte], at),
                Meaning::Char(c) if c.is_control() => {}
                Meaning::Char(c) => decoded.push(c.encode_utf8(&mut utf8).as_bytes(), at),
            }
            at += length;
        }
        decoded.places.push(text.len());
        (decoded.bytes != text).then_some(decoded)
    }

    fn push(&mut self, bytes: &[u8], from: usize) {
        self.bytes.extend_from_slice(bytes);
        self.places.extend(bytes.iter().map(|_| from));
    }
}

/// Returns a text up to the escape at its end that is not whole, if there is one.
pub(super) fn without_open_escape(text: &[u8]) -> &[u8] {
    let from = text.len().saturating_sub(Decoded::LONGEST_ESCAPE);
    let open = (from..text.len()).find(|at| is_open_escape(&text[*at..]));
    &text[..open.unwrap_or(text.len())]
}

/// Returns whether a text is the beginning of an escape and no whole one.
fn is_open_escape(text: &[u8]) -> bool {
    let are_hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    match text {
        [b'\\' | b'%' | b'&' | 0xc2] => true,
        [b'%', digit] => digit.is_ascii_hexdigit(),
        [b'\\', b'u', digits @ ..] if digits.len() < 4 => are_hex(digits),
        // The first half of a character; a second one has to follow.
        [b'\\', b'u', b'd' | b'D', b'8'..=b'9' | b'a'..=b'b' | b'A'..=b'B', _, _, low @ ..] => {
            matches!(low, [] | [b'\\'])
                || matches!(low, [b'\\', b'u', digits @ ..] if digits.len() < 4 && are_hex(digits))
        }
        [b'&', name @ ..] => {
            let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'#';
            name.len() < LONGEST_ENTITY && name.iter().all(is_name)
        }
        _ => false,
    }
}

enum Meaning {
    Byte(u8),
    Char(char),
}

/// Returns what a text begins with, and how many bytes stand for it.
fn unit(text: &[u8]) -> (Meaning, usize) {
    let escaped = match text[0] {
        b'\\' => of_json(text),
        b'%' => number(text.get(1..3), 16).map(|byte| (byte_of(byte), 3)),
        b'&' => of_html(text),
        0xc2 if text.get(1).is_some_and(|next| (0x80..0xa0).contains(next)) => {
            Some((Meaning::Char('\u{80}'), 2))
        }
        _ => None,
    };
    escaped.unwrap_or((Meaning::Byte(text[0]), 1))
}

#[expect(clippy::cast_possible_truncation, reason = "two hexadecimal digits are a byte")]
const fn byte_of(number: u32) -> Meaning {
    Meaning::Byte(number as u8)
}

fn of_json(text: &[u8]) -> Option<(Meaning, usize)> {
    Some(match text.get(1)? {
        b'u' => {
            let high = number(text.get(2..6), 16)?;
            if let Some(c) = char::from_u32(high) {
                return Some((Meaning::Char(c), 6));
            }
            let low = text.get(6..8).filter(|escape| escape == b"\\u").map(|_| text.get(8..12));
            let low = number(low.flatten(), 16)?;
            let c = char::decode_utf16([high, low].map(|half| u16::try_from(half).unwrap_or(0)));
            (Meaning::Char(c.into_iter().next()?.ok()?), 12)
        }
        b'n' | b't' | b'r' | b'b' | b'f' => (Meaning::Byte(0), 2),
        same @ (b'"' | b'\\' | b'/' | b'\'') => (Meaning::Byte(*same), 2),
        _ => return None,
    })
}

fn of_html(text: &[u8]) -> Option<(Meaning, usize)> {
    let end = text.iter().take(LONGEST_ENTITY).position(|byte| *byte == b';')?;
    let c = match &text[1..end] {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(number(Some(digits), 16)?)?,
        [b'#', digits @ ..] => char::from_u32(number(Some(digits), 10)?)?,
        _ => return None,
    };
    Some((Meaning::Char(c), end + 1))
}

fn number(digits: Option<&[u8]>, base: u32) -> Option<u32> {
    let digits = std::str::from_utf8(digits?).ok()?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(())?;
    u32::from_str_radix(digits, base).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_that_may_go_on_is_left_out_and_a_whole_one_is_not() {
        for escape in ["%41", "\\n", "\\u0041", "\\ud83d\\ude00", "&amp;", "&#x41;", "\u{80}"] {
            let text = format!("ab{escape}");
            for end in 3..text.len() {
                let open = without_open_escape(&text.as_bytes()[..end]);
                assert_eq!(open, b"ab", "{escape} up to {end}");
            }
            assert_eq!(without_open_escape(text.as_bytes()), text.as_bytes());
        }
        for text in ["100% of", "a & b", "\\x", "a\\\"b", "&nbsp;", ""] {
            assert_eq!(without_open_escape(text.as_bytes()), text.as_bytes());
        }
    }
}
