//! What a body, a query or an address may have, and what is wrong with one that came.
//!
//! Only what could not be read comes here. What is expected is taken from the same schema that the
//! API's document shows.

mod words;

use axum::extract::RawPathParams;
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};
use url::form_urlencoded;

use crate::{
    FieldFault, Refusal, openapi,
    problem::{FieldLocation, Wrong},
};
use words::{allowed, given, in_words, is_plain_text};

/// What a type takes, as its JSON Schema says it.
pub(super) struct Expected {
    schema: Value,
}

impl Expected {
    pub(super) fn of<T: JsonSchema>() -> Self {
        Self { schema: openapi::inlined::<T>() }
    }

    /// Reads a JSON object without the nulls of fields that may be left out but not be null.
    pub(super) fn read<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Refusal> {
        let MemberNames(keys) = serde_json::from_slice(bytes).map_err(|error| not_json(&error))?;
        let read: Result<Map<_, _>, _> = serde_json::from_slice(bytes);
        let mut value = read.map_err(|error| not_json(&error))?;
        refuse_repeated(&keys).map_err(Refusal::InvalidBody)?;
        self.leave_out_nulls(&mut value);
        let given = Value::Object(value);
        let read = serde_path_to_error::deserialize(&given);
        read.map_err(|error| {
            Refusal::InvalidBody(self.fault(&given, error.path(), &error.inner().to_string()))
        })
    }

    /// Reads a JSON list.
    pub(super) fn read_list<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<Vec<T>, Refusal> {
        let read: Result<Vec<Value>, _> = serde_json::from_slice(bytes);
        let given = Value::Array(read.map_err(|error| not_json(&error))?);
        let read = serde_path_to_error::deserialize(&given);
        read.map_err(|error| {
            Refusal::InvalidBody(self.fault(&given, error.path(), &error.inner().to_string()))
        })
    }

    pub(super) fn read_query<T: DeserializeOwned>(&self, query: &str) -> Result<T, FieldFault> {
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let keys: Vec<_> = pairs.iter().map(|(name, _)| name.clone()).collect();
        let known: Vec<_> = keys.into_iter().filter(|name| self.field(name).is_some()).collect();
        refuse_repeated(&known)?;
        let given: Map<String, Value> =
            pairs.into_iter().map(|(name, text)| (name, text.into())).collect();
        let parsed = form_urlencoded::parse(query.as_bytes());
        let read = serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(parsed));
        read.map_err(|error| self.fault(&given.into(), error.path(), &error.inner().to_string()))
    }

    pub(super) fn read_path<T: DeserializeOwned>(
        &self,
        parts: &RawPathParams,
    ) -> Result<T, FieldFault> {
        let parts = parts.iter().map(|(name, text)| (name.to_owned(), text.into()));
        let given = Value::Object(parts.collect());
        let read = serde_path_to_error::deserialize(&given);
        read.map_err(|error| self.fault(&given, error.path(), &error.inner().to_string()))
    }

    fn leave_out_nulls(&self, given: &mut Map<String, Value>) {
        given.retain(|name, value| {
            let takes_null = self.field(name).is_none_or(takes_null);
            !value.is_null() || takes_null || is_required(&self.schema, name)
        });
    }

    fn field(&self, name: &str) -> Option<&Value> {
        member(&self.schema, name)
    }

    /// Returns what is wrong at a place that reading stopped at.
    fn fault(&self, root: &Value, path: &Path, message: &str) -> FieldFault {
        let mut schema = &self.schema;
        let mut value = root;
        let mut place = FieldLocation::default();
        for segment in path {
            let inner = match segment {
                Segment::Map { key } => {
                    let Some(inner) = member(schema, key) else {
                        return unknown(schema, &place, key);
                    };
                    place = place.member(key);
                    (Some(inner), value.get(key))
                }
                Segment::Seq { index } => {
                    place = place.item(*index);
                    (with(schema, "items").map(|list| &list["items"]), value.get(index))
                }
                Segment::Enum { .. } | Segment::Unknown => (None, None),
            };
            let (Some(inner), Some(found)) = inner else { break };
            (schema, value) = (inner, found);
        }
        if let Some(members) = value.as_object()
            && let Some(fault) = of_members(schema, &place, members)
        {
            return fault;
        }
        let given = given(value, schema);
        let what = if is_plain_text(schema) && value.is_string() && !message.is_empty() {
            Wrong::Against { given, rule: message.to_owned() }
        } else {
            Wrong::NotAllowed { given, allowed: allowed(schema) }
        };
        FieldFault::new(place, what)
    }
}

