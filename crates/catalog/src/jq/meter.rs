//! The budget of the run that is going on in this thread.
//!
//! The interpreter offers no place to carry a budget through operators and collections, so it lives
//! in a thread-local, opened and closed by [`Session`]. Collecting values cannot fail in the
//! interpreter, and errors can be caught by the program: hence the verdict is a latch, read once
//! the run is over, and a latched meter has nothing left to spend.

use std::cell::Cell;
use std::marker::PhantomData;

/// How much work one run may do, in steps of very roughly a tenth of a microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget(u64);

/// Why the meter stopped a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Exhausted,
    TooLarge,
}

/// The meter has run out, now or earlier in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spent;

/// An open meter; dropping it closes the meter, also when the run panics.
pub(super) struct Session(PhantomData<*const ()>);

struct Meter {
    left: Cell<u64>,
    turn: Cell<u64>,
    verdict: Cell<Option<Verdict>>,
}

thread_local! {
    static METER: Meter = const {
        Meter { left: Cell::new(0), turn: Cell::new(1), verdict: Cell::new(None) }
    };
}

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

impl Session {
    /// Opens the meter of this thread; `turn` is the price of one turn of a loop.
    pub(super) fn open(Budget(steps): Budget, turn: u64) -> Self {
        METER.with(|meter| meter.reset(steps, turn));
        Self(PhantomData)
    }

    /// Why the run was stopped, if it was.
    #[expect(clippy::unused_self, reason = "a verdict exists only while a session is open")]
    pub(super) fn verdict(&self) -> Option<Verdict> {
        METER.with(|meter| meter.verdict.get())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        METER.with(|meter| meter.reset(0, 1));
    }
}

impl Meter {
    fn reset(&self, left: u64, turn: u64) {
        self.left.set(left);
        self.turn.set(turn);
        self.verdict.set(None);
    }

    fn spend(&self, steps: u64) -> Result<(), Spent> {
        match self.left.get().checked_sub(steps) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(self.latch(Verdict::Exhausted)),
        }
    }

    /// The first verdict stays: what follows it is only its consequence.
    fn latch(&self, verdict: Verdict) -> Spent {
        self.left.set(0);
        self.verdict.set(self.verdict.get().or(Some(verdict)));
        Spent
    }
}

/// Pays for `steps` units of work, before they are done.
pub(super) fn spend(steps: usize) -> Result<(), Spent> {
    METER.with(|meter| meter.spend(steps as u64))
}

/// Pays for reading or copying a text of this many bytes.
pub(super) fn spend_text(bytes: usize) -> Result<(), Spent> {
    spend(text_units(bytes))
}

/// Pays for one turn of a loop: all that the program may do in it without paying otherwise.
pub(super) fn spend_turn() -> Result<(), Spent> {
    METER.with(|meter| meter.spend(meter.turn.get()))
}

/// Stops the run because a value outgrew its limits.
pub(super) fn too_large() -> Spent {
    METER.with(|meter| meter.latch(Verdict::TooLarge))
}

/// Whether the run has been stopped.
pub(super) fn is_latched() -> bool {
    METER.with(|meter| meter.verdict.get().is_some())
}

/// The weight of a text: one, and one more for each 64 bytes.
pub(super) const fn text_units(bytes: usize) -> usize {
    1 + bytes / 64
}
