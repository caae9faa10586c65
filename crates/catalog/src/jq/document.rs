//! The input of a program.

use jaq_json::{Num, Val};
use serde_json::Value;
use thiserror::Error;

use super::shape::MAX_DEPTH;

/// A JSON value that programs run on; running several on the same one costs nothing more.
#[derive(Debug, Clone)]
pub struct Document(Val);

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

impl Document {
    /// Reads one JSON value, nested at most as deep as `serde_json` reads.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        serde_json::from_slice(bytes).map(Self).map_err(ParseError::NotJson)
    }

    /// The value null.
    pub fn null() -> Self {
        Self(Val::Null)
    }

    /// Takes over a value that was read before.
    pub fn from_value(value: &Value) -> Result<Self, ParseError> {
        to_val(value, MAX_DEPTH).map(Self).ok_or(ParseError::TooDeep)
    }

    pub(super) fn val(&self) -> &Val {
        &self.0
    }
}

/// The interpreter's form of a value, unless it is nested too deeply.
pub(super) fn to_val(value: &Value, levels: usize) -> Option<Val> {
    Some(match value {
        Value::Null => Val::Null,
        Value::Bool(truth) => Val::Bool(*truth),
        Value::Number(number) => Val::Num(to_num(number)),
        Value::String(text) => Val::utf8_str(text.clone()),
        Value::Array(items) => {
            let levels = levels.checked_sub(1)?;
            items.iter().map(|item| to_val(item, levels)).collect::<Option<_>>()?
        }
        Value::Object(entries) => {
            let levels = levels.checked_sub(1)?;
            let entry = |(key, item): (&String, _)| {
                Some((Val::utf8_str(key.clone()), to_val(item, levels)?))
            };
            Val::obj(entries.iter().map(entry).collect::<Option<_>>()?)
        }
    })
}

/// `serde_json` numbers are 64-bit integers or finite floats.
fn to_num(number: &serde_json::Number) -> Num {
    let signed = number.as_i64().map(Num::from_integral);
    let unsigned = || number.as_u64().map(Num::from_integral);
    let float = || Num::Float(number.as_f64().unwrap_or_default());
    signed.or_else(unsigned).unwrap_or_else(float)
}
