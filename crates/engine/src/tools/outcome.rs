use std::time::Duration;

use serde_json::Value;

use crate::Prompt;

/// How a call that was accepted ended.
#[derive(Debug)]
pub enum Outcome {
    /// The tool's result.
    Completed(Value),
    /// The end user has to be asked first; nothing was changed at the provider.
    AuthRequired(Box<Prompt>),
    /// It went wrong at the provider, or on the way there.
    Failed(CallFailure),
}

/// How a call went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallFailure {
    /// What it means to whoever must act.
    pub kind: FailureKind,
    /// What happened and what to do, for a model or a person.
    pub message: String,
    /// When it makes sense to try again, where the provider said so.
    pub retry_after: Option<Duration>,
    /// The provider's HTTP status, where there was an answer.
    pub provider_status: Option<u16>,
}

/// What a failure means to whoever must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// It is not there, or the account cannot see it.
    NotFound,
    /// The account may not do it.
    PermissionDenied,
    /// Too often: try again later.
    RateLimited,
    /// The provider is down, or talks nonsense.
    ProviderUnavailable,
    /// The provider does not accept the request.
    ProviderRejected,
    /// Our app's own credentials or settings are wrong; the end user can do nothing.
    Misconfigured,
    /// No answer came in time, and nothing was changed.
    Timeout,
    /// A change was sent and no answer came: it may have happened.
    OutcomeUnknown,
    /// The answer is larger than we read.
    ResponseTooLarge,
}

impl FailureKind {
    /// The word it travels as.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::PermissionDenied => "permission_denied",
            Self::RateLimited => "rate_limited",
            Self::ProviderUnavailable => "provider_unavailable",
            Self::ProviderRejected => "provider_rejected",
            Self::Misconfigured => "misconfigured",
            Self::Timeout => "timeout",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::ResponseTooLarge => "response_too_large",
        }
    }

    /// Whether the same call may succeed later, and cannot happen twice by it.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::ProviderUnavailable | Self::Timeout)
    }
}

impl CallFailure {
    pub(crate) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None, provider_status: None }
    }
}
