use astralform_domain::{AgentName, Stale, limits};
use astralform_engine::{Fault, Nearest};
use astralform_storage::agents::Dependents;
use thiserror::Error;

use super::AssignmentError;
use crate::Forbidden;

/// Why an agent is not made, changed or deleted.
#[derive(Debug, Error)]
pub enum AgentError {
    /// There is none of that name.
    #[error(
        "the project has no agent `{name}`{nearest}: GET /v1/projects/{{project}}/agents lists its agents"
    )]
    Unknown {
        /// What was named.
        name: String,
        /// What may have been meant.
        nearest: Nearest,
    },
    /// Another one has that name.
    #[error("the project has an agent `{0}` already: take another name")]
    NameTaken(AgentName),
    /// The project has as many as it may have.
    #[error("the project has {} agents, and a project has no more: delete one first", limits::AGENTS.value)]
    TooMany,
    /// The default agent stays.
    #[error(
        "`{0}` is the default agent, the one meant by requests that name none: it cannot be \
         deleted; assign less to it, or disable it"
    )]
    IsDefault(AgentName),
    /// The default agent keeps its name.
    #[error(
        "`{0}` is the default agent, and requests may call it by its name: it keeps that; make another \
         agent instead"
    )]
    DefaultKeepsName(AgentName),
    /// One agent has to be able to act.
    #[error("`{0}` is the last agent that is enabled: enable another one first")]
    IsLastEnabled(AgentName),
    /// Something else ends with it.
    #[error(
        "{keys} API keys and {sessions} sessions depend on the agent `{name}` and would end with \
         it: revoke them first, or send `end_dependents=true`",
        keys = .dependents.api_keys,
        sessions = .dependents.sessions
    )]
    HasDependents {
        /// Which agent.
        name: AgentName,
        /// How many there are.
        dependents: Dependents,
    },
    /// It cannot be assigned so.
    #[error(transparent)]
    Assignment(#[from] AssignmentError),
    /// It was changed by somebody else.
    #[error(transparent)]
    Stale(#[from] Stale),
    /// The policy forbids it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}
