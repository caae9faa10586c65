//! What is answered about tools and calls.

use std::collections::BTreeMap;

use astralform_domain::{CallId, FailureKind};
use astralform_engine::{
    Availability, CallFailure, CredentialRefusal, ListedTool, Outcome, Outside,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

use crate::auth_requests::AuthRequestView;
/// The tools of an agent.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ToolsView {
    /// The tools, described as `format` asks.
    #[schemars(with = "Vec<Map<String, Value>>")]
    pub(super) tools: Vec<Value>,
    /// Whether each can be called now, by its name.
    pub(super) availability: BTreeMap<String, AvailabilityView>,
}

/// Whether a tool can be called now.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum AvailabilityView {
    /// It can.
    Ready,
    /// A call asks the end user first.
    AuthRequired {
        /// What is missing.
        why: String,
        /// What to do.
        fix: String,
    },
    /// It cannot, and the end user cannot change that.
    Unavailable {
        /// What is in the way.
        why: String,
        /// What to do.
        fix: String,
    },
}

/// How a call ended.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub(crate) enum CallView {
    /// The tool's result.
    Completed {
        /// The result, as the tool's output schema says.
        #[schemars(with = "Value")]
        data: Box<RawValue>,
        /// The result as JSON text, for models that take text.
        text: String,
        /// The call's id.
        call_id: CallId,
    },
    /// The end user has to be asked first; nothing was changed at the provider.
    AuthRequired {
        /// What to show them.
        auth_request: Box<AuthRequestView>,
    },
    /// It went wrong at the provider, or on the way there.
    Failed {
        /// How.
        error: FailureView,
        /// The call's id.
        call_id: CallId,
    },
}

/// How a call went wrong.
#[derive(Serialize, JsonSchema)]
pub(crate) struct FailureView {
    kind: FailureKind,
    /// What happened and what to do, for a model or a person.
    message: String,
    /// Whether the same call may succeed later, and cannot happen twice by it.
    retryable: bool,
    /// When it makes sense to try again, where the provider said so.
    retry_after_ms: Option<u64>,
    /// The provider's HTTP status, where there was an answer.
    provider_status: Option<u16>,
}

impl CallView {
    /// Returns whether the same call must not be carried out again: it was done, or may have been.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::Completed { .. } => true,
            Self::AuthRequired { .. } => false,
            Self::Failed { error, .. } => !error.retryable,
        }
    }
}

pub(super) fn availability(listed: ListedTool<'_>) -> (String, AvailabilityView) {
    let view = match listed.availability {
        Availability::Ready => AvailabilityView::Ready,
        Availability::AuthRequired(why) => AvailabilityView::AuthRequired {
            why,
            fix: "call the tool, and show the end user the link in the answer".to_owned(),
        },
        Availability::Unavailable(Outside::Connector(why)) => AvailabilityView::Unavailable {
            why: why.to_string(),
            fix: "correct the connector's settings in this project".to_owned(),
        },
        Availability::Unavailable(Outside::Credential(refusal)) => {
            AvailabilityView::Unavailable { why: refusal.to_string(), fix: fix(refusal).to_owned() }
        }
    };
    (listed.tool.name.as_str().to_owned(), view)
}

fn fix(refusal: CredentialRefusal) -> &'static str {
    match refusal {
        CredentialRefusal::EndUserRequired => "name the end user in the header X-End-User-ID",
        CredentialRefusal::UnknownConnection => "name a connection of this end user, or none",
        CredentialRefusal::AwaitingConfirmation => "confirm the connection, or name another",
        CredentialRefusal::NothingShared => {
            "share an account: POST /v1/projects/{project}/connectors/{slug}/shared-connection"
        }
        CredentialRefusal::SharedUnusable => {
            "share the account again: POST /v1/projects/{project}/connectors/{slug}/shared-connection"
        }
    }
}

pub(super) fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Completed(_) => "completed",
        Outcome::AuthRequired(_) => "auth_required",
        Outcome::Failed(failure) => failure.kind.as_str(),
    }
}

impl From<CallFailure> for FailureView {
    fn from(failure: CallFailure) -> Self {
        let after = failure.retry_after.map(|after| after.as_millis());
        Self {
            kind: failure.kind,
            retryable: failure.kind.is_retryable(),
            retry_after_ms: after.and_then(|after| u64::try_from(after).ok()),
            provider_status: failure.provider_status,
            message: failure.message,
        }
    }
}
