//! Which credential pays for a call: first match wins (`docs/concepts.md`).

use std::sync::Arc;

use astralform_domain::{
    AuthReason, Connection, ConnectionId, ConnectionStatus, EndUserId, HostSet, Owner, ScopeSet,
    StatusReason,
};
use astralform_provider::request::CredentialParts;
use astralform_storage::{connections, tokens::Token};
use thiserror::Error;

use crate::{
    Fault,
    base::Base,
    connections::Connections,
    connectors::Ready,
    refresh::{Cause, Freshness, Later, Refresh, RefreshEnd, freshness},
};

/// What a call is to be paid with.
#[derive(Debug)]
pub(crate) enum Decision<'a> {
    /// This connection's token.
    Use(&'a Connection),
    /// The end user has to be asked first.
    Ask(Ask),
}

/// What an owner has to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) reason: AuthReason,
    pub(crate) required: ScopeSet,
    pub(crate) granted: ScopeSet,
    /// The connection to renew, with the account as its owner knows it.
    pub(crate) renews: Option<(ConnectionId, String)>,
}

/// Why no credential can be had, even by asking the end user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CredentialRefusal {
    /// The request named no end user, and nothing shared may pay.
    #[error(
        "the request does not say which end user it is for: name them in the header X-End-User-ID"
    )]
    EndUserRequired,
    /// The request named a connection that this end user does not have.
    #[error(
        "this end user has no connection of the id that was given: GET /v1/connections lists \
         theirs"
    )]
    UnknownConnection,
    /// The request named a connection that is not confirmed yet.
    #[error(
        "the connection waits until the developer's backend confirms who connected it: POST \
         /v1/auth-requests/{{id}}/confirm, with what the browser brought to the return URL; send \
         this again after that"
    )]
    AwaitingConfirmation,
    /// End users may not connect accounts of their own, and no account is shared.
    #[error(
        "end users may not connect accounts of their own to this connector, and the project shares \
         none: share one with POST /v1/projects/{{project}}/connectors/{{slug}}/shared-connection?environment=…, or \
         set `allow_end_user_auth`"
    )]
    NothingShared,
    /// The project's shared account stopped working, or lacks scopes.
    #[error(
        "the account or API key that the project shares for this connector has stopped working: a \
         member has to connect the account again with POST \
         /v1/projects/{{project}}/connectors/{{slug}}/shared-connection?environment=…, or to enter a new key"
    )]
    SharedUnusable,
}

/// What the decision rests on.
pub(crate) struct Situation<'a> {
    /// Whether end users may connect accounts of their own.
    pub(crate) allow_end_user_auth: bool,
    /// Whether they must, where they may.
    pub(crate) require_auth: bool,
    /// What the connector asks for, by its own or the project's list.
    pub(crate) requested_scopes: &'a ScopeSet,
    /// What the operation needs.
    pub(crate) needed: &'a ScopeSet,
    /// Where the operation's requests go, as the project connector names it.
    pub(crate) hosts: &'a HostSet,
    /// The end user, where the request names one.
    pub(crate) end_user: Option<&'a EndUserId>,
    /// The connections that could serve: the end user's own and the project's, of each the
    /// default one first.
    pub(crate) connections: &'a [Connection],
    /// The connection that the call named.
    pub(crate) named: Option<ConnectionId>,
}

/// Decides, as a pure function. The first that matches wins: the end user's own connection, even
/// one that has to be renewed first; then what the project shares; else the end user is asked.
pub(crate) fn decide<'a>(on: &Situation<'a>) -> Result<Decision<'a>, CredentialRefusal> {
    if let Some(own) = on.own()? {
        return Ok(match on.obstacle(own) {
            None => Decision::Use(own),
            Some(reason) => Decision::Ask(Ask::renewing(reason, own, &on.required())),
        });
    }
    match on.shared() {
        Some(shared) if on.obstacle(shared).is_none() => return Ok(Decision::Use(shared)),
        Some(_) if !on.may_ask() => return Err(CredentialRefusal::SharedUnusable),
        _ => {}
    }
    if !on.allow_end_user_auth {
        return Err(CredentialRefusal::NothingShared);
    }
    if on.end_user.is_none() {
        return Err(CredentialRefusal::EndUserRequired);
    }
    Ok(Decision::Ask(Ask::connecting(on.required())))
}

