//! The order of values, as in jq: null, booleans, numbers, strings, arrays, objects.

use std::cmp::Ordering;

use jaq_json::{Map, Num, Val};

use super::fault::Fault;
use super::meter::{self, Spent, text_units};
use super::number::Number;

/// Comparing a node of a value is that much quicker than an average step.
const COMPARISONS_PER_STEP: usize = 4;

/// Asked before each step of a comparison; the comparison ends early if it refuses.
type Toll = fn(usize) -> Result<(), Spent>;

/// Compares two values and pays for what is looked at.
pub(super) fn compare(left: &Val, right: &Val) -> Result<Ordering, Spent> {
    compare_with(left, right, meter::spend)
}

/// Whether two values are the same; pays for what is looked at.
pub(super) fn same(left: &Val, right: &Val) -> Result<bool, Spent> {
    match (left, right) {
        (Val::Arr(left), Val::Arr(right)) if left.len() != right.len() => Ok(false),
        (Val::Obj(left), Val::Obj(right)) if left.len() != right.len() => Ok(false),
        (Val::TStr(left), Val::TStr(right)) if left.len() != right.len() => Ok(false),
        _ => Ok(compare(left, right)? == Ordering::Equal),
    }
}

/// Sorts items by a key that is found in each.
///
/// Paid in advance: a comparison that gave up halfway would contradict earlier ones, and the
/// standard library's sort may panic on that.
pub(super) fn sort_by_key<T>(items: &mut [T], key: impl Fn(&T) -> &Val) -> Result<(), Fault> {
    let mut weight = 0;
    for item in items.iter() {
        weight += sorting_weight(key(item))?;
    }
    meter::spend(weight * levels(items.len()) / COMPARISONS_PER_STEP)?;
    items.sort_by(|left, right| {
        compare_with(key(left), key(right), |_| Ok(())).unwrap_or(Ordering::Equal)
    });
    Ok(())
}

/// How many steps of comparison this value can take part in at once; objects sort their keys.
fn sorting_weight(val: &Val) -> Result<usize, Spent> {
    meter::spend(1)?;
    match val {
        Val::Arr(items) => {
            items.iter().try_fold(1, |weight, item| Ok(weight + sorting_weight(item)?))
        }
        Val::Obj(entries) => {
            let own = entries.len() * levels(entries.len());
            let weight = |weight, (key, item): (&Val, &Val)| {
                Ok(weight + sorting_weight(key)? + sorting_weight(item)?)
            };
            entries.iter().try_fold(1 + own, weight)
        }
        Val::TStr(text) | Val::BStr(text) => Ok(text_units(text.len())),
        Val::Null | Val::Bool(_) | Val::Num(_) => Ok(1),
    }
}

fn compare_with(left: &Val, right: &Val, toll: Toll) -> Result<Ordering, Spent> {
    toll(1)?;
    match (left, right) {
        (Val::Bool(left), Val::Bool(right)) => Ok(left.cmp(right)),
        (Val::Num(left), Val::Num(right)) => Ok(compare_numbers(left, right)),
        (Val::TStr(left), Val::TStr(right)) => {
            toll(text_units(left.len().min(right.len())) - 1)?;
            Ok(left.cmp(right))
        }
        (Val::Arr(left), Val::Arr(right)) => compare_arrays(left, right, toll),
        (Val::Obj(left), Val::Obj(right)) => compare_objects(left, right, toll),
        _ => Ok(rank(left).cmp(&rank(right))),
    }
}

fn compare_numbers(left: &Num, right: &Num) -> Ordering {
    match (Number::of(left), Number::of(right)) {
        (Ok(left), Ok(right)) => left.compare(right),
        _ => Ordering::Equal,
    }
}

fn compare_arrays(left: &[Val], right: &[Val], toll: Toll) -> Result<Ordering, Spent> {
    for (left, right) in left.iter().zip(right) {
        let order = compare_with(left, right, toll)?;
        if order.is_ne() {
            return Ok(order);
        }
    }
    Ok(left.len().cmp(&right.len()))
}

/// First the sorted keys decide, then the values in the order of the keys.
fn compare_objects(left: &Map, right: &Map, toll: Toll) -> Result<Ordering, Spent> {
    let (left, right) = (sorted_entries(left, toll)?, sorted_entries(right, toll)?);
    for ((left, _), (right, _)) in left.iter().zip(&right) {
        let order = compare_with(left, right, toll)?;
        if order.is_ne() {
            return Ok(order);
        }
    }
    if left.len() != right.len() {
        return Ok(left.len().cmp(&right.len()));
    }
    for ((_, left), (_, right)) in left.iter().zip(&right) {
        let order = compare_with(left, right, toll)?;
        if order.is_ne() {
            return Ok(order);
        }
    }
    Ok(Ordering::Equal)
}

fn sorted_entries(map: &Map, toll: Toll) -> Result<Vec<(&Val, &Val)>, Spent> {
    toll(map.len() * levels(map.len()))?;
    let mut entries: Vec<_> = map.iter().collect();
    // Keys are strings, and compared as bytes.
    entries.sort_by(|(left, _), (right, _)| text_bytes(left).cmp(text_bytes(right)));
    Ok(entries)
}

fn text_bytes(val: &Val) -> &[u8] {
    match val {
        Val::TStr(text) | Val::BStr(text) => text,
        _ => &[],
    }
}

fn rank(val: &Val) -> u8 {
    match val {
        Val::Null => 0,
        Val::Bool(_) => 1,
        Val::Num(_) => 2,
        Val::TStr(_) | Val::BStr(_) => 3,
        Val::Arr(_) => 4,
        Val::Obj(_) => 5,
    }
}

/// How often a sort of this many items looks at each of them.
fn levels(items: usize) -> usize {
    1 + items.max(1).ilog2() as usize
}
