//! Parts of values: `.a`, `.[2]`, and slices as `.[2:5]`, counted from either end.

use std::ops::Range;

use super::{
    fault::{Kind, RunFault, RunResult},
    meter::Meter,
    value::{Text, Value},
};

/// Two bounds, each of which may be left out.
type Bounds = Range<Option<i64>>;

impl<'a> Value<'a> {
    /// Returns the value of an entry, or null.
    pub(super) fn entry(&self, meter: &Meter, key: &str) -> RunResult<'a, &Self> {
        match self {
            Self::Null => Ok(&Self::Null),
            Self::Object(entries) => {
                meter.spend_text(key.len())?;
                Ok(entries.get(key).unwrap_or(&Self::Null))
            }
            other => Err(RunFault::Index { of: Kind::of(other), with: Kind::String }.into()),
        }
    }

    /// Returns the item at a position, or null.
    pub(super) fn item(&self, meter: &Meter, position: i64) -> RunResult<'a, &Self> {
        meter.spend(1)?;
        match self {
            Self::Null => Ok(&Self::Null),
            Self::Array(items) => {
                let at = absolute(position, items.len());
                Ok(at.and_then(|at| items.get(at)).unwrap_or(&Self::Null))
            }
            other => Err(RunFault::Index { of: Kind::of(other), with: Kind::Number }.into()),
        }
    }

    /// Returns what an index of any kind leads to.
    pub(super) fn part(&self, meter: &Meter, index: &Self) -> RunResult<'a, &Self> {
        match (self, index) {
            (_, Self::Text(key)) => self.entry(meter, key),
            (_, Self::Int(position)) => self.item(meter, *position),
            (Self::Null, _) => Ok(&Self::Null),
            (of, with) => Err(RunFault::Index { of: Kind::of(of), with: Kind::of(with) }.into()),
        }
    }

    /// Returns all items of an array or all values of an object.
    pub(super) fn contents(&self) -> RunResult<'a, impl Iterator<Item = &Self>> {
        let (items, entries) = match self {
            Self::Array(items) => (&***items, [].as_slice()),
            Self::Object(object) => ([].as_slice(), object.entries()),
            other => return Err(RunFault::wanted("`.[]`", "an array or an object", other).into()),
        };
        Ok(items.iter().chain(entries.iter().map(|(_, item)| item)))
    }

    /// Returns the part of an array or string between two bounds; null has only itself.
    pub(super) fn slice(
        &self,
        meter: &Meter,
        start: Option<&Self>,
        end: Option<&Self>,
    ) -> RunResult<'a> {
        let bounds = bound(start)?..bound(end)?;
        match self {
            Self::Null => Ok(Self::Null),
            Self::Array(items) => {
                let range =
                    within(bounds, |at| absolute(at, items.len()).unwrap_or(0), items.len());
                meter.spend(1 + range.len())?;
                Ok(Self::rearranged(items[range].to_vec()))
            }
            Self::Text(text) => {
                meter.spend_text(text.len())?;
                Ok(Self::Text(text.slice(within(bounds, |at| offset(text, at), text.len()))))
            }
            other => Err(RunFault::wanted("a slice", "an array or a string", other).into()),
        }
    }
}

impl Text<'_> {
    /// Returns the part within these bounds, which are where characters begin.
    pub(super) fn slice(&self, range: Range<usize>) -> Self {
        match self {
            Self::Borrowed(text) => Self::Borrowed(&text[range]),
            Self::Shared(_) if range == (0..self.len()) => self.clone(),
            Self::Shared(text) => Self::Shared(text[range].into()),
        }
    }
}

/// Returns the position that an index counted from either end stands for.
fn absolute(position: i64, len: usize) -> Option<usize> {
    let distance = usize::try_from(position.unsigned_abs()).unwrap_or(usize::MAX);
    if position < 0 { len.checked_sub(distance) } else { Some(distance) }
}

fn bound<'a>(bound: Option<&Value<'_>>) -> RunResult<'a, Option<i64>> {
    match bound {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Int(position)) => Ok(Some(*position)),
        Some(other) => {
            Err(RunFault::wanted("the bound of a slice", "a whole number", other).into())
        }
    }
}

/// Returns a range that is never out of bounds or backwards.
fn within(bounds: Bounds, place: impl Fn(i64) -> usize, len: usize) -> Range<usize> {
    let start = bounds.start.map_or(0, &place).min(len);
    let end = bounds.end.map_or(len, &place).min(len);
    start..end.max(start)
}

/// Returns where a character begins, counted from either end.
fn offset(text: &str, position: i64) -> usize {
    if text.is_ascii() {
        return absolute(position, text.len()).unwrap_or(0);
    }
    let count = usize::try_from(position.unsigned_abs()).unwrap_or(usize::MAX);
    let mut starts = text.char_indices();
    if position < 0 {
        return starts.nth_back(count - 1).map_or(0, |(at, _)| at);
    }
    starts.nth(count).map_or(text.len(), |(at, _)| at)
}
