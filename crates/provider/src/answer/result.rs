use std::time::Duration;

use astralform_domain::FailureKind;
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

/// What a tool gave, as JSON.
#[derive(Clone, Debug)]
pub struct ToolResult(Box<RawValue>);

/// How a call went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallFailure {
    /// Its kind, which says who has to act.
    pub kind: FailureKind,
    /// What happened and what to do, for a model or a person.
    pub message: String,
    /// When it makes sense to try again, where the provider said so.
    pub retry_after: Option<Duration>,
    /// The provider's HTTP status, where there was an answer.
    pub provider_status: Option<u16>,
}

/// What follows the message of a change whose outcome is not known.
const LOOK_FIRST: &str = " It may have happened; look first, and do it again only if it has not.";

impl ToolResult {
    /// Returns a result of JSON text.
    pub fn new(json: Box<RawValue>) -> Self {
        Self(json)
    }

    /// Returns the JSON text.
    pub fn into_json(self) -> Box<RawValue> {
        self.0
    }

    fn parse(&self) -> Option<Value> {
        serde_json::from_str(self.0.get()).ok()
    }
}

/// Two results are the same when they are the same JSON value.
impl PartialEq for ToolResult {
    fn eq(&self, other: &Self) -> bool {
        self.parse() == other.parse()
    }
}

impl From<Value> for ToolResult {
    fn from(value: Value) -> Self {
        Self(to_raw_value(&value).expect("a value is JSON"))
    }
}

impl CallFailure {
    /// Returns a failure without more to say.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None, provider_status: None }
    }

    /// Adds to the message what a model should do about a change that may have happened.
    #[must_use]
    pub fn advised(mut self) -> Self {
        if self.kind == FailureKind::OutcomeUnknown {
            self.message.push_str(LOOK_FIRST);
        }
        self
    }
}
