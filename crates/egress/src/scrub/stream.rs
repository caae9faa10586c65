//! A body that comes in parts, without the secrets that it repeats.
//!
//! What may be the beginning of a secret is held back until it is known whether it is one. A
//! beginning of less than [`BEGUN`] bytes is handed on, or an event that by chance ends with the
//! first letter of a secret would wait for the next one; when the rest of the secret follows, that
//! is taken out. A secret is therefore found wherever a body is cut, with these limits: it has to
//! stand within [`Scrubbing::held_at_most`] bytes; and what stands in place of a number of a JSON
//! document has no quotes, since a part of a document is a text.

use std::ops::Range;

use astralform_domain::Secret;
use bytes::{Bytes, BytesMut};

use super::{
    Decoded, Patterns, REDACTED,
    decoded::{next_escape, without_open_escape},
    redacted::{find_all, replaced},
};

/// The shortest beginning of a secret that is held back.
const BEGUN: usize = 4;
/// How much of what was handed on is looked at together with what comes next. A beginning that is
/// handed on stands in it whole, with its escapes.
const CONTEXT: usize = 128;
/// What may stand between the letters of a secret, in control characters for instance.
const BETWEEN: usize = 4096;

/// Takes secrets out of a body that comes in parts.
struct Scrubbing {
    patterns: Patterns,
    /// The end of what was handed on, and what is held back.
    text: BytesMut,
    /// How much of the text was handed on.
    done: usize,
}

/// Takes secrets out of a body that comes in parts, where there are any.
pub(crate) struct StreamScrubber(Option<Box<Scrubbing>>);

impl StreamScrubber {
    pub(super) fn new(secrets: &[Secret]) -> Self {
        Self((!secrets.is_empty()).then(|| {
            let patterns = Patterns::whole(secrets);
            Box::new(Scrubbing { patterns, text: BytesMut::new(), done: 0 })
        }))
    }

    /// Takes the next part of the body, and returns what can be handed on.
    pub(crate) fn push(&mut self, part: Bytes) -> Bytes {
        match &mut self.0 {
            Some(scrubbing) => scrubbing.push(part),
            None => part,
        }
    }

    /// Returns what was held back, at the end of the body.
    pub(crate) fn finish(&mut self) -> Bytes {
        self.0.as_mut().map_or_else(Bytes::new, |scrubbing| {
            let found = find_all(&scrubbing.text, &scrubbing.patterns);
            scrubbing.hand_on(&found, scrubbing.text.len())
        })
    }
}

impl Scrubbing {
    fn push(&mut self, part: Bytes) -> Bytes {
        let is_holding = self.done < self.text.len();
        self.text.extend_from_slice(&part);
        let found = find_all(&self.text, &self.patterns);
        let mut end = self.decided(&found);
        if self.text.len() - end > self.held_at_most() {
            end = self.text.len();
        }
        // Most parts go on as they came, without a copy.
        if found.is_empty() && end == self.text.len() && !is_holding {
            self.forget(end);
            return part;
        }
        self.hand_on(&found, end)
    }

    /// Returns how much is held back at most. A letter of a secret may stand as an escape.
    fn held_at_most(&self) -> usize {
        self.patterns.longest() * Decoded::LONGEST_ESCAPE + BETWEEN
    }

    /// Returns where what has to be held back begins. A secret that ends with the text may go on.
    fn decided(&self, found: &[Range<usize>]) -> usize {
        let length = self.text.len();
        let mut end = self.begun();
        for range in found.iter().rev() {
            if range.start < end && (range.end > end || range.end == length) {
                end = range.start;
            }
        }
        end.max(self.done)
    }

    /// Returns where the text may begin a secret, or a character, that is not whole yet; its length
    /// if nowhere.
    fn begun(&self) -> usize {
        let text = &self.text[..];
        let mut first = self.begun_in(text, |at| at).min(whole_characters(text));
        for decoded in Decoded::rounds(text) {
            first = first.min(self.begun_in(&decoded.bytes, |at| decoded.place(at)));
        }
        // The last escape may not be whole either.
        let tail = text.len().saturating_sub(CONTEXT);
        if next_escape(text, tail).is_some() {
            first = first.min(self.begun_in(without_open_escape(text), |at| at));
            for decoded in Decoded::open_rounds(text) {
                first = first.min(self.begun_in(&decoded.bytes, |at| decoded.place(at)));
            }
        }
        first
    }

    /// Returns where the text may begin a secret, in one reading of it.
    fn begun_in(&self, reading: &[u8], place: impl Fn(usize) -> usize) -> usize {
        let length = self.text.len();
        let mut begins = self.patterns.begun(reading).filter(|(start, is_short)| {
            let is_long_enough = reading.len() - start >= BEGUN;
            // What is handed on has to stand in the context later.
            is_long_enough || *is_short || length - place(*start) > CONTEXT
        });
        begins.next().map_or(length, |(start, _)| place(start))
    }

    /// Returns the text up to `end` as far as it was not handed on yet, without the secrets.
    fn hand_on(&mut self, found: &[Range<usize>], end: usize) -> Bytes {
        let new = found.iter().filter(|range| range.end > self.done && range.start < end);
        let text = &self.text[self.done..end];
        let new = new.map(|range| {
            let start = range.start.saturating_sub(self.done);
            start..printed(text, start..range.end.min(end) - self.done)
        });
        let clean = replaced(text, &new.collect::<Vec<_>>(), REDACTED.as_bytes());
        let clean = clean.map_or_else(|| Bytes::copy_from_slice(text), Bytes::from);
        self.forget(end);
        clean
    }

    /// Notes that the text was handed on up to `end`, and keeps the context of what follows.
    fn forget(&mut self, end: usize) {
        let forgotten = end.saturating_sub(CONTEXT);
        let _ = self.text.split_to(forgotten);
        self.done = end - forgotten;
    }
}

/// Returns where a range ends without the control characters at its end: line breaks after a secret
/// end an event.
fn printed(text: &[u8], range: Range<usize>) -> usize {
    let unprinted = text[range.clone()].iter().rev().take_while(|byte| byte.is_ascii_control());
    range.end - unprinted.count()
}

/// Returns the length of a text without the character at its end that is not whole, if there is one:
/// half of one may not stand before [`REDACTED`].
fn whole_characters(text: &[u8]) -> usize {
    const LONGEST: usize = 4;
    let tail = text.len().saturating_sub(LONGEST - 1);
    let begins = |at: &usize| !matches!(text[*at], 0x80..=0xbf);
    let Some(last) = (tail..text.len()).rev().find(begins) else { return text.len() };
    let is_open =
        std::str::from_utf8(&text[last..]).is_err_and(|error| error.error_len().is_none());
    if is_open { last } else { text.len() }
}
