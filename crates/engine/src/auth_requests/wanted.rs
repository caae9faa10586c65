//! What a caller wants of an end user, and why it is not asked for.

use std::time::Duration;

use astralform_domain::{
    AuthRequest, ConnectionId, ConnectorSlug, RuntimeCredential, Scope, ScopeSet,
};
use thiserror::Error;

use crate::{CredentialRefusal, Fault, NoConnector, SettingsError, Unusable, connectors::Ready};

/// A prompt that is wanted without a tool call.
pub struct WantedPrompt {
    /// What an account is to be connected to.
    pub connector: ConnectorSlug,
    /// What is to be granted besides the usual.
    pub scopes: ScopeSet,
    /// Which account.
    pub account: WantedAccount,
    /// Where the browser goes afterwards; the first registered address when not named.
    pub return_url: Option<String>,
    /// How long the link waits for its click.
    pub life: Option<Duration>,
}

/// Which of an end user's accounts a prompt is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedAccount {
    /// The one that calls use which name none; a first one where there is none.
    Default,
    /// One more.
    New,
    /// This one, again.
    Named(ConnectionId),
}

/// Why no end user is prompted.
#[derive(Debug, Error)]
pub enum WantedError {
    /// The caller has no such connector.
    #[error(transparent)]
    NoConnector(#[from] NoConnector),
    /// End users may not connect accounts of their own.
    #[error(
        "end users may not connect accounts of their own at `{0}` here: call its tools without \
         asking for one, or set `allow_end_user_auth` of the connector"
    )]
    NotAllowed(ConnectorSlug),
    /// The browser may not be sent there.
    #[error(
        "`return_url` is not one of those registered for this environment, which have to be given \
         to the letter: register it with PATCH \
         /v1/projects/{{project}}/environments/{{environment}}, or leave it out"
    )]
    UnregisteredReturnUrl,
    /// The life is too short, or too long for the caller.
    #[error("`expires_in` is {given}; it must be a whole number of seconds from 60 to {longest}")]
    BadLife {
        /// What was asked for, in seconds.
        given: u64,
        /// The most that the caller may ask for.
        longest: u64,
    },
    /// The project's list, or the connector, does not have a scope.
    #[error("{0}")]
    UndeclaredScope(UndeclaredScope),
    /// A scope cannot stand in a request.
    #[error(transparent)]
    Settings(#[from] SettingsError),
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

/// A scope that callers may not ask for. The administrators of a project, and the connector, say
/// what may be asked: otherwise the holder of a session could have an end user grant any scope.
#[derive(Debug, Error)]
#[error(
    "`scopes` has `{scope}`, which cannot be asked for, since {} does not have it: ask for those that it has, {}",
    if *.by_project { "the list `scopes` of this project connector" } else { "the connector" },
    .declared.join(", ")
)]
pub struct UndeclaredScope {
    scope: Scope,
    declared: ScopeSet,
    by_project: bool,
}

impl WantedAccount {
    pub(super) const fn named(self) -> Option<ConnectionId> {
        match self {
            Self::Named(id) => Some(id),
            Self::Default | Self::New => None,
        }
    }
}

/// Refuses scopes that are neither on the project's list nor, where it has none, declared by the
/// connector.
pub(super) fn check_declared(wanted: &ScopeSet, ready: &Ready) -> Result<(), UndeclaredScope> {
    let listed = ready.settings.scopes.clone();
    let by_project = listed.is_some();
    let declared = listed.unwrap_or_else(|| ready.connector.known_scopes());
    let undeclared = wanted.missing_from(&declared);
    match undeclared.iter().next().cloned() {
        Some(scope) => Err(UndeclaredScope { scope, declared, by_project }),
        None => Ok(()),
    }
}

pub(super) fn check_life(
    life: Option<Duration>,
    by: &RuntimeCredential,
) -> Result<(), WantedError> {
    const SHORTEST: Duration = Duration::from_mins(1);
    let longest = match by {
        RuntimeCredential::ApiKey { .. } => AuthRequest::LONGEST,
        RuntimeCredential::Session { .. } => AuthRequest::PHASE,
    };
    match life {
        Some(life) if !(SHORTEST..=longest).contains(&life) => {
            Err(WantedError::BadLife { given: life.as_secs(), longest: longest.as_secs() })
        }
        _ => Ok(()),
    }
}
