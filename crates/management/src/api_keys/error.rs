use astralform_domain::{Timestamp, limits};
use astralform_engine::Fault;
use thiserror::Error;

use crate::{
    Forbidden,
    agents::{AgentError, AssignmentError},
};

/// Why an API key is not made, rolled or revoked.
#[derive(Debug, Error)]
pub enum ApiKeyError {
    /// There is none of that id.
    #[error(
        "the project has no API key of that id: GET /v1/projects/{{project}}/api-keys lists its keys"
    )]
    Unknown,
    /// It is over.
    #[error("the API key is over, and cannot be rolled: create another one")]
    Over,
    /// The name is no name.
    #[error(
        "`name` must have 1 to {} printable characters: it tells people what the key is for",
        limits::CREDENTIAL_NAME.value
    )]
    BadName,
    /// It would be over at once.
    #[error("`expires_at` is {0}, which is past: name a later time, or leave it out")]
    BadExpiry(Timestamp),
    /// The overlap is too long.
    #[error("`overlap_seconds` is {0}; it must be 604800 (7 days) at most")]
    BadOverlap(u64),
    /// The environment has as many as it may have.
    #[error(
        "the environment has {} API keys that are not over, and has no more: revoke one first",
        limits::API_KEYS.value
    )]
    TooMany,
    /// The agent cannot be had.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// It cannot be limited so.
    #[error(transparent)]
    Assignment(#[from] AssignmentError),
    /// The policy forbids it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}
