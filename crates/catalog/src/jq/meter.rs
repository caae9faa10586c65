//! What a run may still do.

use std::cell::Cell;

use super::fault::Limit;

/// How much work one run may do, in steps of some tens of nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget(u64);

/// The steps that are left of a budget.
pub(super) struct Meter(Cell<u64>);

impl Budget {
    /// Enough for mappings of ordinary responses, and at worst tens of milliseconds.
    pub const DEFAULT: Self = Self(200_000);

    /// A budget of this many steps.
    pub const fn steps(steps: u64) -> Self {
        Self(steps)
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Meter {
    pub(super) fn new(Budget(steps): Budget) -> Self {
        Self(Cell::new(steps))
    }

    /// Pays for `steps` units of work, before they are done.
    pub(super) fn spend(&self, steps: usize) -> Result<(), Limit> {
        self.0.set(self.0.get().checked_sub(steps as u64).ok_or(Limit::Steps)?);
        Ok(())
    }

    /// Pays for reading or copying a text of this many bytes.
    pub(super) fn spend_text(&self, bytes: usize) -> Result<(), Limit> {
        self.spend(text_units(bytes))
    }
}

/// The weight of a text: one, and one more for each 64 bytes.
pub(super) const fn text_units(bytes: usize) -> usize {
    1 + bytes / 64
}
