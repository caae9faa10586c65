//! Filters on the entries of objects.

use super::{Filter, Meter, RunResult, Value};
use crate::{
    fault::RunFault,
    order,
    output::to_text,
    value::{Object, Text},
};

pub(super) const FILTERS: &[Filter] = &[
    Filter::plain("keys", keys),
    Filter::plain("to_entries", to_entries),
    Filter::plain("from_entries", from_entries),
];

/// The names under which `from_entries` looks for a key and a value, as in jq.
const KEYS: [&str; 6] = ["key", "k", "name", "Key", "K", "Name"];
const VALUES: [&str; 4] = ["value", "v", "Value", "V"];

/// Returns the keys of an object in order, or the positions of an array.
fn keys<'a>(meter: &Meter, input: &Value<'a>) -> RunResult<'a> {
    let keys = match input {
        Value::Object(object) => {
            let keys = object.entries().iter().map(|(key, _)| Value::Text(key.clone()));
            let mut keys: Vec<_> = keys.collect();
            order::sort_by_key(meter, &mut keys, |key| key)?;
            keys
        }
        Value::Array(items) => {
            meter.spend(items.len())?;
            (0..items.len()).map(Value::from).collect()
        }
        other => return Err(RunFault::wanted("`keys`", "an object or an array", other).into()),
    };
    Ok(Value::array(keys)?)
}

pub(super) fn to_entries<'a>(meter: &Meter, input: &Value<'a>) -> RunResult<'a> {
    let Value::Object(object) = input else {
        return Err(RunFault::wanted("`to_entries`", "an object", input).into());
    };
    let mut entries = Vec::new();
    for (key, item) in object.entries() {
        meter.spend(3)?;
        let mut entry = Object::with_capacity(2);
        entry.insert("key".into(), Value::Text(key.clone()));
        entry.insert("value".into(), item.clone());
        entries.push(Value::object(entry)?);
    }
    Ok(Value::array(entries)?)
}

pub(super) fn from_entries<'a>(meter: &Meter, input: &Value<'a>) -> RunResult<'a> {
    let Value::Array(items) = input else {
        return Err(RunFault::wanted("`from_entries`", "an array", input).into());
    };
    let mut object = Object::with_capacity(items.len());
    for item in items.iter() {
        meter.spend(2)?;
        let Value::Object(item) = item else {
            return Err(RunFault::wanted("`from_entries`", "objects", item).into());
        };
        let key = key_text(meter, lookup(item, &KEYS))?;
        meter.spend_text(key.len())?;
        object.insert(key, lookup(item, &VALUES).cloned().unwrap_or(Value::Null));
    }
    Ok(Value::object(object)?)
}

/// Returns the first of these entries that holds anything; `false` is something, null is not.
fn lookup<'v, 'a>(item: &'v Object<'a>, names: &[&str]) -> Option<&'v Value<'a>> {
    let mut held = names.iter().filter_map(|name| item.get(name));
    held.find(|held| !matches!(held, Value::Null))
}

fn key_text<'a>(meter: &Meter, key: Option<&Value<'a>>) -> RunResult<'a, Text<'a>> {
    match key {
        None => Ok("null".into()),
        Some(key @ (Value::Array(_) | Value::Object(_))) => {
            Err(RunFault::wanted("the key of an entry", "a string", key).into())
        }
        Some(key) => match to_text(meter, key)? {
            Value::Text(text) => Ok(text),
            _ => Ok("".into()),
        },
    }
}
