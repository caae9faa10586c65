use astralform_domain::{Timestamp, limits};
use astralform_engine::Fault;
use thiserror::Error;

/// Why an admin token is not made or revoked.
#[derive(Debug, Error)]
pub enum AdminTokenError {
    /// There is none of that id.
    #[error("you have no admin token of that id: GET /v1/me/admin-tokens lists yours")]
    Unknown,
    /// The name is no name.
    #[error(
        "`name` must have 1 to {} printable characters: it tells people what the token is for",
        limits::CREDENTIAL_NAME.value
    )]
    BadName,
    /// It would be over at once.
    #[error("`expires_at` is {0}, which is past: name a later time, or leave it out")]
    BadExpiry(Timestamp),
    /// It would outlive the one that makes it.
    #[error(
        "the token that was sent ends at {0}, and makes none that lives longer: name an `expires_at` \
         until then"
    )]
    OutlivesMaker(Timestamp),
    /// The token that was sent only reads.
    #[error(
        "this admin token has the access `read`, which is not enough to make or revoke tokens: use \
         one with `write`"
    )]
    ReadOnly,
    /// The member has as many as they may have.
    #[error(
        "you have {} admin tokens that are not over, and can have no more: revoke one first",
        limits::ADMIN_TOKENS.value
    )]
    TooMany,
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}
