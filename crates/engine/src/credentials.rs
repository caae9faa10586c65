//! Which credential pays for a call: first match wins (DESIGN §3, restated in `docs/concepts.md`).

use astralform_domain::{
    AuthReason, Connection, ConnectionId, ConnectionStatus, HostSet, ScopeSet, Secret,
    StatusReason, Timestamp,
};
use thiserror::Error;

use crate::{Engine, Fault, connections::OpenToken, project_connectors::Ready};

/// What a call is to be paid with.
#[derive(Debug)]
pub(crate) enum Decision<'a> {
    /// This connection's token.
    Use(&'a Connection),
    /// The end user has to be asked first.
    Ask(Ask),
}

/// What an end user has to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) reason: AuthReason,
    pub(crate) required: ScopeSet,
    pub(crate) granted: ScopeSet,
    /// The connection to renew, with the account as its owner knows it.
    pub(crate) renews: Option<(ConnectionId, String)>,
}

/// Why no credential can be had, whoever is asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CredentialRefusal {
    /// The request named no end user.
    #[error("name the end user in the header X-End-User-ID")]
    EndUserRequired,
    /// The request named a connection that this end user does not have.
    #[error("this end user has no such connection")]
    UnknownConnection,
}

/// What the decision rests on.
pub(crate) struct Situation<'a> {
    /// What the connector asks for, by its own or the project's list.
    pub(crate) asked: &'a ScopeSet,
    /// What the operation needs.
    pub(crate) needed: &'a ScopeSet,
    /// Where the operation's requests go.
    pub(crate) hosts: &'a HostSet,
    /// The end user's connections, the default one first.
    pub(crate) connections: &'a [Connection],
    /// The connection that the call named.
    pub(crate) named: Option<ConnectionId>,
}

/// Decides; purely.
pub(crate) fn decide<'a>(on: &Situation<'a>) -> Result<Decision<'a>, CredentialRefusal> {
    let candidate = match on.named {
        Some(id) => {
            let named = on.connections.iter().find(|connection| connection.id == id);
            Some(named.ok_or(CredentialRefusal::UnknownConnection)?)
        }
        None => on.connections.first(),
    };
    let required = on.asked.union(on.needed);
    let Some(connection) = candidate else {
        let granted = ScopeSet::default();
        let reason = AuthReason::NotConnected;
        return Ok(Decision::Ask(Ask { reason, required, granted, renews: None }));
    };
    let ask = |reason| Decision::Ask(Ask::renewing(reason, connection, &required));
    Ok(if connection.status != ConnectionStatus::Active || connection.hosts != *on.hosts {
        ask(AuthReason::NeedsReauth)
    } else if !on.needed.missing_from(&connection.scopes).is_empty() {
        ask(AuthReason::MissingScopes)
    } else {
        Decision::Use(connection)
    })
}

impl Ask {
    /// Asks for a connection again: for all it had and all that is wanted of it now.
    pub(crate) fn renewing(
        reason: AuthReason,
        connection: &Connection,
        required: &ScopeSet,
    ) -> Self {
        Self {
            reason,
            required: required.union(&connection.scopes),
            granted: connection.scopes.clone(),
            renews: Some((connection.id, connection.account.label.clone())),
        }
    }
}

/// Of the scopes that a provider says are missing, those worth asking for: the connector knows
/// them, since some providers name alternatives nobody has to grant all of, and at least one is
/// not granted yet.
pub(crate) fn worth_asking(
    missing: &ScopeSet,
    known: &ScopeSet,
    granted: &ScopeSet,
) -> Option<ScopeSet> {
    let missing = missing.intersection(known);
    let leads_somewhere = !missing.missing_from(granted).is_empty();
    leads_somewhere.then_some(missing)
}

/// The token of a connection, as far as it can be sent.
pub(crate) struct Credential {
    /// Which write of the token it is; 0 when there is none.
    pub(crate) generation: i64,
    /// The token itself, or why the connection has to be renewed.
    pub(crate) token: Result<Secret, StatusReason>,
}

impl Engine {
    /// Opens the token that a connector's API takes.
    pub(crate) async fn credential(
        &self,
        ready: &Ready<'_>,
        connection: &Connection,
    ) -> Result<Credential, Fault> {
        let wanted = &ready.connector.api.token;
        let tokens = self.open_tokens(connection).await?;
        let Some(token) = tokens.into_iter().find(|token| token.kind == *wanted) else {
            return Ok(Credential { generation: 0, token: Err(StatusReason::TokenRejected) });
        };
        let ended = has_ended(&token, self.clock.now());
        let generation = token.generation;
        let token = if ended { Err(StatusReason::Expired) } else { Ok(token.access_token) };
        Ok(Credential { generation, token })
    }
}

fn has_ended(token: &OpenToken, now: Timestamp) -> bool {
    token.expires_at.is_some_and(|expires_at| expires_at <= now)
}

#[cfg(test)]
mod tests;
