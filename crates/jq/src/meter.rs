//! What a run may still do.

use std::cell::Cell;

use super::fault::RunLimit;

/// How much work one run may do, in steps of some tens of nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepBudget {
    steps: u64,
    marks_null: bool,
}

/// The steps that are left of a budget.
pub(super) struct Meter {
    left: Cell<u64>,
    marks_null: bool,
}

/// What stands in a text for a null that became a part of it, in a run that marks them: a
/// noncharacter (Unicode 23.7), which no text of a provider has.
pub const NULL_MARK: char = '\u{fdd0}';

impl StepBudget {
    /// Enough for mappings of ordinary responses, and at worst tens of milliseconds.
    pub const DEFAULT: Self = Self::steps(200_000);

    /// Returns a budget of this many steps.
    pub const fn steps(steps: u64) -> Self {
        Self { steps, marks_null: false }
    }

    /// Returns the budget of a run that puts [`NULL_MARK`] where a null becomes a part of a text.
    #[must_use]
    pub const fn marking_null(self) -> Self {
        Self { marks_null: true, ..self }
    }
}

impl Default for StepBudget {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Meter {
    pub(super) fn new(StepBudget { steps, marks_null }: StepBudget) -> Self {
        Self { left: Cell::new(steps), marks_null }
    }

    /// Returns what null is as a part of a text: `usual`, or the mark.
    pub(super) fn null_text<'a>(&self, usual: &'a str) -> &'a str {
        const MARK: &str = "\u{fdd0}";
        if self.marks_null { MARK } else { usual }
    }

    /// Pays for `steps` units of work, before they are done.
    pub(super) fn spend(&self, steps: usize) -> Result<(), RunLimit> {
        self.left.set(self.left.get().checked_sub(steps as u64).ok_or(RunLimit::Steps)?);
        Ok(())
    }

    /// Pays for reading or copying a text of this many bytes.
    pub(super) fn spend_text(&self, bytes: usize) -> Result<(), RunLimit> {
        self.spend(text_units(bytes))
    }
}

/// Returns the weight of a text: one, and one more for each 64 bytes.
pub(super) const fn text_units(bytes: usize) -> usize {
    1 + bytes / 64
}