impl<'a> Situation<'a> {
    /// Returns the situation of a call that names no connection.
    pub(crate) fn of(
        ready: &'a Ready,
        needed: &'a ScopeSet,
        end_user: Option<&'a EndUserId>,
        connections: &'a [Connection],
    ) -> Self {
        Self {
            allow_end_user_auth: ready.settings.allow_end_user_auth,
            require_auth: ready.settings.require_auth,
            requested_scopes: &ready.requested_scopes,
            needed,
            hosts: &ready.settings.hosts,
            end_user,
            connections,
            named: None,
        }
    }

    /// Returns the end user's own connection: the one the call named, or the default one.
    fn own(&self) -> Result<Option<&'a Connection>, CredentialRefusal> {
        let allowed = self.end_user.filter(|_| self.allow_end_user_auth);
        let mut own =
            self.connections.iter().filter(|c| allowed.is_some() && c.owner.end_user() == allowed);
        match self.named {
            None => Ok(own.next()),
            Some(id) => match own.find(|connection| connection.id == id) {
                None => Err(CredentialRefusal::UnknownConnection),
                found => Ok(found),
            },
        }
    }

    /// Returns what the project shares, where it may pay.
    fn shared(&self) -> Option<&'a Connection> {
        if self.require_auth && self.allow_end_user_auth {
            return None;
        }
        self.connections.iter().find(|connection| connection.owner == Owner::Project)
    }

    /// Returns what stands between a connection and its use.
    fn obstacle(&self, connection: &Connection) -> Option<AuthReason> {
        if connection.status() != ConnectionStatus::Active || !connection.hosts.are(self.hosts) {
            Some(AuthReason::NeedsReauth)
        } else if !self.needed.is_within(&connection.scopes) {
            Some(AuthReason::MissingScopes)
        } else {
            None
        }
    }

    pub(crate) fn may_ask(&self) -> bool {
        self.allow_end_user_auth && self.end_user.is_some()
    }

    fn required(&self) -> ScopeSet {
        self.requested_scopes.union(self.needed)
    }
}

impl Ask {
    /// Asks for an account.
    pub(crate) fn connecting(required: ScopeSet) -> Self {
        let granted = ScopeSet::default();
        Self { reason: AuthReason::NotConnected, required, granted, renews: None }
    }

    /// Asks for a connection again: for all that is wanted of it now, and all it had that the
    /// limits leave room for.
    pub(crate) fn renewing(
        reason: AuthReason,
        connection: &Connection,
        required: &ScopeSet,
    ) -> Self {
        Self {
            reason,
            required: required.clone().filled_with(&connection.scopes),
            granted: connection.scopes.clone(),
            renews: Some((connection.id, connection.account.label.clone())),
        }
    }
}

/// Returns those of the scopes that a provider says are missing which are worth asking for: those
/// that the connector knows, since some providers name alternatives that need not all be granted;
/// `None` unless at least one is not granted yet.
pub(crate) fn worth_asking(
    missing: &ScopeSet,
    known: &ScopeSet,
    granted: &ScopeSet,
) -> Option<ScopeSet> {
    let missing = missing.intersection(known);
    let leads_somewhere = !missing.is_within(granted);
    leads_somewhere.then_some(missing)
}

/// A credential that can be sent.
pub(crate) struct Credential {
    /// Which write of the token it is.
    pub(crate) generation: i64,
    /// Whether the token can be refreshed.
    pub(crate) is_refreshable: bool,
    /// What is sent.
    pub(crate) parts: CredentialParts,
}

