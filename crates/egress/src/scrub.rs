//! A provider may repeat the secrets that it was called with; no caller of ours is to see them.
//!
//! A request says which secrets it carries ([`Secrets`]), and its answer is scrubbed of them before
//! it is read: plain, in base64 and hexadecimal, and under the escapes of JSON, HTML and addresses.
//! A look through an answer that repeats nothing costs about a microsecond for 2 KB; only an answer
//! that may repeat a secret is searched in full.

mod decoded;
mod patterns;
mod redacted;
mod stream;

use astralform_domain::Secret;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use crate::Answer;
use decoded::{Decoded, next_escape};
use patterns::Patterns;
use redacted::{redact, redact_json};
pub(crate) use stream::StreamScrubber;

/// What stands in place of a secret.
pub const REDACTED: &str = "[redacted]";
/// More than is ever read of a refusal that is no JSON.
const TEXT: usize = 4096;

/// The secrets that a request carries. An answer to it never shows them.
#[derive(Clone, Default)]
pub struct Secrets(Vec<Secret>);

impl Secrets {
    /// Returns the secrets of a request that carries none.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Adds a secret.
    pub fn add(&mut self, secret: &Secret) {
        if !secret.expose().is_empty() {
            self.0.push(secret.clone());
        }
    }

    /// Takes the secrets out of an answer.
    pub(super) fn scrub(&self, answer: Answer) -> Answer {
        if self.0.is_empty() {
            return answer;
        }
        let beginnings = Patterns::beginnings(&self.0);
        let Answer { status, headers, body, first_byte } = answer;
        // The text of a refusal is shown without its control characters, where it is no JSON.
        let is_suspect = may_repeat(&beginnings, &body)
            || !status.is_success() && stands_in(&beginnings, &body[..body.len().min(TEXT)]);
        let body = if is_suspect { self.clean_body(body) } else { body };
        let headers = self.scrub_with(&beginnings, headers);
        Answer { status, headers, body, first_byte }
    }

    /// Takes the secrets out of the headers of an answer.
    pub(super) fn scrub_headers(&self, headers: HeaderMap) -> HeaderMap {
        if self.0.is_empty() {
            return headers;
        }
        self.scrub_with(&Patterns::beginnings(&self.0), headers)
    }

    /// Returns what takes the secrets out of a body that comes in parts.
    pub(super) fn stream(&self) -> StreamScrubber {
        StreamScrubber::new(&self.0)
    }

    fn scrub_with(&self, beginnings: &Patterns, headers: HeaderMap) -> HeaderMap {
        let is_suspect = headers.iter().any(|(name, value)| {
            may_repeat(beginnings, name.as_str().as_bytes())
                || may_repeat(beginnings, value.as_bytes())
        });
        if is_suspect { self.clean_headers(&headers) } else { headers }
    }

    fn clean_body(&self, body: Bytes) -> Bytes {
        let patterns = Patterns::whole(&self.0);
        let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
        let is_json = matches!(first, Some(b'{' | b'[' | b'"'));
        let clean = if is_json { redact_json(&body, &patterns) } else { redact(&body, &patterns) };
        clean.map_or(body, Bytes::from)
    }

    fn clean_headers(&self, headers: &HeaderMap) -> HeaderMap {
        let patterns = Patterns::whole(&self.0);
        let mut clean = HeaderMap::with_capacity(headers.len());
        for (name, value) in headers {
            if redact(name.as_str().as_bytes(), &patterns).is_some() {
                continue;
            }
            let redacted = redact(value.as_bytes(), &patterns);
            let redacted = redacted.and_then(|text| HeaderValue::from_bytes(&text).ok());
            clean.append(name, redacted.unwrap_or_else(|| value.clone()));
        }
        clean
    }
}

/// Returns whether a text may repeat a secret: whether the beginning of a form of it stands there,
/// also where escapes are in its way.
fn may_repeat(beginnings: &Patterns, text: &[u8]) -> bool {
    beginnings.find(text, 0).is_some() || may_repeat_escaped(beginnings, text)
}

/// Decodes only what stands around escapes, since most of an answer has none.
fn may_repeat_escaped(beginnings: &Patterns, text: &[u8]) -> bool {
    let reach = beginnings.longest();
    let mut from = 0;
    while let Some(first) = next_escape(text, from) {
        let mut last = first;
        while let Some(next) = next_escape(&text[..text.len().min(last + 1 + reach)], last + 1) {
            last = next;
        }
        let end = text.len().min(last + reach + Decoded::LONGEST_ESCAPE);
        let window = &text[first.saturating_sub(reach)..end];
        if stands_in(beginnings, window) {
            return true;
        }
        from = last + 1;
    }
    false
}

fn stands_in(beginnings: &Patterns, escaped: &[u8]) -> bool {
    Decoded::rounds(escaped).any(|decoded| beginnings.find(&decoded.bytes, 0).is_some())
}

#[cfg(test)]
mod tests;
