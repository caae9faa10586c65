//! What happened to a connection, as rows of its history.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    AgentId, AuthFailure, AuthReason, AuthRequestId, AuthStatus, ConnectionStatus, StatusReason,
    Timestamp, schema::in_json, text_enum::text_enum,
};

/// A row of a connection's history: something that happened, or the same thing several times in a
/// row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionEvent {
    /// Where it stands in the history.
    pub place: EventPlace,
    /// When it happened, or happened first. A prompt: when it was opened.
    pub at: Timestamp,
    /// When it happened last. A prompt: when its status last changed.
    pub last_at: Timestamp,
    /// How often it happened in a row.
    pub times: i64,
    /// What happened.
    pub what: Happening,
}

/// What happened to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// Its status changed.
    StatusChanged {
        /// What it was; nothing when it has just been made.
        old: Option<ConnectionStatus>,
        /// What it is since.
        new: ConnectionStatus,
        /// Why.
        reason: Option<StatusReason>,
    },
    /// A token of it was refreshed.
    Refreshed,
    /// A token of it was not refreshed.
    NotRefreshed(RefreshFailure),
    /// Its owner was prompted to renew it, or a prompt of its owner led to it.
    Prompted(PromptEvent),
}

text_enum! {
    /// What a row of a history tells of.
    HappeningKind("kind of a history's row") {
        /// The connection's status changed; the first time, it was made.
        StatusChanged = "status_changed",
        /// A token was refreshed.
        Refreshed = "refreshed",
        /// A token was not refreshed.
        NotRefreshed = "not_refreshed",
        /// Its owner was prompted to renew it, or a prompt led to it.
        Prompted = "prompted",
    }
}

impl Happening {
    /// Returns what kind of happening it is.
    pub const fn kind(&self) -> HappeningKind {
        match self {
            Self::StatusChanged { .. } => HappeningKind::StatusChanged,
            Self::Refreshed => HappeningKind::Refreshed,
            Self::NotRefreshed(_) => HappeningKind::NotRefreshed,
            Self::Prompted(_) => HappeningKind::Prompted,
        }
    }
}

/// A prompt, as a row of a history tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromptEvent {
    /// The auth request; of several in a row, the last one.
    pub request: AuthRequestId,
    /// The agent that asked.
    pub agent: AgentId,
    /// Why it asked.
    pub reason: AuthReason,
    /// How far it got.
    pub status: AuthStatus,
    /// How it went wrong.
    pub failure: Option<AuthFailure>,
}

text_enum! {
    /// Why a token was not refreshed.
    RefreshFailure("refresh failure") {
        /// The provider refused the refresh token, which ends the connection.
        Rejected = "rejected",
        /// The provider refused the developer's app.
        AppRejected = "app_rejected",
        /// The provider refused in words that may mean anything; it is tried again.
        Refused = "refused",
        /// The provider's answer could not be read; it is tried again.
        Unreadable = "unreadable",
        /// The provider could not do it at the time; it is tried again.
        Unavailable = "unavailable",
        /// The provider could not be reached; it is tried again.
        Unreachable = "unreachable",
        /// This server may not call the provider's address, or does not trust its certificate.
        NotAllowed = "not_allowed",
        /// It was asked for, and no answer came: the new token may be lost.
        NoAnswer = "no_answer",
    }
}

/// Where a row stands in a connection's history: a later one has a higher number, and rows that are
/// written at the same time may share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct EventPlace {
    /// Its number.
    pub number: i64,
    /// What tells it from others of its number.
    pub mark: i64,
}

/// A text that is no place in a history.
#[derive(Debug, Error)]
#[error("a `next_cursor` of a history was expected")]
pub struct InvalidEventPlace;

impl fmt::Display for EventPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.number, self.mark)
    }
}

impl FromStr for EventPlace {
    type Err = InvalidEventPlace;
    fn from_str(text: &str) -> Result<Self, InvalidEventPlace> {
        let (number, mark) = text.split_once('.').ok_or(InvalidEventPlace)?;
        let number = number.parse().map_err(|_| InvalidEventPlace)?;
        let mark = mark.parse().map_err(|_| InvalidEventPlace)?;
        Ok(Self { number, mark })
    }
}

impl From<EventPlace> for String {
    fn from(place: EventPlace) -> Self {
        place.to_string()
    }
}

impl TryFrom<String> for EventPlace {
    type Error = InvalidEventPlace;
    fn try_from(text: String) -> Result<Self, InvalidEventPlace> {
        text.parse()
    }
}

in_json!(EventPlace, true, {"type": "string"});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_as_it_is_read_and_nothing_else_is_one() {
        let place = EventPlace { number: 17, mark: i64::MAX };
        assert_eq!(place.to_string().parse::<EventPlace>().unwrap(), place);
        for text in ["", "17", "17.", ".4", "17.x", "17.4.4", "99999999999999999999.4"] {
            assert!(text.parse::<EventPlace>().is_err(), "{text}");
        }
    }
}
