//! What `+`, `-`, `*`, `/` and `%` do, and what they cost.

use std::rc::Rc;

use jaq_core::ops::Math;

use super::{
    fault::{Kind, RunFault, RunLimit, RunResult},
    filters::split,
    meter::Meter,
    number::Number,
    order,
    value::{Object, Value},
};

pub(super) fn calculate<'a>(
    meter: &Meter,
    left: Value<'a>,
    operator: Math,
    right: Value<'a>,
) -> RunResult<'a> {
    match (operator, &left, &right) {
        (Math::Add, ..) => plus(meter, left, right),
        (Math::Sub, Value::Array(items), Value::Array(unwanted)) => {
            difference(meter, items, unwanted)
        }
        (Math::Mul, Value::Object(_), Value::Object(_)) => {
            meter.spend(left.weight() + right.weight())?;
            Ok(merge(left, &right))
        }
        (Math::Div, Value::Text(_), Value::Text(_)) => split(meter, &left, &right),
        _ => numbers(&left, operator, &right),
    }
}

/// Adds as `+` does. A null that becomes a part of a text is marked, where the run wants that.
pub(super) fn plus<'a>(meter: &Meter, left: Value<'a>, right: Value<'a>) -> RunResult<'a> {
    match (left, right) {
        (left @ (Value::Null | Value::Text(_)), right @ Value::Text(_))
        | (left @ Value::Text(_), right @ Value::Null) => {
            add(meter, mark_null(meter, left), mark_null(meter, right))
        }
        (left, right) => add(meter, left, right),
    }
}

fn mark_null<'a>(meter: &Meter, value: Value<'a>) -> Value<'a> {
    match value {
        Value::Null => Value::text(meter.null_text("").to_owned()),
        other => other,
    }
}

/// Adds numbers, joins strings and arrays, merges objects; null is neutral.
pub(super) fn add<'a>(meter: &Meter, left: Value<'a>, right: Value<'a>) -> RunResult<'a> {
    match (left, right) {
        (Value::Null, other) | (other, Value::Null) => Ok(other),
        (Value::Text(left), Value::Text(right)) => {
            meter.spend_text(left.len() + right.len())?;
            Ok(Value::text([&*left, &*right].concat()))
        }
        (Value::Array(mut left), Value::Array(right)) => {
            pay_for_joining(meter, &mut left, |left| left.len(), right.len())?;
            let joined = Rc::make_mut(&mut left);
            for item in right.iter() {
                joined.push(item.clone());
            }
            Ok(Value::Array(left))
        }
        (Value::Object(mut left), Value::Object(right)) => {
            let added = right.entries();
            pay_for_joining(meter, &mut left, |left| left.entries().len(), 2 * added.len())?;
            let joined = Rc::make_mut(&mut left);
            for (key, item) in added {
                joined.insert(key.clone(), item.clone());
            }
            Ok(Value::Object(left))
        }
        (left, right) => numbers(&left, Math::Add, &right),
    }
}

/// Joins two values; what is joined to is copied first if it is still in use elsewhere.
fn pay_for_joining<T>(
    meter: &Meter,
    to: &mut Rc<T>,
    len: fn(&T) -> usize,
    added: usize,
) -> Result<(), RunLimit> {
    let copied = if Rc::get_mut(to).is_some() { 0 } else { len(to) };
    meter.spend(copied + added)
}

fn difference<'a>(meter: &Meter, items: &[Value<'a>], unwanted: &[Value<'a>]) -> RunResult<'a> {
    let mut kept = Vec::new();
    for item in items {
        meter.spend(1)?;
        if !holds(meter, unwanted, item)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::rearranged(kept))
}

fn holds(meter: &Meter, items: &[Value<'_>], wanted: &Value<'_>) -> Result<bool, RunLimit> {
    for item in items {
        meter.spend(1)?;
        if order::same(meter, item, wanted)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Merges objects deeply; any other value is replaced. Cannot get deeper than the deeper of the
/// two.
fn merge<'a>(left: Value<'a>, right: &Value<'a>) -> Value<'a> {
    let (Value::Object(mut left), Value::Object(right)) = (left, right) else {
        return right.clone();
    };
    let merged: &mut Object<'a> = Rc::make_mut(&mut left);
    for (key, item) in right.entries() {
        let held = merged.get(key).cloned();
        let item = held.map_or_else(|| item.clone(), |held| merge(held, item));
        merged.insert(key.clone(), item);
    }
    Value::Object(left)
}

/// Calculates with numbers alone. Strings do not repeat, since a short program could then make a
/// long text.
fn numbers<'a>(left: &Value<'a>, operator: Math, right: &Value<'a>) -> RunResult<'a> {
    let (Some(a), Some(b)) = (Number::of(left), Number::of(right)) else {
        let left = Kind::of(left);
        let right = Kind::of(right);
        return Err(RunFault::Operator { left, sign: operator.as_str(), right }.into());
    };
    Ok(match operator {
        Math::Add => a.add(b),
        Math::Sub => a.subtract(b),
        Math::Mul => a.multiply(b),
        Math::Div => a.divide(b),
        Math::Rem => a.remainder(b),
    }?)
}

pub(super) fn negate<'a>(value: &Value<'a>) -> RunResult<'a> {
    let number = Number::of(value).ok_or_else(|| RunFault::wanted("`-`", "a number", value))?;
    Ok(number.negate()?)
}
