//! Filters on the entries of objects.

use jaq_json::{Map, Val};

use super::super::fault::Fault;
use super::super::meter;
use super::super::order;
use super::super::value::Metered;
use super::{Entry, NO_ARGS, Outcome, plain};

pub(super) const FILTERS: &[Entry] = &[
    Entry::new("keys", NO_ARGS, |call| plain(call, keys)),
    Entry::new("to_entries", NO_ARGS, |call| plain(call, to_entries)),
    Entry::new("from_entries", NO_ARGS, |call| plain(call, from_entries)),
];

/// The names under which `from_entries` looks for a key and a value, as in jq.
const KEYS: [&str; 6] = ["key", "k", "name", "Key", "K", "Name"];
const VALUES: [&str; 4] = ["value", "v", "Value", "V"];

/// The keys of an object in order, or the positions of an array.
fn keys(input: &Metered) -> Outcome {
    match input.val() {
        Val::Obj(entries) => {
            let mut keys: Vec<_> = entries.keys().collect();
            order::sort_by_key(&mut keys, |key| key)?;
            Ok(Metered::array(keys.into_iter().cloned().map(Metered::new))?)
        }
        Val::Arr(items) => {
            let positions = (0..items.len()).map(|at| Metered::new(Val::from(at)));
            Ok(Metered::array(positions)?)
        }
        other => Err(Fault::wanted("`keys`", "an object or an array", other)),
    }
}

fn to_entries(input: &Metered) -> Outcome {
    let Val::Obj(entries) = input.val() else {
        return Err(Fault::wanted("`to_entries`", "an object", input.val()));
    };
    let entries = entries.iter().map(|(key, item)| {
        let (key, item) = (Metered::new(key.clone()), Metered::new(item.clone()));
        Metered::object([(Metered::text("key"), key), (Metered::text("value"), item)])
    });
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    Ok(Metered::array(entries)?)
}

fn from_entries(input: &Metered) -> Outcome {
    let Val::Arr(items) = input.val() else {
        return Err(Fault::wanted("`from_entries`", "an array", input.val()));
    };
    let entries = items.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    Metered::object(entries)
}

fn entry(item: &Val) -> Result<(Metered, Metered), Fault> {
    meter::spend(2)?;
    let Val::Obj(item) = item else {
        return Err(Fault::wanted("`from_entries`", "objects", item));
    };
    let value = lookup(item, &VALUES).unwrap_or(Val::Null);
    Ok((key_text(lookup(item, &KEYS))?, Metered::new(value)))
}

/// The first of these entries that holds anything; `false` is something, null is not.
fn lookup(item: &Map, names: &[&'static str]) -> Option<Val> {
    let mut held = names.iter().filter_map(|name| item.get(&Val::utf8_str(*name)));
    held.find(|held| !matches!(held, Val::Null)).cloned()
}

fn key_text(key: Option<Val>) -> Outcome {
    match key {
        None => Ok(Metered::text("null")),
        Some(key @ (Val::TStr(_) | Val::Num(_) | Val::Bool(_))) => Metered::new(key).to_text(),
        Some(other) => Err(Fault::wanted("the key of an entry", "a string", &other)),
    }
}
