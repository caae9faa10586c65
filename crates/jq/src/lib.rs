//! A small, bounded jq: how a catalogue says "take this JSON, make that JSON".
//!
//! Programs come from catalogue files and documents from providers, and neither is trusted. Every
//! accepted program therefore ends, within a budget of steps, a limit on the size and depth of what
//! it builds, and a fixed amount of stack. Three things together make that true:
//!
//! 1. `check` accepts a language without definitions, recursion, updates or endless generators,
//!    not nested deeper than `check::MAX_LEVELS`, and turns it into `AstNode`s.
//! 2. `Interpreter` goes from node to node and pays its `Meter` for each; filters and operators pay
//!    for the work that they are about to do on a value.
//! 3. No program catches the end of its steps, or the limit on the size and depth of a `Value`.
//!
//! The syntax and its parser are jaq's; no other code of jaq's runs.
//!
//! Start at [`Program`].

mod access;
mod arithmetic;
mod check;
mod compile;
mod document;
mod fault;
mod filters;
mod meter;
mod names;
mod node;
mod number;
mod order;
mod output;
mod program;
mod run;
mod uses;
mod value;

#[cfg(test)]
mod tests;

pub use compile::CompileError;
pub use document::{Document, ParseError};
pub use meter::{NULL_MARK, StepBudget};
pub use program::{Program, RunError};
pub use uses::{Origin, Use};
