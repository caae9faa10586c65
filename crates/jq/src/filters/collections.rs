//! Filters on arrays, and on objects as collections of values.

use super::{Filter, Meter, RunResult, Value};
use crate::{
    arithmetic,
    fault::RunFault,
    number::{Number, exact_int},
    order,
    value::{Array, MAX_DEPTH, Object, Text},
};

pub(super) const FILTERS: &[Filter] = &[
    Filter::plain("add", add),
    Filter::plain("not", |_, input| Ok((!input.is_true()).into())),
    Filter::plain("reverse", reverse),
    Filter::plain("flatten", |meter, input| flatten(meter, input, MAX_DEPTH)),
    Filter::unary("flatten", flatten_to),
    Filter::unary("has", has),
    Filter::unary("contains", |meter, input, part| Ok(contains(meter, input, part)?.into())),
    Filter::unary("inside", |meter, input, whole| Ok(contains(meter, whole, input)?.into())),
];

/// Sums up the items; strings are joined in one go.
pub(super) fn add<'a>(meter: &Meter, input: &Value<'a>) -> RunResult<'a> {
    let Ok(items) = input.contents() else {
        return Err(RunFault::Plain("`add` needs an array or an object").into());
    };
    if let Value::Array(items) = input
        && let Some(texts) = items.iter().map(text).collect::<Option<Vec<_>>>()
        && !texts.is_empty()
    {
        meter.spend_text(texts.iter().map(|text| 64 + text.len()).sum())?;
        return Ok(Value::text(texts.concat()));
    }
    // The first item is added to nothing, which is no part of a text.
    let mut sum = None;
    for item in items {
        meter.spend(1)?;
        sum = Some(match sum {
            None => item.clone(),
            Some(sum) => arithmetic::plus(meter, sum, item.clone())?,
        });
    }
    Ok(sum.unwrap_or(Value::Null))
}

fn text<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    if let Value::Text(text) = value { Some(text) } else { None }
}

fn reverse<'a>(meter: &Meter, input: &Value<'a>) -> RunResult<'a> {
    match input {
        Value::Null => Ok(Value::rearranged(Vec::new())),
        Value::Array(items) => {
            meter.spend(items.len())?;
            Ok(Value::rearranged(items.iter().rev().cloned().collect()))
        }
        Value::Text(text) => {
            meter.spend_text(text.len())?;
            Ok(Value::text(text.chars().rev().collect::<String>()))
        }
        other => Err(RunFault::wanted("`reverse`", "an array or a string", other).into()),
    }
}

fn flatten_to<'a>(meter: &Meter, input: &Value<'a>, levels: &Value<'a>) -> RunResult<'a> {
    let levels = match Number::of(levels) {
        Some(Number::Int(levels)) => Some(levels),
        Some(Number::Float(levels)) => exact_int(levels),
        None => return Err(RunFault::wanted("the depth of `flatten`", "a number", levels).into()),
    };
    let levels = levels.and_then(|levels| usize::try_from(levels).ok());
    let levels =
        levels.ok_or(RunFault::Plain("the depth of `flatten` is negative or too large"))?;
    flatten(meter, input, levels)
}

fn flatten<'a>(meter: &Meter, input: &Value<'a>, levels: usize) -> RunResult<'a> {
    let Value::Array(items) = input else {
        return Err(RunFault::wanted("`flatten`", "an array", input).into());
    };
    let mut flat = Vec::new();
    flatten_into(meter, &mut flat, items, levels.min(MAX_DEPTH))?;
    Ok(Value::rearranged(flat))
}

fn flatten_into<'a>(
    meter: &Meter,
    flat: &mut Vec<Value<'a>>,
    items: &Array<'a>,
    levels: usize,
) -> RunResult<'a, ()> {
    for item in items.iter() {
        meter.spend(1)?;
        match item {
            Value::Array(inner) if levels > 0 => flatten_into(meter, flat, inner, levels - 1)?,
            item => flat.push(item.clone()),
        }
    }
    Ok(())
}

fn has<'a>(meter: &Meter, input: &Value<'a>, key: &Value<'a>) -> RunResult<'a> {
    let (wanted, found) = match (input, key) {
        (Value::Object(object), Value::Text(key)) => {
            meter.spend_text(key.len())?;
            return Ok(object.get(key).is_some().into());
        }
        (Value::Array(items), Value::Int(at)) => {
            return Ok(usize::try_from(*at).is_ok_and(|at| at < items.len()).into());
        }
        (Value::Object(_), other) => ("a string", other),
        (Value::Array(_), other) => ("a whole number", other),
        (other, _) => ("an object or an array", other),
    };
    Err(RunFault::wanted("`has`", wanted, found).into())
}

/// Returns whether a string is within a string, all items within some items, all entries within
/// entries.
fn contains<'a>(meter: &Meter, whole: &Value<'a>, part: &Value<'a>) -> RunResult<'a, bool> {
    meter.spend(1)?;
    match (whole, part) {
        (Value::Text(whole), Value::Text(part)) => {
            meter.spend_text(whole.len() + part.len())?;
            Ok(whole.contains(&**part))
        }
        (Value::Array(whole), Value::Array(part)) => all(part.iter(), |part| {
            Ok(!all(whole.iter(), |whole| Ok(!contains(meter, whole, part)?))?)
        }),
        (Value::Object(whole), Value::Object(part)) => {
            all(part.entries(), |(key, part)| holds(meter, whole, key, part))
        }
        _ => Ok(order::same(meter, whole, part)?),
    }
}

fn holds<'a>(
    meter: &Meter,
    whole: &Object<'a>,
    key: &Text<'a>,
    part: &Value<'a>,
) -> RunResult<'a, bool> {
    meter.spend_text(key.len())?;
    whole.get(key).map_or(Ok(false), |whole| contains(meter, whole, part))
}

fn all<'a, T>(
    items: impl IntoIterator<Item = T>,
    test: impl Fn(T) -> RunResult<'a, bool>,
) -> RunResult<'a, bool> {
    for item in items {
        if !test(item)? {
            return Ok(false);
        }
    }
    Ok(true)
}
