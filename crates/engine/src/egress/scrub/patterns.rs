//! The forms in which a secret travels, all looked for at once.

use std::ops::Range;

use astralform_domain::Secret;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use url::form_urlencoded::byte_serialize;

/// A form of a secret, folded.
struct Pattern {
    text: Secret,
    is_encoded: bool,
}

/// Forms of secrets, with a table of how far a search may skip (Wu and Manber's): most bytes of a
/// text are never looked at.
///
/// Letters of either case are alike, and so are the two alphabets of base64.
pub(super) struct Patterns {
    all: Vec<Pattern>,
    shortest: usize,
    skips: [u8; SKIPS],
}

/// How many bytes decide how far to skip.
const BLOCK: usize = 3;
const SKIPS: usize = 2048;
/// How much of the shortest pattern is in the table.
const WINDOW: usize = 24;
/// How many bytes of a secret make its beginning.
const BEGINNING: usize = 24;
/// The shortest secret that is looked for in encodings: of shorter ones too little is left.
const ENCODED: usize = 6;
/// Shorter secrets count only where they are words of their own.
const WORD: usize = 8;

const FOLDED: [u8; 256] = folded();

const fn folded() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte: u8 = 0;
    loop {
        table[byte as usize] = match byte {
            b'+' => b'-',
            b'/' => b'_',
            other => other.to_ascii_lowercase(),
        };
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

fn fold(byte: u8) -> u8 {
    FOLDED[usize::from(byte)]
}

impl Patterns {
    /// Returns what the forms of the secrets begin with. It is quick to make; where it finds
    /// something, [`Patterns::whole`] decides.
    pub(super) fn beginnings(secrets: &[Secret]) -> Self {
        let secrets = secrets.iter().map(Secret::expose);
        Self::of(secrets.map(|secret| &secret[..secret.floor_char_boundary(BEGINNING)]))
    }

    /// Returns the forms of the secrets.
    pub(super) fn whole(secrets: &[Secret]) -> Self {
        Self::of(secrets.iter().map(Secret::expose))
    }

    fn of<'a>(secrets: impl Iterator<Item = &'a str>) -> Self {
        let mut all = Vec::new();
        for secret in secrets {
            add_forms(secret, &mut all);
        }
        let shortest = all.iter().map(|pattern| pattern.text.expose().len()).min().unwrap_or(0);
        let shortest = shortest.min(WINDOW);
        let mut patterns = Self { all, shortest, skips: [0; SKIPS] };
        patterns.fill_skips();
        patterns
    }

    #[expect(clippy::cast_possible_truncation, reason = "the window is short")]
    fn fill_skips(&mut self) {
        if self.shortest < BLOCK {
            return;
        }
        self.skips.fill((self.shortest - BLOCK + 1) as u8);
        for pattern in &self.all {
            let window = &pattern.text.expose().as_bytes()[..self.shortest];
            for (at, block) in window.windows(BLOCK).enumerate() {
                let skip = &mut self.skips[place(block)];
                *skip = (*skip).min((self.shortest - BLOCK - at) as u8);
            }
        }
    }

    /// Returns the length of the longest pattern.
    pub(super) fn longest(&self) -> usize {
        self.all.iter().map(|pattern| pattern.text.expose().len()).max().unwrap_or(0)
    }

    /// Returns where the first pattern at or after `from` stands; of those that begin there, the
    /// longest. An encoded one reaches to the ends of the word it stands in.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<Range<usize>> {
        if self.all.is_empty() {
            return None;
        }
        let mut end = from + self.shortest;
        while end <= text.len() {
            let skip = match self.shortest {
                BLOCK.. => self.skips[place(&text[end - BLOCK..end])],
                _ => 0,
            };
            if skip > 0 {
                end += usize::from(skip);
                continue;
            }
            if let Some(found) = self.at(text, end - self.shortest) {
                return Some(found);
            }
            end += 1;
        }
        None
    }

    fn at(&self, text: &[u8], start: usize) -> Option<Range<usize>> {
        let rest = &text[start..];
        let standing = self.all.iter().filter(|pattern| {
            let wanted = pattern.text.expose().as_bytes();
            rest.len() >= wanted.len()
                && wanted.iter().zip(rest).all(|(wanted, byte)| *wanted == fold(*byte))
                && (wanted.len() >= WORD || is_word(text, start..start + wanted.len()))
        });
        let longest = standing.max_by_key(|pattern| pattern.text.expose().len())?;
        let found = start..start + longest.text.expose().len();
        Some(if longest.is_encoded { extended(text, found) } else { found })
    }
}

/// Spreads three bytes over the table (Fibonacci hashing).
fn place(block: &[u8]) -> usize {
    let [a, b, c] = [block[0], block[1], block[2]].map(fold);
    let hash = u32::from_le_bytes([a, b, c, 0]).wrapping_mul(0x9e37_79b1);
    (hash >> (u32::BITS - SKIPS.trailing_zeros())) as usize
}

fn is_word(text: &[u8], range: Range<usize>) -> bool {
    let is_letter = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
    let before = range.start.checked_sub(1).and_then(|at| text.get(at));
    !is_letter(before) && !is_letter(text.get(range.end))
}

/// Returns the whole run of base64 that a range stands in: its ends hold parts of the secret too.
fn extended(text: &[u8], range: Range<usize>) -> Range<usize> {
    let is_code = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let before = text[..range.start].iter().rev().take_while(is_code).count();
    let after = text[range.end..].iter().take_while(|b| is_code(b) || **b == b'=').count();
    range.start - before..range.end + after
}

fn add_forms(secret: &str, to: &mut Vec<Pattern>) {
    let mut add = |text: &[u8], is_encoded| {
        let folded = text.iter().map(|byte| fold(*byte)).collect();
        if let Ok(text) = String::from_utf8(folded) {
            to.push(Pattern { text: Secret::new(text), is_encoded });
        }
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"*-._".contains(&byte);
    add(secret.as_bytes(), false);
    if secret.len() >= ENCODED {
        add(hex(secret).expose().as_bytes(), true);
        add_base64(secret, &mut add);
    }
    // As a part of Basic credentials (RFC 6749 §2.3.1), and as a parameter.
    if !secret.bytes().all(is_plain) {
        let form = Secret::new(byte_serialize(secret.as_bytes()).collect());
        add(form.expose().as_bytes(), false);
        if secret.len() >= ENCODED {
            add_base64(form.expose(), &mut add);
        }
    }
}

/// Adds the characters of a base64 text that depend on the secret alone, for each number of bytes
/// that may precede it in a group of three.
fn add_base64(secret: &str, add: &mut impl FnMut(&[u8], bool)) {
    for shift in 0..3 {
        let padded = Secret::new(format!("{}{secret}", &"\0\0"[..shift]));
        let encoded = Secret::new(STANDARD.encode(padded.expose()));
        let (first, last) = ((shift * 8).div_ceil(6), padded.expose().len() * 8 / 6);
        add(&encoded.expose().as_bytes()[first..last], true);
    }
}

fn hex(secret: &str) -> Secret {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let mut text = String::with_capacity(secret.len() * 2);
    for byte in secret.bytes() {
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
    Secret::new(text)
}
