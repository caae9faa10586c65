use astralform_domain::{
    Account, AuthRequest, Connection, ConnectionId, ConnectionStatus, ScopeSet, StatusReason,
};
use astralform_storage::connections;

use crate::{Engine, Fault, chain, connections::OpenToken, project_connectors::Ready};

impl Engine {
    /// Has tokens ended that a provider gave and that are of no use: they are put into the outbox as
    /// those of a connection that ended as it was made. Without a database the provider is asked
    /// all the same.
    pub(crate) async fn discard(
        &self,
        request: &AuthRequest,
        ready: &Ready<'_>,
        account: Option<&Account>,
        tokens: &[OpenToken],
    ) {
        if tokens.is_empty() || ready.connector.revocation.is_none() {
            return;
        }
        let connection = self.not_kept(request, ready, account);
        match self.put_out(request, &connection, tokens).await {
            Ok(()) => self.at_once(&connection, self.provider_of(ready)).await,
            Err(fault) => {
                tracing::error!(
                    auth_request.id = %request.id,
                    error = chain(&fault),
                    "tokens are not in the outbox; the provider is asked once"
                );
                self.ask_once(ready, tokens).await;
            }
        }
    }

    /// Asks the provider once to end tokens that there is no row for.
    pub(crate) async fn ask_once(&self, ready: &Ready<'_>, tokens: &[OpenToken]) {
        if let Ok(clients) = self.clients(ready).await {
            let (asked, _) = self.ask_for_tokens(&clients, ready, tokens).await;
            tracing::warn!(project_connector.id = %ready.settings.id, ?asked, "asked to revoke");
        }
    }

    fn not_kept(
        &self,
        request: &AuthRequest,
        ready: &Ready<'_>,
        account: Option<&Account>,
    ) -> Connection {
        let unknown = || Account { id: String::new(), label: String::new() };
        Connection {
            id: ConnectionId::new(&self.clock, &self.entropy),
            tenant: request.tenant,
            project_connector: request.project_connector,
            owner: request.owner.clone(),
            account: account.cloned().unwrap_or_else(unknown),
            label: None,
            is_default: false,
            status: ConnectionStatus::AwaitingConfirmation,
            reason: None,
            scopes: ScopeSet::default(),
            hosts: ready.settings.hosts.clone(),
            created_at: self.clock.now(),
        }
    }

    async fn put_out(
        &self,
        request: &AuthRequest,
        connection: &Connection,
        tokens: &[OpenToken],
    ) -> Result<(), Fault> {
        let key = self.keys.of(&self.db, connection.tenant.project).await?;
        let mut tx = self.db.begin().await?;
        let owner = self.lock_owner(&mut tx, connection.tenant, &request.owner).await?;
        connections::create(&mut tx, connection, owner).await?;
        self.store_tokens(&mut tx, connection, tokens, &key).await?;
        self.end(&mut tx, connection, StatusReason::NotKept).await?;
        Ok(tx.commit().await?)
    }
}
