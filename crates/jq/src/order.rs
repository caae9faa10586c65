//! The order of values, as in jq: null, booleans, numbers, strings, arrays, objects.

use std::cmp::Ordering;

use super::{
    fault::{Kind, RunLimit},
    meter::{Meter, text_units},
    number::Number,
    value::{Object, Text, Value},
};

/// How many nodes of values are compared in the time of an average step.
const COMPARISONS_PER_STEP: usize = 4;

/// Compares values; with a meter, each step of the comparison is paid for.
#[derive(Clone, Copy)]
struct Comparison<'m>(Option<&'m Meter>);

/// Compares two values and pays for what is looked at.
pub(super) fn compare(
    meter: &Meter,
    left: &Value<'_>,
    right: &Value<'_>,
) -> Result<Ordering, RunLimit> {
    Comparison(Some(meter)).values(left, right)
}

/// Returns whether two values are the same; pays for what is looked at.
pub(super) fn same(meter: &Meter, left: &Value<'_>, right: &Value<'_>) -> Result<bool, RunLimit> {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) if left.len() != right.len() => Ok(false),
        (Value::Object(left), Value::Object(right))
            if left.entries().len() != right.entries().len() =>
        {
            Ok(false)
        }
        (Value::Text(left), Value::Text(right)) if left.len() != right.len() => Ok(false),
        _ => Ok(compare(meter, left, right)?.is_eq()),
    }
}

/// Sorts items by a key that is found in each.
///
/// Paid in advance: a comparison that gave up halfway would contradict earlier ones, and the
/// standard library's sort may panic on that.
pub(super) fn sort_by_key<'a: 'k, 'k, T>(
    meter: &Meter,
    items: &mut [T],
    key: impl Fn(&T) -> &Value<'a>,
) -> Result<(), RunLimit> {
    let mut weight = 0;
    for item in items.iter() {
        weight += sorting_weight(meter, key(item))?;
    }
    meter.spend(weight * levels(items.len()) / COMPARISONS_PER_STEP)?;
    let paid = Comparison(None);
    items.sort_by(|left, right| paid.values(key(left), key(right)).unwrap_or(Ordering::Equal));
    Ok(())
}

/// Returns how many steps of comparison this value can take part in at once; objects sort their
/// keys.
fn sorting_weight(meter: &Meter, value: &Value<'_>) -> Result<usize, RunLimit> {
    meter.spend(1)?;
    match value {
        Value::Array(items) => {
            items.iter().try_fold(1, |weight, item| Ok(weight + sorting_weight(meter, item)?))
        }
        Value::Object(object) => {
            let entries = object.entries();
            entries.iter().try_fold(1 + entries.len() * levels(entries.len()), |weight, entry| {
                Ok(weight + text_units(entry.0.len()) + sorting_weight(meter, &entry.1)?)
            })
        }
        Value::Text(text) => Ok(text_units(text.len())),
        _ => Ok(1),
    }
}

impl Comparison<'_> {
    fn values(self, left: &Value<'_>, right: &Value<'_>) -> Result<Ordering, RunLimit> {
        if let (Value::Text(left), Value::Text(right)) = (left, right) {
            return self.texts(left, right);
        }
        self.pay(1)?;
        match (left, right) {
            (Value::Bool(left), Value::Bool(right)) => Ok(left.cmp(right)),
            (Value::Array(left), Value::Array(right)) => self.arrays(left, right),
            (Value::Object(left), Value::Object(right)) => self.objects(left, right),
            _ => Ok(match (Number::of(left), Number::of(right)) {
                (Some(left), Some(right)) => left.compare(right),
                _ => Kind::of(left).cmp(&Kind::of(right)),
            }),
        }
    }

    fn texts(self, left: &str, right: &str) -> Result<Ordering, RunLimit> {
        self.pay(text_units(left.len().min(right.len())))?;
        Ok(left.cmp(right))
    }

    fn arrays(self, left: &[Value<'_>], right: &[Value<'_>]) -> Result<Ordering, RunLimit> {
        for (left, right) in left.iter().zip(right) {
            let order = self.values(left, right)?;
            if order.is_ne() {
                return Ok(order);
            }
        }
        Ok(left.len().cmp(&right.len()))
    }

    /// Compares objects: first the sorted keys decide, then the values in the order of the keys.
    fn objects(self, left: &Object<'_>, right: &Object<'_>) -> Result<Ordering, RunLimit> {
        let left = self.sorted(left)?;
        let right = self.sorted(right)?;
        for ((left, _), (right, _)) in left.iter().zip(&right) {
            let order = self.texts(left, right)?;
            if order.is_ne() {
                return Ok(order);
            }
        }
        if left.len() != right.len() {
            return Ok(left.len().cmp(&right.len()));
        }
        for ((_, left), (_, right)) in left.iter().zip(&right) {
            let order = self.values(left, right)?;
            if order.is_ne() {
                return Ok(order);
            }
        }
        Ok(Ordering::Equal)
    }

    fn sorted<'v, 'a>(
        self,
        object: &'v Object<'a>,
    ) -> Result<Vec<&'v (Text<'a>, Value<'a>)>, RunLimit> {
        let mut entries: Vec<_> = object.entries().iter().collect();
        self.pay(entries.len() * levels(entries.len()))?;
        entries.sort_by(|(left, _), (right, _)| (**left).cmp(right));
        Ok(entries)
    }

    fn pay(self, steps: usize) -> Result<(), RunLimit> {
        self.0.map_or(Ok(()), |meter| meter.spend(steps))
    }
}

/// Returns how often a sort of this many items looks at each of them.
fn levels(items: usize) -> usize {
    1 + items.max(1).ilog2() as usize
}
