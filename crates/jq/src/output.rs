//! From values to `serde_json`'s, and to text. What was shared inside a value no longer is, so a
//! value pays for all its nodes before it is written.

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::Value as Json;

use super::{
    fault::{RunLimit, RunResult},
    meter::Meter,
    value::{MAX_WEIGHT, Value},
};

/// Pays for a value that leaves the run.
pub(super) fn pay(meter: &Meter, value: &Value<'_>) -> Result<(), RunLimit> {
    meter.spend(value.weight())?;
    if value.weight() > MAX_WEIGHT { Err(RunLimit::Size) } else { Ok(()) }
}

/// Returns the compact JSON text of a value.
pub(super) fn to_json<'a>(meter: &Meter, value: &Value<'a>) -> RunResult<'a> {
    pay(meter, value)?;
    let text = serde_json::to_string(value).unwrap_or_default();
    meter.spend_text(text.len())?;
    Ok(Value::text(text))
}

/// Returns the text of a string, or what JSON is written for any other value.
pub(super) fn to_text<'a>(meter: &Meter, value: &Value<'a>) -> RunResult<'a> {
    match value {
        Value::Text(_) => Ok(value.clone()),
        Value::Null => {
            meter.spend(1)?;
            Ok(Value::text(meter.null_text("null").to_owned()))
        }
        other => to_json(meter, other),
    }
}

impl From<&Value<'_>> for Json {
    fn from(value: &Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Int(int) => Self::from(*int),
            Value::Large(int) => Self::from(*int),
            Value::Float(float) => Self::from(*float),
            Value::Text(text) => Self::String((**text).to_owned()),
            Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Value::Object(object) => {
                let entries = object.entries().iter();
                entries.map(|(key, item)| ((**key).to_owned(), Self::from(item))).collect()
            }
        }
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Int(int) => serializer.serialize_i64(*int),
            Self::Large(int) => serializer.serialize_u64(*int),
            Self::Float(float) => serializer.serialize_f64(*float),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items.iter()),
            Self::Object(object) => {
                let mut map = serializer.serialize_map(Some(object.entries().len()))?;
                for (key, item) in object.entries() {
                    map.serialize_entry(&**key, item)?;
                }
                map.end()
            }
        }
    }
}
