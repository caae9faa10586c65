use std::fmt;

use thiserror::Error;

use crate::{Fault, Frozen};

/// Why a request is not authenticated.
#[derive(Debug, Error)]
pub enum AuthenticationError {
    /// The token is not known here, has been revoked or is over.
    #[error(
        "{0} was sent that is not valid: it was not copied whole, is another server's, was revoked, \
         or is over; send one that is valid here"
    )]
    InvalidToken(TokenKind),
    /// The token is valid for other calls only, if at all.
    #[error("{sent} was sent, and this call takes {wanted}: send that as the bearer token")]
    WrongKind {
        /// What was sent.
        sent: TokenKind,
        /// What the call takes.
        wanted: TokenKinds,
    },
    /// The token is none of ours.
    #[error("what was sent as the bearer token is no token of this server: send {wanted}")]
    ForeignToken {
        /// What the call takes.
        wanted: TokenKinds,
    },
    /// The token is bound to another agent than the request names.
    #[error(
        "the token acts as one agent only, and the request names another: leave X-Agent-ID (or \
         `agent`) out, or name that one"
    )]
    OtherAgent,
    /// The session is another end user's than the request names.
    #[error(
        "the session acts for one end user only, and X-End-User-ID names another: leave it out, \
         or name that one"
    )]
    OtherEndUser,
    /// The token's project is frozen.
    #[error(transparent)]
    Frozen(#[from] Frozen),
    /// There is no agent of that name.
    #[error(
        "the project has no agent `{0}`: name one that it has in X-Agent-ID (or `agent`), or leave \
         it out"
    )]
    UnknownAgent(String),
    /// The agent is switched off.
    #[error(
        "the agent `{0}` is disabled: enable it, or name another one in X-Agent-ID (or `agent`)"
    )]
    DisabledAgent(String),
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The kinds of bearer tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A backend's.
    ApiKey,
    /// One end user's and one agent's.
    Session,
    /// An administrator's.
    AdminToken,
}

/// The kinds of tokens that a call takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKinds {
    /// Those of callers that act for end users.
    Runtime,
    /// Those of administrators.
    Management,
}

impl TokenKind {
    /// Returns what a token says of itself.
    pub(super) fn of(token: &str) -> Option<Self> {
        let kinds = [("sk_", Self::ApiKey), ("ut_", Self::Session), ("pat_", Self::AdminToken)];
        kinds.into_iter().find(|(prefix, _)| token.starts_with(prefix)).map(|(_, kind)| kind)
    }
}

impl fmt::Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ApiKey => "an API key (sk_…)",
            Self::Session => "a session (ut_…)",
            Self::AdminToken => "an admin token (pat_…)",
        })
    }
}

impl fmt::Display for TokenKinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Runtime => "an API key (sk_live_… or sk_test_…) or a session (ut_…)",
            Self::Management => "an admin token (pat_…)",
        })
    }
}
