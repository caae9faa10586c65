//! Texts and JSON documents with something else in place of secrets.

use std::ops::Range;

use super::{Decoded, Patterns, REDACTED};

/// The shortest run outside of a string, a number for instance, that is taken for a secret.
const NUMBER: usize = 6;

/// Returns a text without the secrets that it repeats; `None` when it repeats none.
pub(super) fn redact(text: &[u8], patterns: &Patterns) -> Option<Vec<u8>> {
    replaced(text, &find_all(text, patterns), REDACTED.as_bytes())
}

/// Returns where secrets stand in a text, also under escapes, sorted by where they begin.
pub(super) fn find_all(text: &[u8], patterns: &Patterns) -> Vec<Range<usize>> {
    let mut found = all(text, patterns);
    for decoded in Decoded::rounds(text) {
        found.extend(all(&decoded.bytes, patterns).into_iter().map(|range| decoded.origin(range)));
    }
    found.sort_by_key(|range| range.start);
    found
}

/// Redacts each string of a JSON document, and leaves the rest of it as it is. What is no JSON after
/// all is a text.
pub(super) fn redact_json(document: &[u8], patterns: &Patterns) -> Option<Vec<u8>> {
    let mut clean = Vec::with_capacity(document.len());
    let mut has_changed = false;
    let mut rest = document;
    let mut push = |part: &[u8], redacted: Option<Vec<u8>>| {
        has_changed |= redacted.is_some();
        clean.extend_from_slice(redacted.as_deref().unwrap_or(part));
    };
    while let Some(quote) = rest.iter().position(|byte| *byte == b'"') {
        let (outside, string) = rest.split_at(quote + 1);
        push(outside, redact_outside(outside, patterns));
        let (string, after) = string.split_at(string_length(string));
        push(string, redact(string, patterns));
        push(&after[..after.len().min(1)], None);
        rest = after.get(1..).unwrap_or_default();
    }
    push(rest, redact_outside(rest, patterns));
    has_changed.then_some(clean)
}

fn string_length(text: &[u8]) -> usize {
    let mut at = 0;
    while at < text.len() && text[at] != b'"' {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    at.min(text.len())
}

fn redact_outside(text: &[u8], patterns: &Patterns) -> Option<Vec<u8>> {
    let mut found = all(text, patterns);
    found.retain(|range| range.len() >= NUMBER);
    for range in &mut found {
        let before = text[..range.start].iter().rev().take_while(|b| !is_structure(**b)).count();
        let after = text[range.end..].iter().take_while(|b| !is_structure(**b)).count();
        *range = range.start - before..range.end + after;
    }
    replaced(text, &found, format!("\"{REDACTED}\"").as_bytes())
}

fn is_structure(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"{}[],:\"".contains(&byte)
}

fn all(text: &[u8], patterns: &Patterns) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut from = 0;
    while let Some(range) = patterns.find(text, from) {
        from = range.end;
        found.push(range);
    }
    found
}

/// Returns a text with something else in place of the ranges, which are sorted and may overlap.
pub(super) fn replaced(text: &[u8], ranges: &[Range<usize>], instead: &[u8]) -> Option<Vec<u8>> {
    if ranges.is_empty() {
        return None;
    }
    let mut clean = Vec::with_capacity(text.len());
    let mut at = 0;
    for range in ranges {
        if range.end <= at {
            continue;
        }
        if range.start >= at {
            clean.extend_from_slice(&text[at..range.start]);
            clean.extend_from_slice(instead);
        }
        at = range.end;
    }
    clean.extend_from_slice(&text[at..]);
    Some(clean)
}
