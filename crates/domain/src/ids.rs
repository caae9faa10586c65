use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use ulid::Ulid;

use crate::{Clock, Entropy, Timestamp, schema::in_json};

/// A text that is not an id of the kind asked for.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("an id that starts with {prefix}_ and 26 letters or digits was expected")]
pub struct InvalidId {
    /// The prefix of the kind asked for.
    pub prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident = $prefix:literal,)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[derive(Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(Ulid);

        impl $name {
            /// Returns a fresh id: sortable by the clock's time, otherwise random.
            pub fn new(clock: &Clock, entropy: &Entropy) -> Self {
                Self(fresh(clock, entropy))
            }

            /// Returns when it was made, to the millisecond, by the clock of that time.
            pub fn made_at(self) -> Timestamp {
                let millis = i64::try_from(self.0.timestamp_ms()).unwrap_or(i64::MAX / 1_000);
                Timestamp::from_micros(millis * 1_000)
            }

            /// Returns the 16 bytes behind the text, for binding and MACs.
            pub fn to_bytes(self) -> [u8; 16] {
                self.0.to_bytes()
            }

            /// Returns the id behind 16 bytes made by [`Self::to_bytes`].
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Ulid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse(text, $prefix).map(Self)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        in_json!($name, true, {
            "type": "string",
            "pattern": concat!("^", $prefix, "_[0-9A-HJKMNP-TV-Z]{26}$"),
        });
    )+};
}

ids! {
    /// A team: the people who administer projects.
    TeamId = "team",
    /// A project: one application of a team.
    ProjectId = "proj",
    /// An agent of a project.
    AgentId = "agent",
    /// An API key (not its secret).
    ApiKeyId = "key",
    /// Our own id of an end user; the developer's is an [`crate::EndUserId`].
    EndUserKey = "user",
    /// A connector enabled in one project and environment.
    ProjectConnectorId = "pcon",
    /// One end user's account at one project connector.
    ConnectionId = "conn",
    /// One pending prompt to an end user.
    AuthRequestId = "areq",
    /// A person who administers projects.
    MemberId = "member",
    /// An admin token (not its secret).
    AdminTokenId = "admt",
    /// A session of one end user (not its secret).
    SessionId = "sess",
    /// One tool call.
    CallId = "call",
    /// One HTTP request.
    RequestId = "req",
    /// Where an environment is told what happens.
    WebhookId = "wh",
}

fn fresh(clock: &Clock, entropy: &Entropy) -> Ulid {
    let random = u128::from_be_bytes(entropy.id());
    Ulid::from_parts(clock.now().as_millis(), random)
}

fn parse(text: &str, prefix: &'static str) -> Result<Ulid, InvalidId> {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .and_then(|rest| Ulid::from_string(rest).ok())
        .filter(|ulid| text.ends_with(&ulid.to_string()))
        .ok_or(InvalidId { prefix })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text() {
        let clock = Clock::manual(Timestamp::from_secs(1_000));
        let entropy = Entropy::seeded(7);
        let id = ConnectionId::new(&clock, &entropy);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(id.to_string().starts_with("conn_"));
        assert_ne!(id, ConnectionId::new(&clock, &entropy));
        assert_eq!(id.made_at(), clock.now());
    }

    #[test]
    fn only_the_one_spelling_of_an_id_is_read() {
        let id = ConnectionId::from_bytes([7; 16]).to_string();
        for other in
            [id.to_lowercase(), id.replace("conn_", "user_"), id[..20].to_owned(), String::new()]
        {
            assert!(other.parse::<ConnectionId>().is_err(), "{other}");
        }
    }
}
