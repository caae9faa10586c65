use std::sync::Arc;

use astralform_domain::{
    Actor, Caller, Connection, ConnectionId, ConnectionStatus, EndUserId, Patch, StatusReason,
    Tenant, limits,
};
use astralform_storage::{Tx, auth_requests, connections, project_connectors};
use thiserror::Error;

use crate::{
    Fault, audit::Event, base::Base, connections::Connections, reach::Offers,
    revocations::Revocations,
};

/// One of an end user's connections, as they see it.
pub struct OwnConnection {
    /// The connection.
    pub connection: Connection,
    /// The connector's name in addresses.
    pub connector: String,
}

/// What its owner may change of a connection; what is not named stays.
#[derive(Default)]
pub struct ConnectionChanges {
    /// What they call it.
    pub label: Patch<String>,
    /// That it is the one meant by calls that name none.
    pub is_default: Option<bool>,
}

/// Why a connection is not changed.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// This end user has none of that id.
    #[error(
        "there is no connection of that id here: GET /v1/connections lists those of the end user"
    )]
    Unknown,
    /// The name is no name.
    #[error(
        "`label` has {0} characters, or some that cannot be printed: it must have 1 to 100 printable \
         ones, or be null"
    )]
    BadLabel(usize),
    /// Another one has to be made the default.
    #[error(
        "`is_default` is false, and it can only be set to true: to unset it, set it on another \
         connection"
    )]
    NotUnset,
    /// It waits to be confirmed.
    #[error(
        "the connection cannot become the default one: it awaits confirmation, or has to be \
         renewed first with POST /v1/auth-requests"
    )]
    NotUsable,
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What end users see and change of their connections.
#[derive(Clone)]
pub struct OwnConnections {
    base: Arc<Base>,
    offers: Arc<Offers>,
    revocations: Arc<Revocations>,
    connections: Arc<Connections>,
}

impl OwnConnections {
    pub(crate) fn new(
        base: &Arc<Base>,
        offers: &Arc<Offers>,
        revocations: &Arc<Revocations>,
        connections: &Arc<Connections>,
    ) -> Self {
        Self {
            base: Arc::clone(base),
            offers: Arc::clone(offers),
            revocations: Arc::clone(revocations),
            connections: Arc::clone(connections),
        }
    }

