//! Connections as members see and end them, and the receipts of what has ended.

use std::sync::Arc;

use astralform_domain::{
    ConnectionId, ConnectorSlug, EndUserId, Environment, ProjectConnector, RevocationStatus,
    StatusReason, Tenant, Timestamp,
};

use astralform_engine::{
    Base, ChangeError, Engine, Fault, OwnConnections, revocations::Revocations,
};
pub use astralform_storage::managed::{ConnectionFilter, Managed, Page, Receipt, ReceiptFilter};
use astralform_storage::{
    Tx, auth_requests,
    connections::{self, ConnectionSelection},
    managed, project_connectors,
};
use thiserror::Error;

use crate::{Denied, Forbidden, Permit, ProjectActor, policy::Right};

/// Which connections are to be revoked; each that is named has to fit.
#[derive(Clone, Default)]
pub struct Selection {
    /// Those of this connector.
    pub connector: Option<ConnectorSlug>,
    /// Those of this end user.
    pub end_user: Option<EndUserId>,
    /// Those that were used since then.
    pub used_since: Option<Timestamp>,
    /// Whether all are meant, where nothing is named.
    pub all: bool,
}

/// What revoking connections amounts to, at one connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The connector.
    pub connector: ConnectorSlug,
    /// How many connections.
    pub connections: u64,
    /// How many tokens its provider lets an app end in a minute.
    pub per_minute: u32,
}

/// Why nothing is revoked.
#[derive(Debug, Error)]
pub enum SelectionError {
    /// It does not say what.
    #[error(
        "the body names no connections: say which with `connector`, `end_user_id` or `used_since`, \
         or say `all: true`"
    )]
    Nothing,
    /// It asks for all connections and names some.
    #[error("`all` goes with `dry_run` alone: leave it out, or leave out what else is named")]
    Contradiction,
    /// The policy forbids it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Selection {
    fn check(&self) -> Result<(), SelectionError> {
        let Self { connector, end_user, used_since, all } = self;
        let names = connector.is_some() || end_user.is_some() || used_since.is_some();
        match (names, all) {
            (false, false) => Err(SelectionError::Nothing),
            (true, true) => Err(SelectionError::Contradiction),
            _ => Ok(()),
        }
    }

    fn which(&self) -> ConnectionSelection<'_> {
        ConnectionSelection { end_user: self.end_user.as_ref(), used_since: self.used_since }
    }

    fn names(&self, connector: &ConnectorSlug) -> bool {
        self.connector.as_ref().is_none_or(|named| named == connector)
    }
}

impl Extent {
    /// Returns how long its provider takes at least, in seconds.
    pub fn seconds(&self) -> u64 {
        (self.connections * 60).div_ceil(u64::from(self.per_minute.max(1)))
    }
}

/// What members see and end of end users' connections.
#[derive(Clone)]
pub struct ManagedConnections {
    pub(crate) base: Arc<Base>,
    own_connections: Arc<OwnConnections>,
    revocations: Arc<Revocations>,
}

impl ManagedConnections {
    pub(crate) fn new(engine: &Engine) -> Self {
        Self {
            base: Arc::clone(engine.base()),
            own_connections: Arc::clone(&engine.own_connections),
            revocations: Arc::clone(&engine.revocations),
        }
    }

