//! Filters that put items into order.

use std::cmp::Ordering;

use jaq_core::Exn;
use jaq_core::box_iter::box_once;
use jaq_json::{Rc, Val};

use super::super::fault::Fault;
use super::super::meter;
use super::super::order;
use super::super::value::Metered;
use super::{Call, Entry, FILTER, NO_ARGS, Outcome, Outputs, answer, plain};

pub(super) const FILTERS: &[Entry] = &[
    Entry::new("sort", NO_ARGS, |call| plain(call, |input| sort("`sort`", input))),
    Entry::new("sort_by", FILTER, sort_by),
    Entry::new("unique", NO_ARGS, |call| plain(call, unique)),
    Entry::new("min", NO_ARGS, |call| plain(call, |input| extreme(input, Ordering::Less))),
    Entry::new("max", NO_ARGS, |call| plain(call, |input| extreme(input, Ordering::Greater))),
];

fn sort(what: &'static str, input: &Metered) -> Outcome {
    let (val, shape) = input.clone().into_parts();
    let Val::Arr(items) = val else {
        return Err(Fault::wanted(what, "an array", &val));
    };
    let mut items = Rc::unwrap_or_clone(items);
    order::sort_by_key(&mut items, |item| item)?;
    Ok(Metered::shaped(Val::Arr(Rc::new(items)), shape))
}

fn unique(input: &Metered) -> Outcome {
    let sorted = sort("`unique`", input)?;
    let mut kept: Vec<Val> = Vec::new();
    if let Val::Arr(items) = sorted.val() {
        for item in items.iter() {
            let is_new = kept.last().map_or(Ok(true), |last| order::same(last, item).map(|is| !is));
            if is_new? {
                kept.push(item.clone());
            }
        }
    }
    Ok(Metered::new(Val::Arr(Rc::new(kept))))
}

/// Sorts by what the filter yields for each item, all its outputs taken together.
fn sort_by(mut call: Call<'_>) -> Outputs<'_> {
    let (filter, context) = call.0.pop_fun();
    let Val::Arr(items) = call.1.val() else {
        return answer(Err(Fault::wanted("`sort_by`", "an array", call.1.val())));
    };
    let key = |item: &Val| -> Result<(Val, Val), Exn<'_, Metered>> {
        meter::spend_turn().map_err(Fault::from)?;
        let outputs = filter.run((context.clone(), Metered::new(item.clone())));
        let key: Metered = outputs.collect::<Result<_, _>>()?;
        Ok((key.into_val(), item.clone()))
    };
    let keyed = items.iter().map(key).collect::<Result<Vec<_>, _>>();
    keyed.map_or_else(|exception| box_once(Err(exception)), |keyed| answer(sorted(keyed)))
}

fn sorted(mut keyed: Vec<(Val, Val)>) -> Outcome {
    order::sort_by_key(&mut keyed, |(key, _)| key)?;
    let items = keyed.into_iter().map(|(_, item)| item).collect();
    Ok(Metered::new(Val::Arr(Rc::new(items))))
}

/// The least or the greatest item, the first of equals, null if there is none.
fn extreme(input: &Metered, wanted: Ordering) -> Outcome {
    let Val::Arr(items) = input.val() else {
        return Err(Fault::wanted("`min` or `max`", "an array", input.val()));
    };
    let mut best = Val::Null;
    for (at, item) in items.iter().enumerate() {
        if at == 0 || order::compare(item, &best)? == wanted {
            best = item.clone();
        }
    }
    Ok(Metered::new(best))
}
