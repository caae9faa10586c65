//! Connections coming to life and ending.

mod end;
mod tokens;

use astralform_domain::{
    Account, AuthRequest, Connection, ConnectionId, ConnectionStatus, EndUserKey, ScopeSet,
};
use astralform_storage::{Tx, connections};
use astralform_vault::DataKey;

use crate::{Engine, Fault, project_connectors::Ready};

pub(crate) use tokens::OpenToken;

/// An account that an end user has just consented to.
pub(crate) struct NewConnection<'a> {
    pub(crate) request: &'a AuthRequest,
    pub(crate) ready: &'a Ready<'a>,
    pub(crate) account: Account,
    pub(crate) tokens: &'a [OpenToken],
    pub(crate) status: ConnectionStatus,
}

impl Engine {
    /// Stores a new connection with its tokens. A connection that awaits confirmation stands by
    /// itself; an active one takes its place among the end user's others.
    pub(crate) async fn store_connection(
        &self,
        tx: &mut Tx,
        new: &NewConnection<'_>,
        end_user: EndUserKey,
        key: &DataKey,
    ) -> Result<ConnectionId, Fault> {
        let connection = self.connection(new);
        if connection.status == ConnectionStatus::Active {
            return self.settle(tx, connection, new.tokens, end_user, key).await;
        }
        connections::create(tx, &connection, end_user).await?;
        self.store_tokens(tx, &connection, new.tokens, key).await?;
        Ok(connection.id)
    }

    /// Gives an active connection its place: that of the end user's own one with the same
    /// account, which keeps its id, or a new one. The first one becomes the default.
    pub(crate) async fn settle(
        &self,
        tx: &mut Tx,
        mut connection: Connection,
        tokens: &[OpenToken],
        end_user: EndUserKey,
        key: &DataKey,
    ) -> Result<ConnectionId, Fault> {
        let (tenant, pcon) = (connection.tenant, connection.project_connector);
        let known = connections::usable_of(&mut *tx, tenant, pcon, &connection.end_user).await?;
        connection.is_default = !known.iter().any(|other| other.is_default);
        let same = known.iter().find(|other| other.account.id == connection.account.id);
        if let Some(same) = same {
            connection.id = same.id;
            connection.is_default |= same.is_default;
            connections::update(tx, &connection).await?;
        } else {
            connections::create(tx, &connection, end_user).await?;
        }
        self.store_tokens(tx, &connection, tokens, key).await?;
        Ok(connection.id)
    }

    fn connection(&self, new: &NewConnection<'_>) -> Connection {
        let granted = new.tokens.iter().map(|token| &token.scopes);
        Connection {
            id: ConnectionId::new(&self.clock, &self.entropy),
            tenant: new.request.tenant,
            project_connector: new.request.project_connector,
            end_user: new.request.end_user.clone(),
            account: new.account.clone(),
            is_default: false,
            status: new.status,
            reason: None,
            scopes: granted.fold(ScopeSet::default(), |all, scopes| all.union(scopes)),
            hosts: new.ready.settings.hosts.clone(),
            created_at: self.clock.now(),
        }
    }
}
