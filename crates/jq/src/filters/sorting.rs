//! Filters that put items into order.

use std::cmp::Ordering;

use super::{Filter, Meter, RunResult, Value};
use crate::{fault::RunFault, order};

pub(super) const FILTERS: &[Filter] = &[
    Filter::plain("sort", |meter, input| Ok(Value::rearranged(sorted(meter, "`sort`", input)?))),
    Filter::plain("unique", unique),
    Filter::plain("min", |meter, input| extreme(meter, input, Ordering::Less)),
    Filter::plain("max", |meter, input| extreme(meter, input, Ordering::Greater)),
];

fn sorted<'a>(
    meter: &Meter,
    what: &'static str,
    input: &Value<'a>,
) -> RunResult<'a, Vec<Value<'a>>> {
    let Value::Array(items) = input else {
        return Err(RunFault::wanted(what, "an array", input).into());
    };
    meter.spend(items.len())?;
    let mut items = items.to_vec();
    order::sort_by_key(meter, &mut items, |item| item)?;
    Ok(items)
}

fn unique<'a>(meter: &Meter, input: &Value<'a>) -> RunResult<'a> {
    let mut kept: Vec<Value<'a>> = Vec::new();
    for item in sorted(meter, "`unique`", input)? {
        match kept.last() {
            Some(last) if order::same(meter, last, &item)? => {}
            _ => kept.push(item),
        }
    }
    Ok(Value::rearranged(kept))
}

/// Returns the least or the greatest item, the first of equals, null if there is none.
fn extreme<'a>(meter: &Meter, input: &Value<'a>, wanted: Ordering) -> RunResult<'a> {
    let Value::Array(items) = input else {
        return Err(RunFault::wanted("`min` or `max`", "an array", input).into());
    };
    let mut items = items.iter();
    let Some(mut best) = items.next() else { return Ok(Value::Null) };
    for item in items {
        if order::compare(meter, item, best)? == wanted {
            best = item;
        }
    }
    Ok(best.clone())
}