    /// Returns the connections that fit, the oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list(
        &self,
        by: &ProjectActor,
        environment: Environment,
        filter: ConnectionFilter<'_>,
        page: Page,
    ) -> Result<Vec<Managed>, Denied<Fault>> {
        let tenant = by.may(Right::Look)?.tenant(environment);
        let found = managed::connections(self.base.db(), tenant, filter, page).await;
        found.map_err(|error| Denied::Refused(error.into()))
    }

    /// Returns the connection of that id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find(
        &self,
        by: &ProjectActor,
        environment: Environment,
        id: ConnectionId,
    ) -> Result<Option<Managed>, Denied<Fault>> {
        let tenant = by.may(Right::Look)?.tenant(environment);
        let found = managed::connection(self.base.db(), tenant, id).await;
        found.map_err(|error| Denied::Refused(error.into()))
    }

    /// Returns the receipts that fit, in the order of their connections.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn receipts(
        &self,
        by: &ProjectActor,
        environment: Environment,
        filter: ReceiptFilter<'_>,
        page: Page,
    ) -> Result<Vec<Receipt>, Denied<Fault>> {
        let tenant = by.may(Right::Look)?.tenant(environment);
        let found = managed::receipts(self.base.db(), tenant, filter, page).await;
        found.map_err(|error| Denied::Refused(error.into()))
    }

    /// Returns how many receipts there are of each status.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn receipt_counts(
        &self,
        by: &ProjectActor,
        environment: Environment,
        filter: ReceiptFilter<'_>,
    ) -> Result<Vec<(RevocationStatus, i64)>, Denied<Fault>> {
        let tenant = by.may(Right::Look)?.tenant(environment);
        let found = managed::receipt_counts(self.base.db(), tenant, filter).await;
        found.map_err(|error| Denied::Refused(error.into()))
    }

    /// Ends a connection of any owner: it is of no use from here on, and its tokens are ended at
    /// the provider, now or as soon as it answers.
    ///
    /// # Errors
    /// When there is none of that id, or it has ended already.
    pub async fn revoke(
        &self,
        by: &ProjectActor,
        environment: Environment,
        id: ConnectionId,
    ) -> Result<(), Denied<ChangeError>> {
        let permit = by.may(Right::EndConnection)?;
        let tenant = permit.tenant(environment);
        self.revoke_permitted(permit, tenant, id).await.map_err(Denied::Refused)
    }

    async fn revoke_permitted(
        &self,
        permit: Permit,
        tenant: Tenant,
        id: ConnectionId,
    ) -> Result<(), ChangeError> {
        let mut tx = self.base.db().begin_long(permit.actor).await.map_err(Fault::from)?;
        let connection = self.own_connections.lock_any(&mut tx, tenant, id).await?;
        self.own_connections.disconnect(&mut tx, &connection, StatusReason::AdminRevoked).await?;
        tx.commit().await.map_err(Fault::from)?;
        tracing::info!(connection.id = %id, "revoked by a member");
        self.revocations.revoke_now(&connection).await;
        Ok(())
    }

    /// Returns what revoking those connections would amount to.
    ///
    /// # Errors
    /// When it does not say which.
    pub async fn extent_of(
        &self,
        by: &ProjectActor,
        environment: Environment,
        selection: &Selection,
    ) -> Result<Vec<Extent>, SelectionError> {
        let tenant = by.may(Right::ManyConnections)?.tenant(environment);
        selection.check()?;
        let mut extents = Vec::new();
        let enabled =
            project_connectors::list(self.base.db(), tenant).await.map_err(Fault::from)?;
        for at in enabled.into_iter().filter(|at| selection.names(&at.connector)) {
            let which = selection.which();
            let counted = connections::count(self.base.db(), tenant, at.id, which).await;
            let connections = u64::try_from(counted.map_err(Fault::from)?).unwrap_or(0);
            extents.push(self.extent(at, connections));
        }
        Ok(extents)
    }

    /// Ends those connections, all in one transaction.
    ///
    /// # Errors
    /// When it does not say which.
    pub async fn revoke_many(
        &self,
        by: &ProjectActor,
        environment: Environment,
        selection: &Selection,
    ) -> Result<Vec<Extent>, SelectionError> {
        let permit = by.may(Right::ManyConnections)?;
        let tenant = permit.tenant(environment);
        selection.check()?;
        let mut tx = self.base.db().begin_long(permit.actor).await.map_err(Fault::from)?;
        let why = StatusReason::AdminRevoked;
        let extents = self.revoke_selected(&mut tx, tenant, selection, why).await?;
        tx.commit().await.map_err(Fault::from)?;
        let revoked: u64 = extents.iter().map(|extent| extent.connections).sum();
        tracing::warn!(project.id = %tenant.project, revoked, "connections revoked in bulk");
        Ok(extents)
    }

    pub(crate) async fn revoke_selected(
        &self,
        tx: &mut Tx,
        tenant: Tenant,
        selection: &Selection,
        why: StatusReason,
    ) -> Result<Vec<Extent>, Fault> {
        let mut extents = Vec::new();
        for at in project_connectors::lock_all(tx, tenant).await? {
            if !selection.names(&at.connector) {
                continue;
            }
            let which = selection.which();
            let now = self.base.now();
            let revoked = connections::revoke_all(tx, tenant, at.id, which, why, now).await?;
            auth_requests::decline_ended(tx, at.id).await?;
            extents.push(self.extent(at, revoked));
        }
        Ok(extents)
    }

    fn extent(&self, at: ProjectConnector, connections: u64) -> Extent {
        let connector = self.base.catalog().connector(&at.connector);
        let revocation = connector.and_then(|connector| connector.revocation.as_ref());
        let per_minute = revocation.map_or(u32::MAX, |revocation| revocation.per_minute);
        Extent { connector: at.connector, connections, per_minute }
    }
}
