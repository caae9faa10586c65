//! The forms in which a secret travels, all looked for at once.

use std::ops::Range;

use astralform_domain::Secret;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

/// A form of a secret, folded.
struct SecretPattern {
    /// Where it stands among the texts of all.
    text: Range<usize>,
    is_encoded: bool,
}

/// The forms of secrets, all in one piece of memory, which is wiped.
#[derive(Default)]
struct Forms {
    texts: Zeroizing<Vec<u8>>,
    all: Vec<SecretPattern>,
}

/// Forms of secrets, with a table of how far a search may skip (Wu and Manber's): most bytes of a
/// text are never looked at.
///
/// Letters of either case are alike, and so are the two alphabets of base64.
pub(super) struct Patterns {
    forms: Forms,
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
        let forms = Forms::of(secrets);
        let shortest = forms.lengths().min().unwrap_or(0).min(WINDOW);
        let mut patterns = Self { forms, shortest, skips: [0; SKIPS] };
        patterns.fill_skips();
        patterns
    }

    #[expect(clippy::cast_possible_truncation, reason = "the window is short")]
    fn fill_skips(&mut self) {
        if self.shortest < BLOCK {
            return;
        }
        self.skips.fill((self.shortest - BLOCK + 1) as u8);
        for pattern in &self.forms.all {
            let window = &self.forms.text(pattern)[..self.shortest];
            for (at, block) in window.windows(BLOCK).enumerate() {
                let skip = &mut self.skips[place(block)];
                *skip = (*skip).min((self.shortest - BLOCK - at) as u8);
            }
        }
    }

    /// Returns the length of the longest pattern.
    pub(super) fn longest(&self) -> usize {
        self.forms.lengths().max().unwrap_or(0)
    }

    /// Returns where the first pattern at or after `from` stands; of those that begin there, the
    /// longest. An encoded one reaches to the ends of the word it stands in.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<Range<usize>> {
        if self.forms.all.is_empty() {
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

    /// Returns where patterns may begin that the text ends in the middle of, and whether one there
    /// is short. Of a short one, a word that is known by the byte after it, all may stand there.
    pub(super) fn begun<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = (usize, bool)> + 'a {
        let from = text.len().saturating_sub(self.longest());
        (from..text.len()).filter_map(|start| {
            let begun = self.forms.all.iter().map(|pattern| self.forms.text(pattern));
            let begun = begun.filter(|wanted| is_begun(wanted, text, start));
            begun
                .map(|wanted| wanted.len() < WORD)
                .reduce(|any, is_short| any | is_short)
                .map(|is_short| (start, is_short))
        })
    }

    fn at(&self, text: &[u8], start: usize) -> Option<Range<usize>> {
        let rest = &text[start..];
        let standing = self.forms.all.iter().filter(|pattern| {
            let wanted = self.forms.text(pattern);
            rest.len() >= wanted.len()
                && wanted.iter().zip(rest).all(|(wanted, byte)| *wanted == fold(*byte))
                && (wanted.len() >= WORD || is_word(text, start..start + wanted.len()))
        });
        let longest = standing.max_by_key(|pattern| pattern.text.len())?;
        let found = start..start + longest.text.len();
        Some(if longest.is_encoded { extended(text, found) } else { found })
    }
}

/// Returns whether a text ends in the middle of a pattern that begins at `start`.
fn is_begun(wanted: &[u8], text: &[u8], start: usize) -> bool {
    let rest = &text[start..];
    let is_short = wanted.len() < WORD;
    let is_open = wanted.len() > rest.len() || is_short && wanted.len() == rest.len();
    is_open
        && rest.iter().zip(wanted).all(|(byte, wanted)| *wanted == fold(*byte))
        && (!is_short || is_word(text, start..text.len()))
}

/// Spreads three bytes over the table (Fibonacci hashing).
fn place(block: &[u8]) -> usize {
    let [a, b, c] = [block[0], block[1], block[2]].map(fold);
    let hash = u32::from_le_bytes([a, b, c, 0]).wrapping_mul(0x9e37_79b1);
    (hash >> (u32::BITS - SKIPS.trailing_zeros())) as usize
}

