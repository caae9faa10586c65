use astralform_provider::answer::{CallFailure, ToolResult};

use crate::Prompt;

/// How a call that was accepted ended.
#[derive(Debug)]
pub enum Outcome {
    /// It is done.
    Completed(ToolResult),
    /// The end user has to be asked first; nothing was changed at the provider.
    AuthRequired(Box<Prompt>),
    /// It went wrong at the provider, or on the way there.
    Failed(CallFailure),
}

impl Outcome {
    /// Returns the outcome as the caller is told it.
    pub(super) fn with_advice(self) -> Self {
        match self {
            Self::Failed(failure) => Self::Failed(failure.advised()),
            other => other,
        }
    }
}
