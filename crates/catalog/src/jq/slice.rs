//! Slices of arrays and strings: `.[2:5]`, with bounds counted from either end.

use std::ops::Range;

use jaq_core::val;
use jaq_json::{Num, Rc, Val};

use super::fault::Fault;
use super::meter;
use super::value::Metered;

/// Two bounds, each of which may be left out.
type Bounds = Range<Option<isize>>;

/// The part of an array or string between two bounds; null has only itself.
pub(super) fn slice(of: &Val, bounds: val::Range<&Metered>) -> Result<Val, Fault> {
    let bounds = bound(bounds.start)?..bound(bounds.end)?;
    match of {
        Val::Null => Ok(Val::Null),
        Val::Arr(items) => {
            let range = within(bounds, |at| absolute(at, items.len()).unwrap_or(0), items.len());
            meter::spend(1 + range.len())?;
            Ok(Val::Arr(Rc::new(items[range].to_vec())))
        }
        Val::TStr(text) => {
            meter::spend_text(text.len())?;
            let readable = std::str::from_utf8(text).unwrap_or_default();
            let range = within(bounds, |at| byte_offset(readable, at), readable.len());
            Ok(Val::utf8_str(text.slice(range)))
        }
        other => Err(Fault::wanted("a slice", "an array or a string", other)),
    }
}

/// The position that an index counted from either end stands for.
pub(super) fn absolute(position: isize, len: usize) -> Option<usize> {
    let from_end = || len.checked_sub(position.unsigned_abs());
    usize::try_from(position).ok().or_else(from_end)
}

fn bound(bound: Option<&Metered>) -> Result<Option<isize>, Fault> {
    match bound.map(Metered::val) {
        None | Some(Val::Null) => Ok(None),
        Some(Val::Num(Num::Int(position))) => Ok(Some(*position)),
        Some(other) => Err(Fault::wanted("the bound of a slice", "a whole number", other)),
    }
}

/// A range that is never out of bounds or backwards.
fn within(bounds: Bounds, place: impl Fn(isize) -> usize, len: usize) -> Range<usize> {
    let start = bounds.start.map_or(0, &place).min(len);
    let end = bounds.end.map_or(len, &place).min(len);
    start..end.max(start)
}

/// Where a character begins, counted from either end.
fn byte_offset(text: &str, position: isize) -> usize {
    if text.is_ascii() {
        return absolute(position, text.len()).unwrap_or(0);
    }
    let (mut starts, count) = (text.char_indices(), position.unsigned_abs());
    if position < 0 {
        return starts.nth_back(count - 1).map_or(0, |(at, _)| at);
    }
    starts.nth(count).map_or(text.len(), |(at, _)| at)
}
