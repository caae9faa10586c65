//! Connections as members see and end them, and the receipts of what has ended.

mod selection;

use std::sync::Arc;

use astralform_domain::{
    ConnectionEvent, ConnectionId, Environment, EventPlace, ProjectConnector, RevocationStatus,
    StatusReason, Tenant,
};
use astralform_engine::{
    Base, ChangeError, Engine, Fault, OwnConnections, audit::Event, revocations::Revocations,
};
pub use astralform_storage::managed::{ConnectionFilter, Managed, Page, Receipt, ReceiptFilter};
use astralform_storage::{
    Tx, auth_requests, connection_events,
    connections::{self},
    managed, project_connectors,
};
pub use selection::{Extent, Selection, SelectionError};

use crate::{Denied, Permit, ProjectActor, policy::Right};
use serde_json::json;

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

    /// Returns the history of the connection of that id, the latest first: what stands before a
    /// place, `limit` rows at most.
    ///
    /// # Errors
    /// When there is none of that id.
    pub async fn history(
        &self,
        by: &ProjectActor,
        environment: Environment,
        id: ConnectionId,
        before: Option<EventPlace>,
        limit: i64,
    ) -> Result<Vec<ConnectionEvent>, Denied<ChangeError>> {
        let tenant = by.may(Right::Look)?.tenant(environment);
        self.history_of(tenant, id, before, limit).await.map_err(Denied::Refused)
    }

    async fn history_of(
        &self,
        tenant: Tenant,
        id: ConnectionId,
        before: Option<EventPlace>,
        limit: i64,
    ) -> Result<Vec<ConnectionEvent>, ChangeError> {
        let db = self.base.db();
        let found = connections::find(db, tenant, id).await.map_err(Fault::from)?;
        let connection = found.ok_or(ChangeError::Unknown)?;
        let rows = connection_events::of_connection(db, connection.id, before, limit).await;
        Ok(rows.map_err(Fault::from)?)
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
        let chain = self.base.project_chain(permit.project).await?;
        let mut tx = self.base.db().begin_long(permit.actor).await.map_err(Fault::from)?;
        let connection = self.own_connections.lock_any(&mut tx, tenant, id).await?;
        self.own_connections.disconnect(&mut tx, &connection, StatusReason::AdminRevoked).await?;
        let event = Event::new("connection.revoked", id).within(tenant.environment);
        let event = event.of_owner(&connection.owner);
        chain.record_if_possible(&self.base, &mut tx, &event).await?;
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
        let chain = self.base.project_chain(permit.project).await?;
        let mut tx = self.base.db().begin_long(permit.actor).await.map_err(Fault::from)?;
        let why = StatusReason::AdminRevoked;
        let extents = self.revoke_selected(&mut tx, tenant, selection, why).await?;
        let revoked: u64 = extents.iter().map(|extent| extent.connections).sum();
        let event = Event::new("connections.revoked", "many").within(environment);
        let event = match &selection.end_user {
            Some(end_user) => event.about(end_user),
            None => event,
        };
        let connectors: Vec<_> =
            extents.iter().map(|extent| json!([extent.connector, extent.connections])).collect();
        let event = event.with("connections", revoked).with("connectors", connectors);
        chain.record_if_possible(&self.base, &mut tx, &event).await?;
        tx.commit().await.map_err(Fault::from)?;
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
