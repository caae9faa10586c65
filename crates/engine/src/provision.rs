//! Making what a project stands on: team, project, agent, key, enabled connectors.

use astralform_domain::{
    AgentId, ConnectorSlug, Endpoints, Environment, EnvironmentSettings, HostSet, ProjectConnector,
    ProjectConnectorId, ProjectId, ScopeSet, Secret, TeamId, Tenant,
};
use astralform_storage::{
    agents::{self, Agent},
    api_keys, project_connectors,
    projects::{self, NewProject},
};
use thiserror::Error;

use crate::{Engine, Fault, api_keys::generate, project_connectors::secret_binding};

/// A new project and its default agent.
#[derive(Clone, Copy, Debug)]
pub struct Provisioned {
    /// The team that administers it.
    pub team: TeamId,
    /// The project.
    pub project: ProjectId,
    /// Its default agent.
    pub agent: AgentId,
}

/// A connector to be enabled.
pub struct Enable {
    /// Which one.
    pub connector: ConnectorSlug,
    /// The client id of the developer's OAuth app.
    pub client_id: String,
    /// Its client secret.
    pub client_secret: Secret,
    /// What to ask for instead of the connector's minimum.
    pub scopes: Option<ScopeSet>,
    /// Addresses that replace the catalogue's.
    pub endpoints: Endpoints,
    /// Whether it talks to the simulator.
    pub sandbox: bool,
}

/// Why a connector cannot be enabled.
#[derive(Debug, Error)]
pub enum EnableError {
    /// The catalogue has none of that name.
    #[error("there is no connector of that name")]
    UnknownConnector,
    /// It is enabled already.
    #[error("the connector is enabled already")]
    AlreadyEnabled,
    /// The simulator is for `test` alone.
    #[error("a sandboxed connector can only be enabled in the environment `test`")]
    SandboxInLive,
    /// An address cannot be used.
    #[error("an address of the connector cannot be used, or no simulator runs")]
    BadAddress,
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Engine {
    /// Creates a team with one project and its default agent.
    ///
    /// # Errors
    /// When the database does not.
    pub async fn provision(&self, team: &str, project: &str) -> Result<Provisioned, Fault> {
        let now = self.clock.now();
        let made = Provisioned {
            team: TeamId::new(&self.clock, &self.entropy),
            project: ProjectId::new(&self.clock, &self.entropy),
            agent: AgentId::new(&self.clock, &self.entropy),
        };
        let data_key = self.keys.create(made.project, &self.entropy);
        let new =
            NewProject { id: made.project, team: made.team, name: project, data_key: &data_key };
        let mut tx = self.db.begin().await?;
        projects::create_team(&mut tx, made.team, team, now).await?;
        projects::create(&mut tx, &new, now).await?;
        let agent = Agent {
            id: made.agent,
            name: "default".to_owned(),
            is_default: true,
            is_enabled: true,
            connectors: None,
        };
        agents::create(&mut tx, made.project, &agent, now).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Creates an API key; its text cannot be had again.
    ///
    /// # Errors
    /// When the database does not.
    pub async fn create_api_key(
        &self,
        tenant: Tenant,
        agent: Option<AgentId>,
    ) -> Result<Secret, Fault> {
        let (text, key) = generate(tenant, agent, &self.clock, &self.entropy);
        let mut tx = self.db.begin().await?;
        api_keys::create(&mut tx, &key, self.clock.now()).await?;
        tx.commit().await?;
        Ok(text)
    }

    /// Sets who vouches for end users in an environment, and where browsers may return to.
    ///
    /// # Errors
    /// When the database does not.
    pub async fn configure_environment(
        &self,
        tenant: Tenant,
        settings: &EnvironmentSettings,
    ) -> Result<(), Fault> {
        let mut tx = self.db.begin().await?;
        projects::set_environment(&mut tx, tenant, settings).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Pauses or resumes a project connector.
    ///
    /// # Errors
    /// When the database does not.
    pub async fn set_connector_enabled(
        &self,
        tenant: Tenant,
        id: ProjectConnectorId,
        is_enabled: bool,
    ) -> Result<(), Fault> {
        let mut tx = self.db.begin().await?;
        project_connectors::set_enabled(&mut tx, tenant, id, is_enabled).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Enables a connector with the developer's own OAuth app.
    ///
    /// # Errors
    /// When there is no such connector, or it is enabled already.
    pub async fn enable(
        &self,
        tenant: Tenant,
        new: Enable,
    ) -> Result<ProjectConnectorId, EnableError> {
        let settings = self.enabled(tenant, new).await?;
        let mut tx = self.db.begin().await.map_err(Fault::from)?;
        match project_connectors::create(&mut tx, &settings).await {
            Err(error) if error.is_conflict() => return Err(EnableError::AlreadyEnabled),
            other => other.map_err(Fault::from)?,
        }
        tx.commit().await.map_err(Fault::from)?;
        Ok(settings.id)
    }

    async fn enabled(&self, tenant: Tenant, new: Enable) -> Result<ProjectConnector, EnableError> {
        let connector =
            self.catalog.connector(&new.connector).ok_or(EnableError::UnknownConnector)?;
        if new.sandbox && tenant.environment != Environment::Test {
            return Err(EnableError::SandboxInLive);
        }
        let mut settings = ProjectConnector {
            id: ProjectConnectorId::new(&self.clock, &self.entropy),
            tenant,
            connector: new.connector,
            is_enabled: true,
            require_auth: true,
            allow_end_user_auth: true,
            scopes: new.scopes,
            tools: None,
            endpoints: new.endpoints,
            sandbox: new.sandbox,
            client_id: Some(new.client_id),
            client_secret: None,
            hosts: HostSet::default(),
            generation: 1,
            created_at: self.clock.now(),
        };
        let addresses = self.addresses(&settings, connector).ok_or(EnableError::BadAddress)?;
        settings.hosts = addresses.hosts();
        let key = self.keys.of(&self.db, tenant.project).await?;
        let row = settings.id.to_string();
        let binding = secret_binding(&row, &settings);
        settings.client_secret = Some(key.seal(binding, &new.client_secret, &self.entropy));
        Ok(settings)
    }

    /// The redirect URI to register at the provider for a project connector.
    ///
    /// # Errors
    /// When there is none of that id, or the database does not answer.
    pub async fn redirect_uri_of(
        &self,
        tenant: Tenant,
        id: ProjectConnectorId,
    ) -> Result<Option<String>, Fault> {
        let found = project_connectors::find(&self.db, tenant, id).await?;
        Ok(found.map(|settings| self.redirect_uri(&settings)))
    }
}