fn is_word(text: &[u8], range: Range<usize>) -> bool {
    let before = range.start.checked_sub(1).and_then(|at| text.get(at));
    let after = text.get(range.end);
    !before.into_iter().chain(after).any(u8::is_ascii_alphanumeric)
}

/// Returns the whole run of base64 that a range stands in: its ends hold parts of the secret too.
fn extended(text: &[u8], range: Range<usize>) -> Range<usize> {
    let before = text[..range.start].iter().rev().take_while(|b| is_base64(**b)).count();
    let after = text[range.end..].iter().take_while(|b| is_base64(**b) || **b == b'=').count();
    range.start - before..range.end + after
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)
}

/// Returns whether `application/x-www-form-urlencoded` has a byte as it is.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"*-._".contains(&byte)
}

impl Forms {
    fn of<'a>(secrets: impl Iterator<Item = &'a str>) -> Self {
        let mut forms = Self::default();
        secrets.for_each(|secret| forms.add_all_of(secret));
        forms
    }

    fn text(&self, pattern: &SecretPattern) -> &[u8] {
        &self.texts[pattern.text.clone()]
    }

    fn lengths(&self) -> impl Iterator<Item = usize> {
        self.all.iter().map(|pattern| pattern.text.len())
    }

    fn add_all_of(&mut self, secret: &str) {
        let is_encoded = secret.len() >= ENCODED;
        self.reserve(secret.len() * 8 + 32);
        self.add(false, |texts| texts.extend_from_slice(secret.as_bytes()));
        if is_encoded {
            self.add(true, |texts| texts.extend(secret.bytes().flat_map(hex)));
            self.add_base64(secret);
        }
        // As a part of Basic credentials (RFC 6749 §2.3.1), and as a parameter.
        if !secret.bytes().all(is_unreserved) {
            let form = Secret::new(byte_serialize(secret.as_bytes()).collect());
            self.reserve(form.expose().len() * 6 + 32);
            self.add(false, |texts| texts.extend_from_slice(form.expose().as_bytes()));
            if is_encoded {
                self.add_base64(form.expose());
            }
        }
    }

    /// Makes room, and wipes what is left behind where that moves the texts.
    fn reserve(&mut self, more: usize) {
        if self.texts.capacity() - self.texts.len() < more {
            let mut roomy = Vec::with_capacity(2 * self.texts.len() + more);
            roomy.extend_from_slice(&self.texts);
            self.texts = Zeroizing::new(roomy);
        }
    }

    /// Adds a text as it is written, folded.
    fn add(&mut self, is_encoded: bool, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.texts.len();
        let room = self.texts.capacity();
        write(&mut self.texts);
        debug_assert_eq!(self.texts.capacity(), room, "what moves by itself is not wiped");
        self.texts[start..].iter_mut().for_each(|byte| *byte = fold(*byte));
        self.all.push(SecretPattern { text: start..self.texts.len(), is_encoded });
    }

    /// Adds the characters of a base64 text that depend on the secret alone, for each number of
    /// bytes that may precede it in a group of three.
    fn add_base64(&mut self, secret: &str) {
        let mut padded = Zeroizing::new(Vec::with_capacity(secret.len() + 2));
        padded.extend_from_slice(b"\0\0");
        padded.extend_from_slice(secret.as_bytes());
        for shift in 0..3 {
            let text = &padded[2 - shift..];
            let first = (shift * 8).div_ceil(6);
            let last = text.len() * 8 / 6;
            self.add(true, |texts| {
                let start = texts.len();
                texts.resize(start + text.len().div_ceil(3) * 4, 0);
                STANDARD.encode_slice(text, &mut texts[start..]).expect("there is room for it");
                texts.copy_within(start + first..start + last, start);
                texts.truncate(start + last - first);
            });
        }
    }
}

fn hex(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}
