use std::{borrow::Cow, fmt::Display};

use astralform_domain::{
    Accent, AdminAccess, AdminTokenId, AgentId, ApiKeyId, AuthFailure, AuthReason, AuthRequestId,
    AuthStatus, CallId, CallOutcome, ConnectionId, ConnectionStatus, ConnectorSlug, DeliveryStatus,
    EndUserId, EndUserKey, Environment, MemberId, Owner, ProjectConnectorId, ProjectId,
    RefreshFailure, RequestId, RevocationStatus, Role, Sealed, SessionId, StatusReason, TeamId,
    Timestamp, VerifyEndUser, WebhookDisabled, WebhookId,
};
use serde::Serialize;

/// A parameter of a statement, in one of the four types that both drivers share.
pub enum Bind {
    /// `TEXT`.
    Text(Option<String>),
    /// `BIGINT`.
    Int(Option<i64>),
    /// `BOOLEAN`.
    Bool(bool),
    /// `BYTEA`.
    Bytes(Option<Vec<u8>>),
}

/// The parameters of one statement, `$1` first.
macro_rules! binds {
    ($($value:expr),* $(,)?) => { vec![$($crate::bind::Bind::from($value)),*] };
}
pub(crate) use binds;

/// Returns a value as JSON text.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts in sets, lists and records are always JSON")
}

fn text(value: impl Display) -> Bind {
    Bind::Text(Some(value.to_string()))
}

macro_rules! bound_as_text {
    ($($name:ty),+ $(,)?) => {$(
        impl From<$name> for Bind {
            fn from(value: $name) -> Self {
                text(value)
            }
        }
        impl From<Option<$name>> for Bind {
            fn from(value: Option<$name>) -> Self {
                value.map_or(Self::Text(None), text)
            }
        }
    )+};
}

bound_as_text!(
    Accent,
    AdminAccess,
    AdminTokenId,
    AgentId,
    ApiKeyId,
    AuthRequestId,
    CallId,
    CallOutcome,
    ConnectionId,
    EndUserKey,
    MemberId,
    ProjectConnectorId,
    ProjectId,
    SessionId,
    TeamId,
    AuthFailure,
    AuthReason,
    AuthStatus,
    ConnectionStatus,
    DeliveryStatus,
    Environment,
    RefreshFailure,
    RequestId,
    RevocationStatus,
    Role,
    StatusReason,
    VerifyEndUser,
    WebhookDisabled,
    WebhookId,
    &ConnectorSlug,
    &EndUserId,
    &str,
    String,
);

impl From<&Owner> for Bind {
    fn from(owner: &Owner) -> Self {
        Self::Text(owner.to_stored().map(Cow::into_owned))
    }
}

impl From<&Option<String>> for Bind {
    fn from(value: &Option<String>) -> Self {
        Self::Text(value.clone())
    }
}

impl From<i64> for Bind {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Bind {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<Timestamp> for Bind {
    fn from(value: Timestamp) -> Self {
        Self::Int(Some(value.as_micros()))
    }
}

impl From<Option<Timestamp>> for Bind {
    fn from(value: Option<Timestamp>) -> Self {
        Self::Int(value.map(Timestamp::as_micros))
    }
}

impl From<bool> for Bind {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&Sealed> for Bind {
    fn from(value: &Sealed) -> Self {
        Self::Bytes(Some(value.as_bytes().to_vec()))
    }
}

impl From<Option<&Sealed>> for Bind {
    fn from(value: Option<&Sealed>) -> Self {
        Self::Bytes(value.map(|sealed| sealed.as_bytes().to_vec()))
    }
}

impl From<Option<&[u8; 32]>> for Bind {
    fn from(value: Option<&[u8; 32]>) -> Self {
        Self::Bytes(value.map(|bytes| bytes.to_vec()))
    }
}

impl From<&[u8; 16]> for Bind {
    fn from(value: &[u8; 16]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }
}

impl From<&[u8; 32]> for Bind {
    fn from(value: &[u8; 32]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }
}
