//! Connectors enabled in a project, for those who administer it.

use std::sync::Arc;

use astralform_domain::{
    AuthRequestId, ConnectorSlug, Environment, Owner, ProjectConnectorId, Tenant,
};
use astralform_engine::{
    ConfirmError, Confirmation, Engine, Fault, Prompt, SettingsError,
    project_connectors::{ConnectorChange, Enable, Examination, Overview, ShareError},
};

use crate::{Denied, ProjectActor, policy::Right};

/// Enables, changes, checks and disables connectors of projects, and shares accounts.
#[derive(Clone)]
pub struct Connectors {
    engine: Arc<Engine>,
}

impl Connectors {
    pub(crate) fn new(engine: &Arc<Engine>) -> Self {
        Self { engine: Arc::clone(engine) }
    }

    /// Returns every connector that is enabled, by environment and name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list(
        &self,
        by: &ProjectActor,
        environment: Option<Environment>,
    ) -> Result<Vec<Overview>, Denied<Fault>> {
        let permit = by.may(Right::Look)?;
        let found = self.engine.project_connectors.connector_overviews(permit.project, environment);
        found.await.map_err(Denied::Refused)
    }

    /// Returns an enabled connector.
    ///
    /// # Errors
    /// When it is not enabled.
    pub async fn find(
        &self,
        by: &ProjectActor,
        environment: Environment,
        slug: &ConnectorSlug,
    ) -> Result<Overview, Denied<SettingsError>> {
        let tenant = by.may(Right::Look)?.tenant(environment);
        self.overview(tenant, slug).await.map_err(Denied::Refused)
    }

    async fn overview(
        &self,
        tenant: Tenant,
        slug: &ConnectorSlug,
    ) -> Result<Overview, SettingsError> {
        match self.engine.project_connectors.connector_overview(tenant, slug).await? {
            Some(found) => Ok(found),
            None => Err(self.engine.offers.no_project_connector(tenant, slug).await?),
        }
    }

    /// Enables a connector.
    ///
    /// # Errors
    /// When it is enabled already, or a setting cannot be.
    pub async fn enable(
        &self,
        by: &ProjectActor,
        environment: Environment,
        new: Enable,
    ) -> Result<ProjectConnectorId, Denied<SettingsError>> {
        let permit = by.may(Right::Connectors)?;
        let tenant = permit.tenant(environment);
        let enabled = self.engine.project_connectors.enable(permit.actor, tenant, new).await;
        enabled.map_err(Denied::Refused)
    }

    /// Changes a connector's settings, where they have the `expected` version, if one is named.
    ///
    /// # Errors
    /// When a setting cannot be; nothing has changed then.
    pub async fn change(
        &self,
        by: &ProjectActor,
        environment: Environment,
        slug: &ConnectorSlug,
        change: &ConnectorChange,
    ) -> Result<(), Denied<SettingsError>> {
        let permit = by.may(Right::Connectors)?;
        let tenant = permit.tenant(environment);
        let connectors = &self.engine.project_connectors;
        let changed = connectors.change_connector(permit.actor, tenant, slug, change).await;
        changed.map_err(Denied::Refused)
    }

    /// Disables a connector for good, and returns how many connections were revoked with it.
    ///
    /// # Errors
    /// When it is not enabled.
    pub async fn disable(
        &self,
        by: &ProjectActor,
        environment: Environment,
        slug: &ConnectorSlug,
    ) -> Result<u64, Denied<SettingsError>> {
        let permit = by.may(Right::Connectors)?;
        let tenant = permit.tenant(environment);
        let connectors = &self.engine.project_connectors;
        let disabled = connectors.disable_connector(permit.actor, tenant, slug).await;
        disabled.map_err(Denied::Refused)
    }

    /// Asks the provider whether it takes a connector's credentials, and looks at all else that
    /// keeps, or will keep, its tools from being called.
    ///
    /// # Errors
    /// When it is not enabled.
    pub async fn check(
        &self,
        by: &ProjectActor,
        environment: Environment,
        slug: &ConnectorSlug,
    ) -> Result<Examination, Denied<SettingsError>> {
        let tenant = by.may(Right::Check)?.tenant(environment);
        self.engine.project_connectors.examine(tenant, slug).await.map_err(Denied::Refused)
    }

    /// Asks a member to connect the account that a project shares with all its end users.
    ///
    /// # Errors
    /// When the connector is not enabled, or cannot be used.
    pub async fn share(
        &self,
        by: &ProjectActor,
        environment: Environment,
        slug: &ConnectorSlug,
    ) -> Result<Prompt, Denied<ShareError>> {
        let permit = by.may(Right::ShareAccount)?;
        let tenant = permit.tenant(environment);
        let asked = self.engine.project_connectors.share(permit.actor, tenant, slug).await;
        asked.map_err(Denied::Refused)
    }

    /// Takes a member's word on who shared an account.
    ///
    /// # Errors
    /// When there is nothing to confirm, or the proof is not that of the browser that finished.
    pub async fn confirm_shared(
        &self,
        by: &ProjectActor,
        environment: Environment,
        id: AuthRequestId,
        proof: &str,
    ) -> Result<Prompt, Denied<ConfirmError>> {
        let permit = by.may(Right::ShareAccount)?;
        let tenant = permit.tenant(environment);
        let said = Confirmation { owner: &Owner::Project, proof };
        let confirmed = self.engine.confirmations.confirm(permit.actor, tenant, id, &said).await;
        confirmed.map_err(Denied::Refused)
    }
}
