use astralform_catalog::{Connector, Tool};
use astralform_domain::FailureKind;
use astralform_egress::EgressError;

use crate::answer::CallFailure;

/// Returns what it means that no answer came. A change that may have arrived may have happened.
pub fn no_answer(connector: &Connector, tool: &Tool, error: &EgressError) -> CallFailure {
    let name = &connector.name;
    let changes = !tool.annotations.read_only;
    let (kind, message) = match error {
        error if error.is_ours() => {
            (FailureKind::Misconfigured, format!("{name} was not called: {error}."))
        }
        EgressError::Forbidden(_) | EgressError::Untrusted(_) => (
            FailureKind::ProviderUnavailable,
            format!("{name} was not called: {error}. Try again later."),
        ),
        EgressError::Unreachable(_) => (
            FailureKind::ProviderUnavailable,
            format!("{name} could not be reached. Try again later."),
        ),
        EgressError::TooLarge if changes => (
            FailureKind::ResponseTooLarge,
            format!(
                "The answer of {name} is too large to read. It was probably done: check before trying again."
            ),
        ),
        EgressError::TooLarge => (
            FailureKind::ResponseTooLarge,
            format!("The answer of {name} is too large. Ask for less at a time."),
        ),
        EgressError::NoAnswer(_) | EgressError::TimedOut if changes => {
            (FailureKind::OutcomeUnknown, format!("{name} did not answer."))
        }
        EgressError::NoAnswer(_) => {
            (FailureKind::ProviderUnavailable, format!("{name} did not answer. Try again later."))
        }
        EgressError::TimedOut => {
            (FailureKind::Timeout, format!("{name} did not answer in time. Try again later."))
        }
    };
    CallFailure::new(kind, message)
}
