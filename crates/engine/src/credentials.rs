//! Which credential pays for a call: first match wins (`docs/concepts.md`).

mod decide;

use std::sync::Arc;

use astralform_domain::{Connection, ConnectionId, ConnectionStatus, EndUserId, StatusReason};
use astralform_provider::request::CredentialParts;
use astralform_storage::{connections, tokens::Token};
pub(crate) use decide::{Ask, Decision, Situation, decide, worth_asking};
use thiserror::Error;

use crate::{
    Fault,
    base::Base,
    connections::Connections,
    connectors::Ready,
    refresh::{Cause, Freshness, Later, Refresh, RefreshEnd, freshness},
};

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