    /// Returns an end user's connections that a caller may see, the oldest first, those after
    /// `after` and `limit` at most.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn own_connections(
        &self,
        caller: &Caller,
        end_user: &EndUserId,
        after: Option<ConnectionId>,
        limit: i64,
    ) -> Result<Vec<OwnConnection>, Fault> {
        let tenant = caller.principal.tenant;
        let connectors = self.offers.visible_connectors(caller).await?;
        let wanted = (end_user, connectors.as_ref());
        let found = connections::of_end_user(&self.base.db, tenant, wanted, after, limit).await?;
        let mut listed = Vec::with_capacity(found.len());
        for connection in found {
            listed.push(self.listed(connection).await?);
        }
        Ok(listed)
    }

    /// Returns an end user's connection of that id; another's, or one that the caller may not see,
    /// counts as none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn own_connection(
        &self,
        caller: &Caller,
        end_user: &EndUserId,
        id: ConnectionId,
    ) -> Result<Option<OwnConnection>, Fault> {
        let found = connections::find(&self.base.db, caller.principal.tenant, id).await?;
        let Some(connection) = found.filter(|found| is_of(found, end_user)) else {
            return Ok(None);
        };
        let listed = self.listed(connection).await?;
        let Ok(slug) = listed.connector.parse() else { return Ok(None) };
        let is_seen = self.offers.may_see(caller, &slug).await?;
        Ok(is_seen.then_some(listed))
    }

    /// Changes what an end user may change of their connection.
    ///
    /// # Errors
    /// When it is not theirs, or cannot be changed so.
    pub async fn change_own(
        &self,
        caller: &Caller,
        end_user: &EndUserId,
        id: ConnectionId,
        changes: ConnectionChanges,
    ) -> Result<OwnConnection, ChangeError> {
        if changes.is_default == Some(false) {
            return Err(ChangeError::NotUnset);
        }
        if let Patch::Set(label) = &changes.label
            && !is_name(label)
        {
            return Err(ChangeError::BadLabel(label.chars().count()));
        }
        self.own_connection(caller, end_user, id).await?.ok_or(ChangeError::Unknown)?;
        let tenant = caller.principal.tenant;
        let actor = Actor::from(&caller.principal);
        let mut tx = self.base.begin(actor).await.map_err(Fault::from)?;
        let mut connection = self.lock_own(&mut tx, tenant, end_user, id).await?;
        if changes.is_default == Some(true) {
            if connection.status() == ConnectionStatus::AwaitingConfirmation {
                return Err(ChangeError::NotUsable);
            }
            connections::make_default(&mut tx, &connection).await.map_err(Fault::from)?;
            connection.is_default = true;
        }
        if changes.label != Patch::Keep {
            connection.label = changes.label.applied_to(connection.label);
            connections::update(&mut tx, &connection).await.map_err(Fault::from)?;
        }
        // What an end user calls an account, and which is their first one, is theirs to change as often
        // as they may ask: the audit log would grow by it without an end.
        tx.commit_unrecorded().await.map_err(Fault::from)?;
        Ok(self.listed(connection).await?)
    }

    /// Disconnects an end user's account: it is of no use from here on, its tokens are ended
    /// at the provider, now or as soon as it answers, and the next call asks for a new account.
    ///
    /// # Errors
    /// When it is not theirs.
    pub async fn disconnect_own(
        &self,
        caller: &Caller,
        end_user: &EndUserId,
        id: ConnectionId,
    ) -> Result<(), ChangeError> {
        self.own_connection(caller, end_user, id).await?.ok_or(ChangeError::Unknown)?;
        let tenant = caller.principal.tenant;
        let actor = Actor::from(&caller.principal);
        let chain = self.base.project_chain(tenant.project).await?;
        let mut tx = self.base.begin(actor).await.map_err(Fault::from)?;
        let connection = self.lock_own(&mut tx, tenant, end_user, id).await?;
        self.disconnect(&mut tx, &connection, StatusReason::UserRevoked).await?;
        let event = Event::new("connection.disconnected", id).within(tenant.environment);
        chain.record_if_possible(&self.base, &mut tx, &event.about(end_user)).await?;
        tx.commit().await.map_err(Fault::from)?;
        tracing::info!(connection.id = %id, "disconnected by its owner");
        self.revocations.revoke_now(&connection).await;
        Ok(())
    }

    /// Ends a connection that is locked, with what depends on it.
    ///
    /// # Errors
    /// When it has ended already.
    pub async fn disconnect(
        &self,
        tx: &mut Tx,
        connection: &Connection,
        why: StatusReason,
    ) -> Result<(), ChangeError> {
        if !self.connections.end(tx, connection, why).await? {
            return Err(ChangeError::Unknown);
        }
        auth_requests::decline(tx, connection.id).await.map_err(Fault::from)?;
        if connection.is_default {
            self.promote_next(tx, connection).await?;
        }
        Ok(())
    }

    /// Makes the oldest of the owner's other connections the default one.
    async fn promote_next(&self, tx: &mut Tx, ended: &Connection) -> Result<(), Fault> {
        let Connection { tenant, project_connector, owner, .. } = ended;
        let pcon = *project_connector;
        let left = connections::serving(&mut *tx, *tenant, pcon, owner).await?;
        match left.iter().find(|other| other.owner == *owner) {
            Some(next) => Ok(connections::make_default(tx, next).await?),
            None => Ok(()),
        }
    }

    async fn lock_own(
        &self,
        tx: &mut Tx,
        tenant: Tenant,
        end_user: &EndUserId,
        id: ConnectionId,
    ) -> Result<Connection, ChangeError> {
        let found = self.lock_any(tx, tenant, id).await?;
        if is_of(&found, end_user) { Ok(found) } else { Err(ChangeError::Unknown) }
    }

    /// Returns the connection, with its project connector's and its owner's rows locked: what is
    /// decided about one end user's connections is decided one after another, and after or before,
    /// not while, all of the connector's are ended.
    ///
    /// # Errors
    /// When there is none, or it has ended.
    pub async fn lock_any(
        &self,
        tx: &mut Tx,
        tenant: Tenant,
        id: ConnectionId,
    ) -> Result<Connection, ChangeError> {
        let seen = connections::find(&mut *tx, tenant, id).await.map_err(Fault::from)?;
        let seen = seen.ok_or(ChangeError::Unknown)?;
        let pcon = seen.project_connector;
        project_connectors::lock_by_id(tx, tenant, pcon).await.map_err(Fault::from)?;
        self.connections.lock_owner(tx, tenant, &seen.owner).await?;
        let found = connections::lock(tx, tenant, id).await.map_err(Fault::from)?;
        let living = found.filter(|found| found.status() != ConnectionStatus::Revoked);
        living.ok_or(ChangeError::Unknown)
    }

    async fn listed(&self, connection: Connection) -> Result<OwnConnection, Fault> {
        let tenant = connection.tenant;
        let pcon = connection.project_connector;
        let settings = project_connectors::find(&self.base.db, tenant, pcon).await?;
        let connector = settings.map_or_else(String::new, |found| found.connector.to_string());
        Ok(OwnConnection { connection, connector })
    }
}

fn is_of(connection: &Connection, end_user: &EndUserId) -> bool {
    connection.owner.end_user() == Some(end_user)
        && connection.status() != ConnectionStatus::Revoked
}

fn is_name(label: &str) -> bool {
    let length = label.chars().count();
    length > 0
        && !limits::CONNECTION_LABEL.is_exceeded_by(length)
        && !label.chars().any(char::is_control)
        && label.trim() == label
}
