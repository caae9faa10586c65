//! The input of a program.

use std::{fmt, rc::Rc};

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;
use thiserror::Error;

use super::value::{Array, MAX_DEPTH, Object, Text, Value};

/// A JSON value that programs run on; running several on the same one costs nothing more.
#[derive(Clone)]
pub struct Document<'a>(Value<'a>);

/// Why something is not a document. Never quotes it.
#[derive(Debug, Error)]
pub enum ParseError {
    /// The bytes are not one JSON value.
    #[error("not JSON: line {}, column {}", .0.line(), .0.column())]
    NotJson(#[source] serde_json::Error),
    /// Arrays and objects are nested deeper than programs may see.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

impl ParseError {
    /// Recognises the reader's own limit on depth by the words of its error: it has no other sign.
    fn of(error: serde_json::Error) -> Self {
        if error.to_string().starts_with("recursion limit") {
            Self::TooDeep
        } else {
            Self::NotJson(error)
        }
    }
}

impl<'a> Document<'a> {
    /// Reads one JSON value, nested at most as deep as `serde_json` reads.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        // One look at all of the text is quicker than one at each string in it.
        let read = match std::str::from_utf8(bytes) {
            Ok(text) => serde_json::from_str(text),
            Err(_) => serde_json::from_slice(bytes),
        };
        read.map(Self).map_err(ParseError::of)
    }

    /// Returns the value null.
    pub fn null() -> Self {
        Self(Value::Null)
    }

    /// Takes over a value that was read before.
    pub fn from_value(value: &'a Json) -> Result<Self, ParseError> {
        of_json(value, MAX_DEPTH).map(Self).ok_or(ParseError::TooDeep)
    }

    /// Returns the value as `serde_json` has it.
    pub fn to_json(&self) -> Json {
        (&self.0).into()
    }

    pub(super) fn value(&self) -> &Value<'a> {
        &self.0
    }
}

/// Says nothing of what it holds.
impl fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").finish_non_exhaustive()
    }
}

/// Returns the value that `serde_json` has read, unless it is nested too deeply.
pub(super) fn of_json(json: &Json, levels: usize) -> Option<Value<'_>> {
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => {
            let signed = number.as_i64().map(Value::Int);
            let unsigned = signed.or_else(|| number.as_u64().map(Value::Large));
            unsigned.or_else(|| number.as_f64().map(Value::Float))?
        }
        Json::String(text) => Value::text(text.as_str()),
        Json::Array(items) => {
            let levels = levels.checked_sub(1)?;
            let items = items.iter().map(|item| of_json(item, levels));
            Value::rearranged(items.collect::<Option<_>>()?)
        }
        Json::Object(entries) => {
            let levels = levels.checked_sub(1)?;
            let mut object = Object::with_capacity(entries.len());
            for (key, item) in entries {
                object.insert(key.as_str().into(), of_json(item, levels)?);
            }
            Value::Object(Rc::new(object))
        }
    })
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E: Error>(self, int: i64) -> Result<Self::Value, E> {
        Ok(Value::Int(int))
    }

    fn visit_u64<E: Error>(self, int: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(int).map_or(Value::Large(int), Value::Int))
    }

    fn visit_f64<E: Error>(self, float: f64) -> Result<Self::Value, E> {
        Ok(Value::Float(float))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::text(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Text::Shared(text.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut array = Array::default();
        while let Some(item) = items.next_element()? {
            array.push(item);
        }
        Ok(Value::Array(Rc::new(array)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut object = Object::with_capacity(8);
        while let Some((Value::Text(key), item)) = entries.next_entry()? {
            object.insert(key, item);
        }
        Ok(Value::Object(Rc::new(object)))
    }
}
