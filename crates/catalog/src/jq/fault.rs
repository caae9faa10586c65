//! What can go wrong inside a program, in words that hold nothing of its input.

use jaq_core::{Error, Exn};
use jaq_json::Val;
use thiserror::Error;

use super::meter::Spent;
use super::value::Metered;

/// The type of a value, which is all that a message may tell about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

/// A failed operation. Holds kinds and fixed words only, so that no message can quote a value.
#[derive(Debug, Clone, Copy, Error)]
pub(super) enum Fault {
    #[error("the budget is spent")]
    Spent,
    #[error("cannot index {} with {}", .of.with_article(), .with.with_article())]
    Index { of: Kind, with: Kind },
    #[error("cannot calculate {} {sign} {}", .left.name(), .right.name())]
    Operator { left: Kind, sign: &'static str, right: Kind },
    #[error("{what} needs {wanted}, not {}", .found.with_article())]
    Wanted { what: &'static str, wanted: &'static str, found: Kind },
    #[error("{0}")]
    Plain(&'static str),
}

impl Kind {
    pub(super) fn of(val: &Val) -> Self {
        match val {
            Val::Null => Self::Null,
            Val::Bool(_) => Self::Boolean,
            Val::Num(_) => Self::Number,
            Val::BStr(_) | Val::TStr(_) => Self::String,
            Val::Arr(_) => Self::Array,
            Val::Obj(_) => Self::Object,
        }
    }

    /// The name that the filter `type` gives.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    fn with_article(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

impl Fault {
    pub(super) fn wanted(what: &'static str, wanted: &'static str, found: &Val) -> Self {
        Self::Wanted { what, wanted, found: Kind::of(found) }
    }
}

impl From<Spent> for Fault {
    fn from(Spent: Spent) -> Self {
        Self::Spent
    }
}

/// Our own faults travel as byte strings, a type of value that programs cannot make: this is how
/// `failure_message` tells them from what a program raised itself.
impl From<Fault> for Error<Metered> {
    fn from(fault: Fault) -> Self {
        Self::new(Metered::new(Val::byte_str(fault.to_string())))
    }
}

impl From<Fault> for Exn<'_, Metered> {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Spent => stop(),
            fault => Self::from(Error::from(fault)),
        }
    }
}

/// The exception that no `?` catches: no filter of ours halts, so only a spent meter makes it.
pub(super) fn stop<'a>() -> Exn<'a, Metered> {
    Exn::halt(0)
}

/// The message, if this error value is a fault of ours and not raised by the program.
pub(super) fn failure_message(raised: &Val) -> Option<String> {
    match raised {
        Val::BStr(message) => Some(String::from_utf8_lossy(message).into_owned()),
        _ => None,
    }
}
