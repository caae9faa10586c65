use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use crate::tavily::answer::Refusal;

/// The parameters of a request. What was not looked at in the end is one too many.
pub(super) struct Parameters(Map<String, Value>);

// === impl Parameters ===

impl Parameters {
    /// Reads a JSON object.
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Refusal> {
        let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err(Refusal::bad_request("The body must be application/json."));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(parameters)) => Ok(Self(parameters)),
            _ => Err(Refusal::bad_request("The body must be a JSON object.")),
        }
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(must_be(name, "a string")),
        }
    }

    /// Returns one of some words; the first one, which may be none, where it says nothing.
    pub(super) fn word(
        &mut self,
        name: &str,
        known: &[&'static str],
    ) -> Result<&'static str, Refusal> {
        let Some(text) = self.text(name)? else { return Ok(known[0]) };
        let words: Vec<_> = known.iter().copied().filter(|word| !word.is_empty()).collect();
        let found = words.iter().find(|word| **word == text);
        found.copied().ok_or_else(|| {
            Refusal::bad_request(format!("Invalid {name}. Must be one of {}.", words.join(", ")))
        })
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<bool, Refusal> {
        match self.0.remove(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(must_be(name, "a boolean")),
        }
    }

    /// Returns a flag that some words can stand for, too.
    pub(super) fn flag_or(&mut self, name: &str, words: &[&str]) -> Result<bool, Refusal> {
        let is_word = self.0.get(name).and_then(Value::as_str).is_some_and(|w| words.contains(&w));
        if is_word {
            self.0.remove(name);
            return Ok(true);
        }
        self.flag(name)
    }

    pub(super) fn number(
        &mut self,
        name: &str,
        between: std::ops::RangeInclusive<usize>,
    ) -> Result<Option<usize>, Refusal> {
        let Some(value) = self.0.remove(name) else { return Ok(None) };
        let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
        let number = number.filter(|number| between.contains(number));
        let from = between.start();
        let to = between.end();
        let refusal = || must_be(name, &format!("an integer between {from} and {to}"));
        number.map(Some).ok_or_else(refusal)
    }

    /// Returns one text, or a list of them.
    pub(super) fn text_or_texts(
        &mut self,
        name: &str,
        at_most: usize,
    ) -> Result<Vec<String>, Refusal> {
        if self.0.get(name).is_some_and(Value::is_string) {
            return Ok(self.text(name)?.into_iter().collect());
        }
        self.texts(name, at_most)
    }

    /// Reads texts, of which there may be so many.
    pub(super) fn texts(&mut self, name: &str, at_most: usize) -> Result<Vec<String>, Refusal> {
        let Some(value) = self.0.remove(name) else { return Ok(Vec::new()) };
        let texts: Option<Vec<String>> = serde_json::from_value(value).ok();
        let texts = texts.ok_or_else(|| must_be(name, "a list of strings"))?;
        if texts.len() > at_most {
            return Err(Refusal::bad_request(format!("Max {at_most} {name} are allowed.")));
        }
        Ok(texts)
    }

    /// Refuses whatever is left, so that a misspelt parameter is found.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => {
                Err(Refusal::bad_request(format!("The stand-in knows no parameter {name}.")))
            }
        }
    }
}

fn must_be(name: &str, what: &str) -> Refusal {
    Refusal::bad_request(format!("{name} must be {what}."))
}
