use astralform_catalog::Connector;
use astralform_domain::{
    ConnectorSlug, Endpoints, HostSet, OauthClient, ProjectConnector, ProjectConnectorId, ScopeSet,
    Secret, Tenant, ToolName,
};
use astralform_storage::project_connectors;

use super::{
    SettingsError, sandbox, secret_place,
    validate::{check_client, check_place, check_scopes, check_tools},
};
use crate::{Engine, Fault};

/// A connector to be enabled.
pub struct Enable {
    /// Which one.
    pub connector: ConnectorSlug,
    /// The developer's OAuth app; without one, it waits for it.
    pub client: Option<NewClient>,
    /// What to ask for instead of the connector's minimum.
    pub scopes: Option<ScopeSet>,
    /// The only tools offered, where not all are.
    pub tools: Option<Vec<ToolName>>,
    /// Whether end users must connect accounts of their own, where they may.
    pub require_auth: bool,
    /// Whether end users may connect accounts of their own.
    pub allow_end_user_auth: bool,
    /// Addresses that replace the catalogue's.
    pub endpoints: Endpoints,
    /// Whether it talks to the simulator.
    pub sandbox: bool,
}

/// An OAuth app as its developer enters it.
#[derive(Clone)]
pub struct NewClient {
    /// Its client id.
    pub id: String,
    /// Its client secret.
    pub secret: Secret,
}

impl Enable {
    /// A connector with the usual settings.
    pub fn new(connector: ConnectorSlug) -> Self {
        Self {
            connector,
            client: None,
            scopes: None,
            tools: None,
            require_auth: true,
            allow_end_user_auth: true,
            endpoints: Endpoints::default(),
            sandbox: false,
        }
    }
}

impl Engine {
    /// Enables a connector. In the sandbox, an app is made up where none is given.
    ///
    /// # Errors
    /// When there is no such connector, it is enabled already, or a setting cannot be.
    pub async fn enable(
        &self,
        tenant: Tenant,
        new: Enable,
    ) -> Result<ProjectConnectorId, SettingsError> {
        let connector =
            self.catalog.connector(&new.connector).ok_or(SettingsError::UnknownConnector)?;
        self.check(tenant, &new, connector)?;
        let settings = self.settings(tenant, new, connector).await?;
        let mut tx = self.db.begin().await.map_err(Fault::from)?;
        match project_connectors::create(&mut tx, &settings).await {
            Err(error) if error.is_conflict() => return Err(SettingsError::AlreadyEnabled),
            other => other.map_err(Fault::from)?,
        }
        tx.commit().await.map_err(Fault::from)?;
        tracing::info!(project_connector.id = %settings.id, "connector enabled");
        Ok(settings.id)
    }

    fn check(
        &self,
        tenant: Tenant,
        new: &Enable,
        connector: &Connector,
    ) -> Result<(), SettingsError> {
        let has_simulator = self.site.simulator().is_some();
        check_place(tenant.environment, &new.endpoints, new.sandbox, has_simulator)?;
        new.client.as_ref().map_or(Ok(()), check_client)?;
        new.tools.as_ref().map_or(Ok(()), |tools| check_tools(tools, connector))?;
        let separator = &connector.oauth.scope_separator;
        new.scopes.as_ref().map_or(Ok(()), |scopes| check_scopes(scopes, separator))
    }

    async fn settings(
        &self,
        tenant: Tenant,
        new: Enable,
        connector: &Connector,
    ) -> Result<ProjectConnector, SettingsError> {
        let mut settings = ProjectConnector {
            id: ProjectConnectorId::new(&self.clock, &self.entropy),
            tenant,
            connector: new.connector,
            is_enabled: true,
            require_auth: new.require_auth,
            allow_end_user_auth: new.allow_end_user_auth,
            scopes: new.scopes,
            tools: new.tools,
            endpoints: new.endpoints,
            sandbox: new.sandbox,
            client: None,
            hosts: HostSet::default(),
            generation: 1,
            created_at: self.clock.now(),
            disabled_at: None,
        };
        let addresses = self.addresses(&settings, connector);
        settings.hosts = addresses.ok_or(SettingsError::BadAddresses)?.hosts();
        let made_up = || new.sandbox.then(|| sandbox::made_up_client(&self.entropy));
        if let Some(client) = new.client.or_else(made_up) {
            settings.client = Some(self.sealed_client(&settings, &client).await?);
        }
        Ok(settings)
    }

    /// An app for the present generation of a project connector.
    pub(super) async fn sealed_client(
        &self,
        settings: &ProjectConnector,
        client: &NewClient,
    ) -> Result<OauthClient, Fault> {
        let key = self.keys.of(&self.db, settings.tenant.project).await?;
        let row = settings.id.to_string();
        let place = secret_place(settings.tenant, &row, settings.generation, &settings.hosts);
        Ok(OauthClient {
            id: client.id.clone(),
            secret: key.seal(place, &client.secret, &self.entropy),
            hint: client.secret.hint(),
            set_at: self.clock.now(),
            previous: None,
        })
    }
}
