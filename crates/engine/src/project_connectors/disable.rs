use astralform_domain::{
    Actor, AuthFailure, ConnectorSlug, ProjectConnector, StatusReason, Tenant,
};
use astralform_storage::{
    auth_requests,
    connections::{self, ConnectionSelection},
    project_connectors,
};

use crate::{Fault, audit::Event, project_connectors::ProjectConnectors, settings::SettingsError};

impl ProjectConnectors {
    /// Disables a connector for good: from the same transaction on, none of its connections can be
    /// used and none of its prompts finished. Returns how many connections were revoked; their
    /// tokens are ended at the provider afterwards.
    ///
    /// # Errors
    /// When it is not enabled.
    pub async fn disable_connector(
        &self,
        by: Actor,
        tenant: Tenant,
        slug: &ConnectorSlug,
    ) -> Result<u64, SettingsError> {
        let chain = self.base.project_chain(tenant.project).await?;
        let mut tx = self.base.db.begin_long(by).await.map_err(Fault::from)?;
        let found = project_connectors::lock(&mut tx, tenant, slug).await.map_err(Fault::from)?;
        let Some(ProjectConnector { id, .. }) = found else {
            drop(tx);
            return Err(self.offers.no_project_connector(tenant, slug).await?);
        };
        let now = self.base.now();
        project_connectors::disable(&mut tx, tenant, id, now).await.map_err(Fault::from)?;
        let why = AuthFailure::SettingsChanged;
        auth_requests::fail_all(&mut tx, tenant, id, why).await.map_err(Fault::from)?;
        let why = StatusReason::ConnectorDisabled;
        let revoked =
            connections::revoke_all(&mut tx, tenant, id, ConnectionSelection::default(), why, now)
                .await;
        let revoked = revoked.map_err(Fault::from)?;
        let event = Event::new("connector.disabled", slug).within(tenant.environment);
        let event = event.with("connections", revoked);
        chain.record_if_possible(&self.base, &mut tx, &event).await?;
        tx.commit().await.map_err(Fault::from)?;
        tracing::info!(project_connector.id = %id, revoked, "connector disabled");
        Ok(revoked)
    }
}
