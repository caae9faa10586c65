use std::sync::Arc;

use astralform_domain::{
    Account, Actor, AuthRequest, Connection, ConnectionId, ConnectionState, Owner, ScopeSet,
    StatusReason, Tenant, chain,
};
use astralform_storage::connections;

use crate::{
    Fault,
    base::Base,
    connections::{Connections, OpenToken},
    connectors::Ready,
    revocations::{RevocationRequests, Revocations},
};

/// Whose tokens are of no use.
struct Unwanted<'a> {
    tenant: Tenant,
    owner: &'a Owner,
    /// The account at the provider, where it is known.
    account: Option<&'a Account>,
}

/// Ends tokens that a provider gave and that are of no use.
#[derive(Clone)]
pub struct Discards {
    base: Arc<Base>,
    revocations: Arc<Revocations>,
    requests: Arc<RevocationRequests>,
    connections: Arc<Connections>,
}

impl Discards {
    pub(crate) fn new(revocations: &Arc<Revocations>, connections: &Arc<Connections>) -> Self {
        Self {
            base: Arc::clone(&revocations.base),
            revocations: Arc::clone(revocations),
            requests: Arc::clone(&revocations.requests),
            connections: Arc::clone(connections),
        }
    }

    /// Has tokens ended that a provider gave in answer to a request and that are of no use.
    pub(crate) async fn discard(
        &self,
        request: &AuthRequest,
        ready: &Ready,
        account: Option<&Account>,
        tokens: Vec<OpenToken>,
    ) {
        let of = Unwanted { tenant: request.tenant, owner: &request.owner, account };
        self.enqueue(&of, ready, tokens).await;
    }

    /// Has a token ended that a refresh brought for a connection that has ended meanwhile.
    pub(crate) async fn discard_refreshed(
        &self,
        ended: &Connection,
        ready: &Ready,
        token: OpenToken,
    ) {
        let account = Some(&ended.account);
        let of = Unwanted { tenant: ended.tenant, owner: &ended.owner, account };
        self.enqueue(&of, ready, vec![token]).await;
    }

    /// Puts tokens into the outbox, as those of a connection that ended as it was made. Where that
    /// cannot be written, the provider is asked once, if it can be read who else holds them.
    async fn enqueue(&self, of: &Unwanted<'_>, ready: &Ready, tokens: Vec<OpenToken>) {
        if tokens.is_empty() || ready.connector.revocation.is_none() {
            return;
        }
        let connection = self.stand_in_connection(of, ready);
        match self.write_row(&connection, &tokens).await {
            Ok(()) => self.revocations.at_once(&connection, self.requests.provider_of(ready)).await,
            Err(fault) => {
                tracing::error!(
                    project_connector.id = %ready.settings.id,
                    error = chain(&fault),
                    "tokens are not in the outbox; the provider is asked once"
                );
                self.revoke_once(ready, &connection, tokens).await;
            }
        }
    }

    /// Asks the provider once to end tokens that there is no row for.
    async fn revoke_once(&self, ready: &Ready, of: &Connection, tokens: Vec<OpenToken>) {
        let asking = async {
            let ending = self.requests.unshared(ready, of, tokens).await?;
            let app = self.revocations.connectors.app_to_revoke(ready).await?;
            Ok::<_, Fault>(self.requests.revoke_each(&app, ready, &ending).await.0)
        };
        let id = ready.settings.id;
        let asked = asking.await;
        match asked {
            Ok(asked) => tracing::warn!(project_connector.id = %id, ?asked, "asked to revoke"),
            Err(fault) => {
                let error = chain(&fault);
                tracing::error!(project_connector.id = %id, error, "tokens are not revoked: nobody knows who else holds them");
            }
        }
    }

    fn stand_in_connection(&self, of: &Unwanted<'_>, ready: &Ready) -> Connection {
        let unknown = || Account { id: String::new(), label: String::new() };
        Connection {
            id: ConnectionId::new(&self.base.clock, &self.base.entropy),
            tenant: of.tenant,
            project_connector: ready.settings.id,
            owner: of.owner.clone(),
            account: of.account.cloned().unwrap_or_else(unknown),
            label: None,
            is_default: false,
            state: ConnectionState::AwaitingConfirmation,
            scopes: ScopeSet::default(),
            hosts: ready.settings.hosts.clone(),
            created_at: self.base.now(),
        }
    }

    async fn write_row(&self, connection: &Connection, tokens: &[OpenToken]) -> Result<(), Fault> {
        let key = self.base.keys_of(connection.tenant.project).await?;
        let mut tx = self.base.begin(Actor::Product).await?;
        let owner =
            self.connections.lock_owner(&mut tx, connection.tenant, &connection.owner).await?;
        connections::create(&mut tx, connection, owner).await?;
        self.connections.store_tokens(&mut tx, connection, tokens, &key).await?;
        self.connections.end(&mut tx, connection, StatusReason::NotKept).await?;
        Ok(tx.commit().await?)
    }
}
