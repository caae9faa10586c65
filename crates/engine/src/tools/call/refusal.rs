use astralform_catalog::ArgumentFault;
use thiserror::Error;

use crate::{CredentialRefusal, Fault, NoTool, OutOfReach, Unusable};

/// Why a call is not even tried.
#[derive(Debug, Error)]
pub enum CallRefusal {
    /// The caller has no such tool.
    #[error(transparent)]
    NoTool(#[from] NoTool),
    /// The arguments do not fit the tool's schema.
    #[error("the arguments do not fit the tool's schema, and nothing was sent: {}", first(.0))]
    InvalidArguments(Vec<ArgumentFault>),
    /// No credential can be had.
    #[error(transparent)]
    Credential(#[from] CredentialRefusal),
    /// The connector cannot be used at present.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl CallRefusal {
    /// Returns why in a word, the same as callers are told.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoTool(NoTool::Unknown { .. }) => "unknown_tool",
            Self::NoTool(NoTool::OutOfReach { why: OutOfReach::NotEnabled(_), .. }) => {
                "not_enabled"
            }
            Self::NoTool(
                NoTool::OutOfReach { why: OutOfReach::NotAssigned { .. }, .. }
                | NoTool::NotAssigned { .. },
            ) => "not_assigned",
            Self::NoTool(NoTool::NotOffered { .. }) => "tool_not_offered",
            Self::InvalidArguments(_) => "invalid_arguments",
            Self::Credential(CredentialRefusal::EndUserRequired) => "end_user_required",
            Self::Credential(CredentialRefusal::UnknownConnection) => "unknown_connection",
            Self::Credential(CredentialRefusal::AwaitingConfirmation) => "awaiting_confirmation",
            Self::Credential(CredentialRefusal::NothingShared) => "shared_connection_required",
            Self::Credential(CredentialRefusal::SharedUnusable) => "shared_connection_unusable",
            Self::Unusable(Unusable::Disabled) => "connector_disabled",
            Self::Unusable(Unusable::Paused) => "connector_paused",
            Self::Unusable(Unusable::NeedsCredentials) => "connector_needs_credentials",
            Self::Unusable(Unusable::Misconfigured) => "connector_misconfigured",
            Self::Unusable(Unusable::NoReturnUrl) => "return_url_required",
            Self::Unusable(Unusable::TooManyPrompts) => "too_many_auth_requests",
            Self::Unusable(Unusable::Frozen(_)) => "frozen",
            Self::Fault(_) => "internal_error",
        }
    }
}

/// Returns what the first fault is, and how many there are besides.
fn first(faults: &[ArgumentFault]) -> String {
    let Some((ArgumentFault { pointer, message }, others)) = faults.split_first() else {
        return String::new();
    };
    let more = match others.len() {
        0 => String::new(),
        more => format!(" (and {more} more, in `errors`)"),
    };
    format!("`arguments{pointer}` {message}{more}")
}
