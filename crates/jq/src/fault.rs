//! What can go wrong inside a program, in words that hold nothing of its input.

use thiserror::Error;

use super::value::Value;

/// What an operation gives, if nothing ends it before.
pub(super) type RunResult<'a, T = Value<'a>> = Result<T, Stop<'a>>;

/// Why an evaluation ends before its end.
pub(super) enum Stop<'a> {
    /// The consumer of the outputs wants no more of them.
    Enough,
    /// The run is over: no program catches this.
    Limit(RunLimit),
    /// A program that has a `?` in the right place goes on.
    Error(Box<Error<'a>>),
}

/// What a run may not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunLimit {
    Steps,
    Size,
}

pub(super) enum Error<'a> {
    /// An operation does not work on the values that it met.
    Fault(RunFault),
    /// The program called `error`.
    Raised(Value<'a>),
}

/// A failed operation. Holds kinds and fixed words only, so that no message can quote a value.
#[derive(Debug, Clone, Copy, Error)]
pub(super) enum RunFault {
    #[error("cannot index {} with {}", .of.with_article(), .with.with_article())]
    Index { of: Kind, with: Kind },
    #[error("cannot calculate {} {sign} {}", .left.name(), .right.name())]
    Operator { left: Kind, sign: &'static str, right: Kind },
    #[error("{what} needs {wanted}, not {}", .found.with_article())]
    Wanted { what: &'static str, wanted: &'static str, found: Kind },
    #[error("{0}")]
    Plain(&'static str),
}

/// The type of a value, which is all that a message may tell about it; in the order of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    pub(super) fn of(value: &Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Int(_) | Value::Large(_) | Value::Float(_) => Self::Number,
            Value::Text(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }

    /// Returns the name that the filter `type` gives.
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

impl RunFault {
    pub(super) fn wanted(what: &'static str, wanted: &'static str, found: &Value<'_>) -> Self {
        Self::Wanted { what, wanted, found: Kind::of(found) }
    }
}

impl<'a> Stop<'a> {
    pub(super) fn raised(value: Value<'a>) -> Self {
        Self::Error(Box::new(Error::Raised(value)))
    }
}

impl From<RunLimit> for Stop<'_> {
    fn from(limit: RunLimit) -> Self {
        Self::Limit(limit)
    }
}

impl From<RunFault> for Stop<'_> {
    fn from(fault: RunFault) -> Self {
        Self::Error(Box::new(Error::Fault(fault)))
    }
}
