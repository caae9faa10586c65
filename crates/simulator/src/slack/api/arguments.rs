use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::slack::answer::{Refusal, Warnings};

/// Which bodies a method reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bodies {
    /// Forms only.
    Form,
    /// Forms and JSON objects.
    FormOrJson,
}

/// The arguments of a call, wherever they stood.
#[derive(Default)]
pub(crate) struct Arguments {
    values: Map<String, Value>,
    pub(crate) warnings: Warnings,
    /// Whether a `token` among them counts: only a form may carry one.
    from_form: bool,
}

// === impl Arguments ===

impl Arguments {
    pub(crate) fn from_query(query: &str) -> Result<Self, Refusal> {
        Ok(Self { values: pairs(query.as_bytes())?, ..Self::default() })
    }

    pub(crate) fn from_body(
        headers: &HeaderMap,
        body: &[u8],
        bodies: Bodies,
    ) -> Result<Self, Refusal> {
        let Some(content_type) = headers.get(CONTENT_TYPE) else {
            let nothing = Ok(Self::default());
            return if body.is_empty() { nothing } else { Err(Refusal::new("missing_post_type")) };
        };
        let content_type = content_type.to_str().unwrap_or_default().to_ascii_lowercase();
        let (media_type, charset) = media_type_and_charset(&content_type);
        if charset.is_some_and(|charset| !matches!(charset, "utf-8" | "iso-8859-1")) {
            return Err(Refusal::new("invalid_charset"));
        }
        match (media_type, bodies) {
            ("application/x-www-form-urlencoded", _) => Ok(Self {
                values: pairs(body)?,
                warnings: charset.map(|_| "superfluous_charset").into_iter().collect(),
                from_form: true,
            }),
            ("application/json", Bodies::FormOrJson) => Ok(Self {
                values: object(body)?,
                warnings: charset.is_none().then_some("missing_charset").into_iter().collect(),
                from_form: false,
            }),
            // Slack ignores JSON where it does not read it; saying so finds the mistake earlier.
            _ => Err(Refusal::new("invalid_post_type")),
        }
    }

    /// Returns the token, if it stands where Slack looks for it.
    pub(crate) fn token(&self) -> Option<&str> {
        self.values.get("token").filter(|_| self.from_form)?.as_str()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|value| !value.is_null())
    }

    /// Returns a text; null and absent are the same to Slack.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(must_be(name, "a string")),
        }
    }

    /// Returns a text that says something.
    pub(crate) fn filled(&self, name: &str) -> Result<Option<&str>, Refusal> {
        Ok(self.text(name)?.filter(|text| !text.is_empty()))
    }

    /// Returns a boolean, in JSON or as one of the words Slack documents.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(word)) => match word.as_str() {
                "true" | "1" => Ok(Some(true)),
                "false" | "0" => Ok(Some(false)),
                _ => Err(must_be(name, "a boolean")),
            },
            Some(_) => Err(must_be(name, "a boolean")),
        }
    }

    /// Returns a whole number; the error is the caller's to name.
    pub(crate) fn number(&self, name: &str) -> Result<Option<usize>, NotANumber> {
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(digits)) => digits.parse().map(Some).map_err(|_| NotANumber),
            Some(value) => {
                let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
                number.map(Some).ok_or(NotANumber)
            }
        }
    }

    /// Returns a JSON value; forms carry it as text.
    pub(crate) fn json(&self, name: &str) -> Result<Option<Value>, serde_json::Error> {
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text).map(Some),
            Some(value) => Ok(Some(value.clone())),
        }
    }
}

/// A value that should have been a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotANumber;

pub(crate) fn must_be(name: &str, what: &str) -> Refusal {
    Refusal::invalid_arguments(&format!("`{name}` must be {what} [json-pointer:/{name}]"))
}

fn pairs(encoded: &[u8]) -> Result<Map<String, Value>, Refusal> {
    let mut values = Map::new();
    for (name, value) in form_urlencoded::parse(encoded) {
        check_name(&name)?;
        values.insert(name.into_owned(), Value::String(value.into_owned()));
    }
    Ok(values)
}

fn object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    let values = match serde_json::from_slice(body) {
        Ok(Value::Object(values)) => values,
        Ok(_) => return Err(Refusal::new("json_not_object")),
        Err(_) => return Err(Refusal::new("invalid_json")),
    };
    values.keys().try_for_each(|name| check_name(name))?;
    Ok(values)
}

fn check_name(name: &str) -> Result<(), Refusal> {
    if name.ends_with(']') {
        return Err(Refusal::new("invalid_array_arg"));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let fits = (1..=64).contains(&name.len()) && name.chars().all(plain);
    if fits { Ok(()) } else { Err(Refusal::new("invalid_arg_name")) }
}

fn media_type_and_charset(content_type: &str) -> (&str, Option<&str>) {
    let mut parts = content_type.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let charset = parts.find_map(|part| part.strip_prefix("charset="));
    (media_type, charset.map(|charset| charset.trim_matches('"')))
}
