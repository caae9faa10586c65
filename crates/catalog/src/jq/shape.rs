//! How large and how deep a value is when written out, shared parts counted each time.

use jaq_json::Val;

use super::meter::{self, Spent, text_units};

/// The largest weight of a value that a program may build.
pub(super) const MAX_WEIGHT: usize = 200_000;
/// The deepest nesting of arrays and objects, in input and output alike.
pub(super) const MAX_DEPTH: usize = 128;

/// An upper bound on the weight and depth of a value.
///
/// The depth keeps everything that walks a value by recursion (comparing, printing, dropping) from
/// running out of stack, so whatever nests a value into another checks it first. What only
/// rearranges (sorting, slicing, adding) cannot deepen, and need not measure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    weight: u32,
    depth: u32,
}

impl Shape {
    /// Not measured yet; no measured value weighs nothing.
    pub(super) const UNKNOWN: Self = Self { weight: 0, depth: 0 };
    /// An empty array or object.
    pub(super) const EMPTY: Self = Self { weight: 1, depth: 1 };

    /// The shape as far as it is known without looking inside.
    pub(super) fn at_sight(val: &Val) -> Self {
        match val {
            Val::Arr(_) | Val::Obj(_) => Self::UNKNOWN,
            Val::TStr(text) | Val::BStr(text) => Self::scalar(text_units(text.len())),
            Val::Null | Val::Bool(_) | Val::Num(_) => Self::scalar(1),
        }
    }

    /// Walks a value and pays for each node of it.
    pub(super) fn measure(val: &Val) -> Result<Self, Spent> {
        match val {
            Val::Arr(items) => {
                let mut shape = Self::EMPTY;
                for item in items.iter() {
                    meter::spend(1)?;
                    shape = shape.holding(Self::measure(item)?)?;
                }
                Ok(shape)
            }
            Val::Obj(entries) => {
                let mut shape = Self::EMPTY;
                for (key, item) in entries.iter() {
                    meter::spend(1)?;
                    shape = shape.holding(Self::measure(key)?)?.holding(Self::measure(item)?)?;
                }
                Ok(shape)
            }
            scalar => Ok(Self::at_sight(scalar)),
        }
    }

    pub(super) fn is_known(self) -> bool {
        self.weight > 0
    }

    pub(super) fn weight(self) -> usize {
        self.weight as usize
    }

    /// The shape of this container once it also holds `part`.
    pub(super) fn holding(self, part: Self) -> Result<Self, Spent> {
        let weight = self.weight.saturating_add(part.weight);
        let depth = self.depth.max(part.depth + 1);
        if weight as usize > MAX_WEIGHT || depth as usize > MAX_DEPTH {
            return Err(meter::too_large());
        }
        Ok(Self { weight, depth })
    }

    /// The shape of two containers put into one, unknown if that has to be looked at again:
    /// objects share keys, so the sum may well be too high.
    pub(super) fn joined(self, other: Self) -> Self {
        let weight = self.weight.saturating_add(other.weight);
        if !self.is_known() || !other.is_known() || weight as usize > MAX_WEIGHT {
            return Self::UNKNOWN;
        }
        Self { weight, depth: self.depth.max(other.depth) }
    }

    fn scalar(weight: usize) -> Self {
        Self { weight: u32::try_from(weight).unwrap_or(u32::MAX), depth: 0 }
    }
}
