//! A small, bounded jq: how a catalogue says "take this JSON, make that JSON".
//!
//! Programs come from catalogue files and documents from providers, and neither is trusted. Every
//! accepted program therefore ends, within a budget of steps, a limit on the size and depth of what
//! it builds, and a fixed amount of stack. Three things together make that true:
//!
//! 1. `check` accepts a language without definitions, recursion, updates or endless generators,
//!    not nested deeper than `check::MAX_LEVELS`, and puts a toll on every loop that is left.
//! 2. `Metered` is the only value type the interpreter sees; each of its operations pays the
//!    thread's `meter` for the work it is about to do.
//! 3. Once the meter has run out it stays so until the run is over, so a program that catches the
//!    error finds every loop closed.
//!
//! Start at [`Program`].

mod arithmetic;
mod check;
mod compile;
mod document;
mod fault;
mod filters;
mod meter;
mod names;
mod number;
mod order;
mod output;
mod program;
mod shape;
mod slice;
mod value;

#[cfg(test)]
mod tests;

pub use compile::CompileError;
pub use document::{Document, ParseError};
pub use meter::Budget;
pub use program::{Program, RunError};