/// Why there is no credential to send.
#[derive(Debug)]
pub(crate) enum NoCredential {
    /// The connection has to be connected again; its token of that generation is dead.
    Dead { generation: i64, why: StatusReason },
    /// The connection has changed since it was looked at.
    Changed,
    /// Its token cannot be refreshed at the moment.
    Later(Later),
}

/// Finds the credential of a call, or what its end user has to be asked for.
#[derive(Clone)]
pub(crate) struct CredentialResolver {
    base: Arc<Base>,
    refresh: Arc<Refresh>,
    connections: Arc<Connections>,
}

impl CredentialResolver {
    pub(crate) fn new(
        base: &Arc<Base>,
        refresh: &Arc<Refresh>,
        connections: &Arc<Connections>,
    ) -> Self {
        Self {
            base: Arc::clone(base),
            refresh: Arc::clone(refresh),
            connections: Arc::clone(connections),
        }
    }

    /// Returns a refusal, made more exact where the request names a connection: the end user's list
    /// shows one that awaits confirmation, so it is not unknown to them.
    pub(crate) async fn refusal_of(
        &self,
        refusal: CredentialRefusal,
        ready: &Ready,
        end_user: Option<&EndUserId>,
        named: Option<ConnectionId>,
    ) -> Result<CredentialRefusal, Fault> {
        let named = named.filter(|_| refusal == CredentialRefusal::UnknownConnection);
        let (Some(id), Some(end_user)) = (named, end_user) else { return Ok(refusal) };
        let found = connections::find(&self.base.db, ready.settings.tenant, id).await?;
        let is_waiting = found.is_some_and(|found| {
            found.status() == ConnectionStatus::AwaitingConfirmation
                && found.project_connector == ready.settings.id
                && found.owner.end_user() == Some(end_user)
        });
        Ok(if is_waiting { CredentialRefusal::AwaitingConfirmation } else { refusal })
    }

    /// Opens a credential, refreshed first where it must be. `rejected` is the generation that the
    /// provider has just refused.
    pub(crate) async fn credential(
        &self,
        ready: &Ready,
        connection: &Connection,
        token: Option<&Token>,
        rejected: Option<i64>,
    ) -> Result<Result<Credential, NoCredential>, Fault> {
        let Some(token) = token else {
            return Ok(Err(NoCredential::Dead { generation: 0, why: StatusReason::TokenRejected }));
        };
        let kind = &token.kind;
        let generation = token.generation;
        let now = self.base.now();
        let is_over = token.expires_at.is_some_and(|end| end <= now);
        let cause = if is_over { Cause::Age } else { Cause::Refusal };
        let (generation, text) = match freshness(token, now, rejected) {
            Freshness::Ended(why) => return Ok(Err(NoCredential::Dead { generation, why })),
            Freshness::Stale => {
                match self.refresh.refresh_token(connection, kind, generation, cause).await {
                    RefreshEnd::Renewed(fresh) => (fresh.generation, fresh.access_token.clone()),
                    RefreshEnd::Over => return Ok(Err(NoCredential::Changed)),
                    RefreshEnd::Later(later) => return Ok(Err(NoCredential::Later(later))),
                    RefreshEnd::Broken(fault) => return Err(Fault::Refresh(fault)),
                }
            }
            freshness @ (Freshness::Good | Freshness::Due) => {
                if freshness == Freshness::Due {
                    self.refresh.refresh_meanwhile(connection, kind, generation);
                }
                (generation, self.connections.open_access_token(connection, token).await?)
            }
        };
        let is_refreshable = token.refresh_token.is_some();
        match CredentialParts::opened(&ready.connector, text) {
            Some(parts) => Ok(Ok(Credential { generation, is_refreshable, parts })),
            None => Ok(Err(NoCredential::Dead { generation, why: StatusReason::TokenRejected })),
        }
    }
}

#[cfg(test)]
mod tests;
