//! How connections are made and ended.

mod ahead;
mod end;
mod replaced;
mod tokens;

use std::sync::Arc;

use astralform_catalog::Connector;
use astralform_domain::{
    Account, AuthRequest, Connection, ConnectionId, ConnectionState, ConnectionStatus, EndUserKey,
    HostSet, Owner, ScopeSet, Tenant,
};
use astralform_storage::{Tx, auth_requests, connections, end_users};
use astralform_vault::ProjectKeys;

use crate::{Fault, base::Base};

pub(crate) use replaced::{Replaced, living_on};
pub(crate) use tokens::{OpenToken, UNCONFIRMED, open, open_all, open_refresh_token};

/// An account with its tokens, out of any envelope: as a provider gave them for a consent, or as
/// one took the key that was entered.
pub(crate) struct OpenAccount {
    pub(crate) account: Account,
    pub(crate) tokens: Vec<OpenToken>,
    /// Where they may be sent.
    pub(crate) hosts: HostSet,
}

/// A connection that is about to be stored, among its owner's others.
pub(crate) struct Arrival<'a> {
    pub(crate) connection: Connection,
    pub(crate) tokens: &'a [OpenToken],
    /// Its owner's row, where that is an end user.
    pub(crate) end_user: Option<EndUserKey>,
    /// What it is until then, where it has been stored to await confirmation.
    pub(crate) waiting: Option<&'a Connection>,
    /// What its owner was asked.
    pub(crate) request: &'a AuthRequest,
    /// Where it is connected to, as long as the catalogue knows that.
    pub(crate) connector: Option<&'a Connector>,
}

/// Connections and their tokens, as they are stored and ended.
#[derive(Clone)]
pub(crate) struct Connections {
    base: Arc<Base>,
}

impl Connections {
    pub(crate) fn new(base: &Arc<Base>) -> Self {
        Self { base: Arc::clone(base) }
    }

    /// Stores a new connection with its tokens. A connection that awaits confirmation stands by
    /// itself; an active one takes its place among its owner's others.
    pub(crate) async fn store_connection(
        &self,
        tx: &mut Tx,
        new: Arrival<'_>,
        key: &ProjectKeys,
    ) -> Result<ConnectionId, Fault> {
        if new.connection.status() == ConnectionStatus::Active {
            return self.settle(tx, new, key).await;
        }
        let Arrival { connection, tokens, end_user, .. } = new;
        connections::create(tx, &connection, end_user).await?;
        self.store_tokens(tx, &connection, tokens, key).await?;
        Ok(connection.id)
    }

    /// Gives an active connection its place: that of its owner's one with the same account, or
    /// which it replaces, which keeps its id and label, or a new one. The first one becomes the
    /// default; a request for one more learns that its account was there. Replaced tokens that live
    /// on go to the outbox.
    pub(crate) async fn settle(
        &self,
        tx: &mut Tx,
        arrival: Arrival<'_>,
        key: &ProjectKeys,
    ) -> Result<ConnectionId, Fault> {
        let Arrival { mut connection, tokens, end_user, waiting, request, connector } = arrival;
        let superseded = connector.and_then(|connector| replaced(request, connector));
        let tenant = connection.tenant;
        let pcon = connection.project_connector;
        let owner = connection.owner.clone();
        let mut known = connections::serving(&mut *tx, tenant, pcon, &owner).await?;
        known.retain(|other| other.owner == owner);
        connection.is_default = !known.iter().any(|other| other.is_default);
        let same = known.iter().find(|other| other.account.id == connection.account.id);
        let same = same.or_else(|| known.iter().find(|other| Some(other.id) == superseded));
        if let Some(same) = same {
            connection.id = same.id;
            connection.is_default |= same.is_default;
            connection.label.clone_from(&same.label);
            if let Some(waiting) = waiting {
                connections::merge(tx, waiting).await?;
            }
            connections::update(tx, &connection).await?;
            if request.renews.is_none() {
                let label = &connection.account.label;
                auth_requests::note_account(tx, request.id, label).await?;
            }
        } else if waiting.is_some() {
            connections::update(tx, &connection).await?;
        } else {
            connections::create(tx, &connection, end_user).await?;
        }
        let before = self.store_tokens(tx, &connection, tokens, key).await?;
        if let (Some(same), Some(connector)) = (same, connector) {
            let replaced = Replaced { of: same, owner: end_user, before, by: tokens, connector };
            self.end_replaced(tx, &replaced, key).await?;
        }
        Ok(connection.id)
    }

    /// Returns the row of an owner who is a person, locked until the transaction ends.
    pub(crate) async fn lock_owner(
        &self,
        tx: &mut Tx,
        tenant: Tenant,
        owner: &Owner,
    ) -> Result<Option<EndUserKey>, Fault> {
        let fresh = EndUserKey::new(&self.base.clock, &self.base.entropy);
        Ok(end_users::ensure(tx, tenant, owner, fresh, self.base.now()).await?)
    }

    /// Returns a connection to an account that a request led to.
    pub(crate) fn new_connection(
        &self,
        request: &AuthRequest,
        opened: &OpenAccount,
        state: ConnectionState,
    ) -> Connection {
        let granted = opened.tokens.iter().map(|token| &token.scopes);
        Connection {
            id: ConnectionId::new(&self.base.clock, &self.base.entropy),
            tenant: request.tenant,
            project_connector: request.project_connector,
            owner: request.owner.clone(),
            account: opened.account.clone(),
            label: None,
            is_default: false,
            state,
            scopes: granted.fold(ScopeSet::default(), |all, scopes| all.union(scopes)),
            hosts: opened.hosts.clone(),
            created_at: self.base.now(),
        }
    }
}

/// Returns the connection whose place another account may take: a key that its provider gives no
/// account for is another account each time it is entered.
pub(crate) fn replaced(request: &AuthRequest, connector: &Connector) -> Option<ConnectionId> {
    request.renews.filter(|_| connector.identity.account.is_none())
}