fn refuse_repeated(keys: &[String]) -> Result<(), FieldFault> {
    let mut sorted: Vec<_> = keys.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(FieldFault::new(FieldLocation::default().member(pair[0]), Wrong::Twice)),
        None => Ok(()),
    }
}

/// Returns the refusal of a text that is no JSON: where, and why.
fn not_json(error: &serde_json::Error) -> Refusal {
    let why = error.to_string();
    let why = why.split(" at line ").next().unwrap_or_default().to_owned();
    Refusal::NotJson { line: error.line(), column: error.column(), why }
}

/// Returns the first member that is not known, or else the first that is missing.
fn of_members(
    schema: &Value,
    place: &FieldLocation,
    members: &Map<String, Value>,
) -> Option<FieldFault> {
    let object = with(schema, "properties")?;
    if object["additionalProperties"] == Value::Bool(false)
        && let Some(name) = members.keys().find(|name| member(schema, name).is_none())
    {
        return Some(unknown(schema, place, name));
    }
    let required = object["required"].as_array()?.iter().filter_map(Value::as_str);
    let missing = required.into_iter().find(|name| !members.contains_key(*name))?;
    let allowed = member(schema, missing).map_or_else(|| "there".to_owned(), allowed);
    Some(FieldFault::new(place.member(missing), Wrong::Missing { allowed }))
}

fn unknown(schema: &Value, place: &FieldLocation, name: &str) -> FieldFault {
    let object = with(schema, "properties");
    let known = object.and_then(|object| object["properties"].as_object());
    let known: Vec<_> =
        known.into_iter().flat_map(Map::keys).map(|name| format!("`{name}`")).collect();
    let hint = object.and_then(|object| object["x-of-other-fields"].as_str());
    let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
    let what = Wrong::Unknown { known: in_words(&known, "and"), hint };
    FieldFault::new(place.member(name), what)
}

/// Returns, of the schemas that a value may have, the one with the keyword.
fn with<'a>(schema: &'a Value, keyword: &str) -> Option<&'a Value> {
    if schema.get(keyword).is_some() {
        return Some(schema);
    }
    let choices = ["anyOf", "oneOf", "allOf"].into_iter();
    let mut choices = choices.filter_map(|of| schema.get(of)?.as_array()).flatten();
    choices.find_map(|choice| with(choice, keyword))
}

fn member<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    let known = with(schema, "properties").and_then(|object| object["properties"].get(name));
    if known.is_some() {
        return known;
    }
    let others = &with(schema, "additionalProperties")?["additionalProperties"];
    others.is_object().then_some(others)
}

fn is_required(schema: &Value, name: &str) -> bool {
    schema["required"].as_array().is_some_and(|required| required.iter().any(|one| one == name))
}

fn takes_null(schema: &Value) -> bool {
    let kind = &schema["type"];
    let kinds = kind.as_array().into_iter().flatten();
    let choices = ["anyOf", "oneOf"].into_iter();
    let mut choices = choices.filter_map(|of| schema.get(of)?.as_array()).flatten();
    kind == "null" || kinds.into_iter().any(|kind| kind == "null") || choices.any(takes_null)
}

/// The names of an object's members, each as often as it is there.
struct MemberNames(Vec<String>);

impl<'de> Deserialize<'de> for MemberNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MemberNamesVisitor)
    }
}

struct MemberNamesVisitor;

impl<'de> Visitor<'de> for MemberNamesVisitor {
    type Value = MemberNames;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<MemberNames, A::Error> {
        let mut names = Vec::new();
        while let Some((name, _)) = members.next_entry::<String, IgnoredAny>()? {
            names.push(name);
        }
        Ok(MemberNames(names))
    }
}

#[cfg(test)]
mod tests;
