//! Filters on arrays, and on objects as collections of values.

use jaq_core::ValT;
use jaq_core::box_iter::box_once;
use jaq_json::{Map, Num, Rc, Val};

use super::super::arithmetic;
use super::super::fault::Fault;
use super::super::meter;
use super::super::number::{Number, exact_int};
use super::super::order;
use super::super::shape::{MAX_DEPTH, Shape};
use super::super::value::Metered;
use super::strings::find_text;
use super::{Call, Entry, FILTER, NO_ARGS, Outcome, Outputs, VALUE, answer, plain, unary};

pub(super) const FILTERS: &[Entry] = &[
    Entry::new("add", NO_ARGS, |call| plain(call, add)),
    Entry::new("map_values", FILTER, map_values),
    Entry::new("reverse", NO_ARGS, |call| plain(call, reverse)),
    Entry::new("flatten", NO_ARGS, |call| plain(call, |input| flatten(input, MAX_DEPTH))),
    Entry::new("flatten", VALUE, |call| unary(call, flatten_to)),
    Entry::new("has", VALUE, |call| unary(call, has)),
    Entry::new("contains", VALUE, |call| {
        unary(call, |input, part| Ok(contains(input.val(), part.val())?.into()))
    }),
    Entry::new("inside", VALUE, |call| {
        unary(call, |input, whole| Ok(contains(whole.val(), input.val())?.into()))
    }),
];

/// Sums up the items; strings are joined in one go.
fn add(input: &Metered) -> Outcome {
    if let Val::Arr(items) = input.val()
        && items.iter().all(|item| matches!(item, Val::TStr(_)))
        && !items.is_empty()
    {
        return concatenate(items);
    }
    let mut sum = Metered::new(Val::Null);
    for item in input.clone().values() {
        sum = arithmetic::add(sum, item.map_err(|_| NOT_ITERABLE)?)?;
    }
    Ok(sum)
}

const NOT_ITERABLE: Fault = Fault::Plain("`add` needs an array or an object");

fn concatenate(texts: &[Val]) -> Outcome {
    let mut joined = Vec::new();
    for text in texts {
        let Val::TStr(text) = text else { continue };
        meter::spend_text(text.len())?;
        joined.extend_from_slice(text);
    }
    Ok(Metered::new(Val::utf8_str(joined)))
}

/// Replaces each item by the first output for it, and drops those without one.
fn map_values(mut call: Call<'_>) -> Outputs<'_> {
    let (filter, context) = call.0.pop_fun();
    let output = |item: &Val| {
        meter::spend_turn().map_err(Fault::from)?;
        filter.run((context.clone(), Metered::new(item.clone()))).next().transpose()
    };
    let collected = match call.1.val() {
        Val::Arr(items) => items
            .iter()
            .filter_map(|item| output(item).transpose())
            .collect::<Result<Vec<_>, _>>()
            .map(|items| Metered::array(items).map_err(Fault::from)),
        Val::Obj(entries) => entries
            .iter()
            .filter_map(|(key, item)| {
                let key = Metered::new(key.clone());
                output(item).transpose().map(|item| Ok((key, item?)))
            })
            .collect::<Result<Vec<_>, _>>()
            .map(Metered::object),
        other => Ok(Err(Fault::wanted("`map_values`", "an array or an object", other))),
    };
    collected.map_or_else(|exception| box_once(Err(exception)), answer)
}

fn reverse(input: &Metered) -> Outcome {
    let (val, shape) = input.clone().into_parts();
    match val {
        Val::Null => Ok(Metered::array([])?),
        Val::Arr(items) => {
            meter::spend(items.len())?;
            let reversed = items.iter().rev().cloned().collect();
            Ok(Metered::shaped(Val::Arr(Rc::new(reversed)), shape))
        }
        Val::TStr(text) => {
            meter::spend_text(text.len())?;
            Ok(Metered::text(String::from_utf8_lossy(&text).chars().rev().collect::<String>()))
        }
        other => Err(Fault::wanted("`reverse`", "an array or a string", &other)),
    }
}

fn flatten_to(input: &Metered, levels: &Metered) -> Outcome {
    let Val::Num(levels) = levels.val() else {
        return Err(Fault::wanted("the depth of `flatten`", "a number", levels.val()));
    };
    let levels = match Number::of(levels)? {
        Number::Int(levels) => Some(levels),
        Number::Float(levels) => exact_int(levels),
    };
    let levels = levels.and_then(|levels| usize::try_from(levels).ok());
    flatten(input, levels.ok_or(Fault::Plain("the depth of `flatten` is negative or too large"))?)
}

fn flatten(input: &Metered, levels: usize) -> Outcome {
    let Val::Arr(items) = input.val() else {
        return Err(Fault::wanted("`flatten`", "an array", input.val()));
    };
    let mut flat = Vec::new();
    flatten_into(&mut flat, items, levels.min(MAX_DEPTH))?;
    Ok(Metered::shaped(Val::Arr(Rc::new(flat)), Shape::UNKNOWN))
}

fn flatten_into(flat: &mut Vec<Val>, items: &[Val], levels: usize) -> Result<(), Fault> {
    for item in items {
        meter::spend(1)?;
        match item {
            Val::Arr(inner) if levels > 0 => flatten_into(flat, inner, levels - 1)?,
            item => flat.push(item.clone()),
        }
    }
    Ok(())
}

fn has(input: &Metered, key: &Metered) -> Outcome {
    let found = match (input.val(), key.val()) {
        (Val::Obj(entries), Val::TStr(text)) => {
            meter::spend_text(text.len())?;
            entries.contains_key(key.val())
        }
        (Val::Arr(items), Val::Num(Num::Int(at))) => {
            usize::try_from(*at).is_ok_and(|at| at < items.len())
        }
        (Val::Obj(_), other) => return Err(Fault::wanted("`has`", "a string", other)),
        (Val::Arr(_), other) => return Err(Fault::wanted("`has`", "a whole number", other)),
        (other, _) => return Err(Fault::wanted("`has`", "an object or an array", other)),
    };
    Ok(found.into())
}

/// Whether a string is within a string, all items within some items, all entries within entries.
fn contains(whole: &Val, part: &Val) -> Result<bool, Fault> {
    meter::spend(1)?;
    match (whole, part) {
        (Val::TStr(whole), Val::TStr(part)) => Ok(find_text(whole, part)?),
        (Val::Arr(whole), Val::Arr(part)) => {
            all(part.iter(), |part| any(whole.iter(), |whole| contains(whole, part)))
        }
        (Val::Obj(whole), Val::Obj(part)) => all(part.iter(), |entry| holds(whole, entry)),
        _ => Ok(order::same(whole, part)?),
    }
}

fn holds(whole: &Map, (key, part): (&Val, &Val)) -> Result<bool, Fault> {
    if let Val::TStr(text) = key {
        meter::spend_text(text.len())?;
    }
    whole.get(key).map_or(Ok(false), |whole| contains(whole, part))
}

fn any<T>(
    mut items: impl Iterator<Item = T>,
    test: impl Fn(T) -> Result<bool, Fault>,
) -> Result<bool, Fault> {
    items.find_map(|item| test(item).map(|is| is.then_some(true)).transpose()).unwrap_or(Ok(false))
}

fn all<T>(
    mut items: impl Iterator<Item = T>,
    test: impl Fn(T) -> Result<bool, Fault>,
) -> Result<bool, Fault> {
    items
        .find_map(|item| test(item).map(|is| (!is).then_some(false)).transpose())
        .unwrap_or(Ok(true))
}
