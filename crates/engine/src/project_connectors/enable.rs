use std::sync::Arc;

use astralform_catalog::{Auth, Connector};
use astralform_domain::{
    Actor, ConnectorSlug, Endpoints, HostSet, OauthClient, ProjectConnector, ProjectConnectorId,
    ProjectConnectorState, SettingsPatch, Tenant, chain,
};
use astralform_provider::{oauth::Client, request::CredentialParts};
use astralform_storage::project_connectors;
use astralform_vault::ProjectKeys;

use crate::{
    Fault,
    audit::Event,
    connections::OpenAccount,
    connectors::{Ready, made_up_client},
    key_checks::VerifyError,
    places,
    project_connectors::{ProjectConnectors, recorded},
    settings::{Credentials, Entered, SettingsError, check_endpoints, check_scopes, check_tools},
};

/// A connector to be enabled.
pub struct Enable {
    /// Which one.
    pub connector: ConnectorSlug,
    /// The developer's OAuth app, or API key. Without an app, it waits for one.
    pub credentials: Option<Credentials>,
    /// Its settings. Left out, end users must connect accounts of their own, and may, unless the
    /// connector takes an API key: then one key serves all.
    pub settings: SettingsPatch,
}

/// What a connector is enabled with.
enum EnteredCredentials {
    Client(Option<Client>),
    Key(Option<CredentialParts>),
}

impl Enable {
    /// Returns a connector with the usual settings.
    pub fn new(connector: ConnectorSlug) -> Self {
        Self { connector, credentials: None, settings: SettingsPatch::default() }
    }

    /// Returns a connector that talks to the simulator.
    pub fn sandboxed(connector: ConnectorSlug) -> Self {
        let settings = SettingsPatch { sandbox: Some(true), ..SettingsPatch::default() };
        Self { settings, ..Self::new(connector) }
    }

    fn is_sandboxed(&self) -> bool {
        self.settings.sandbox == Some(true)
    }
}

impl ProjectConnectors {
    /// Enables a connector. In the sandbox, an app is made up where none is given, and a key of the
    /// simulator's taken. What is given is shown to the provider first.
    ///
    /// # Errors
    /// When there is no such connector, it is enabled already, or a setting cannot be.
    pub async fn enable(
        &self,
        by: Actor,
        tenant: Tenant,
        new: Enable,
    ) -> Result<ProjectConnectorId, SettingsError> {
        let connector = self.base.catalog.connector(&new.connector);
        let connector = connector.ok_or_else(|| self.offers.not_in_catalog(&new.connector))?;
        self.check(tenant, &new, connector)?;
        // Before anything is shown to the provider; the unique index refuses a concurrent one in
        // `create`.
        let present = project_connectors::by_slug(&self.base.db, tenant, &new.connector).await;
        if present.map_err(Fault::from)?.is_some() {
            return Err(SettingsError::AlreadyEnabled);
        }
        let paying = self.paying(&new, connector).await?;
        let mut settings = self.settings(tenant, new, connector)?;
        self.app_checks.check_reachable(&settings, connector).await?;
        let keys = self.base.keys_of(tenant.project).await?;
        let key = match paying {
            EnteredCredentials::Client(client) => {
                if let Some(client) = client {
                    self.app_checks.check_client(&settings, connector, &client).await?;
                    settings.client = Some(self.sealed_client(&settings, &client, &keys));
                }
                None
            }
            EnteredCredentials::Key(Some(parts)) => {
                Some(self.verified(&settings, connector, parts).await?)
            }
            EnteredCredentials::Key(None) if settings.allow_end_user_auth => None,
            EnteredCredentials::Key(None) => return Err(SettingsError::NothingPays),
        };
        self.create(by, &settings, key, &keys).await
    }

    async fn create(
        &self,
        by: Actor,
        settings: &ProjectConnector,
        key: Option<OpenAccount>,
        keys: &ProjectKeys,
    ) -> Result<ProjectConnectorId, SettingsError> {
        let id = settings.id;
        let chain = self.base.project_chain(settings.tenant.project).await?;
        let mut tx = self.base.begin(by).await.map_err(Fault::from)?;
        match project_connectors::create(&mut tx, settings).await {
            Err(error) if error.is_conflict() => return Err(SettingsError::AlreadyEnabled),
            other => other.map_err(Fault::from)?,
        }
        if let Some(key) = key {
            self.project_key.put_project_key(&mut tx, settings, &key, keys).await?;
        }
        let event = Event::new("connector.enabled", &settings.connector);
        let event = event.within(settings.tenant.environment).with("after", recorded(settings));
        chain.record(&mut tx, &event).await?;
        tx.commit().await.map_err(Fault::from)?;
        tracing::info!(project_connector.id = %id, "connector enabled");
        Ok(id)
    }

    fn check(
        &self,
        tenant: Tenant,
        new: &Enable,
        connector: &Arc<Connector>,
    ) -> Result<(), SettingsError> {
        let has_simulator = self.site.simulator().is_some();
        let nowhere_else = Endpoints::default();
        let endpoints = new.settings.endpoints.as_ref().unwrap_or(&nowhere_else);
        check_endpoints(tenant.environment, endpoints, new.is_sandboxed(), has_simulator)?;
        let SettingsPatch { tools, scopes, .. } = &new.settings;
        tools.value().map_or(Ok(()), |tools| check_tools(tools, connector))?;
        scopes.value().map_or(Ok(()), |scopes| check_scopes(scopes, connector))
    }

    async fn paying(
        &self,
        new: &Enable,
        connector: &Arc<Connector>,
    ) -> Result<EnteredCredentials, SettingsError> {
        let entered =
            new.credentials.as_ref().map(|entered| entered.read(connector)).transpose()?;
        Ok(match (entered, connector.auth()) {
            (Some(Entered::Client { id, secret }), _) => {
                let id = id.ok_or_else(SettingsError::no_client_id)?;
                EnteredCredentials::Client(Some(Client { id, secret }))
            }
            (Some(Entered::Key(parts)), _) => EnteredCredentials::Key(Some(parts)),
            (None, Auth::OAuth(_)) if new.is_sandboxed() => {
                EnteredCredentials::Client(Some(made_up_client(&self.base.entropy)))
            }
            (None, Auth::OAuth(_)) => EnteredCredentials::Client(None),
            (None, Auth::ApiKey(_)) if new.is_sandboxed() => {
                EnteredCredentials::Key(Some(self.key_of_simulator(connector).await?))
            }
            (None, Auth::ApiKey(_)) => EnteredCredentials::Key(None),
        })
    }

    pub(super) async fn key_of_simulator(
        &self,
        connector: &Arc<Connector>,
    ) -> Result<CredentialParts, SettingsError> {
        self.sandbox.sandbox_key(connector).await.map_err(|error| {
            tracing::error!(error = chain(&error), "the simulator gives no key");
            SettingsError::NoSimulator
        })
    }

    /// Returns a key that the provider takes, for settings that are about to be stored.
    pub(super) async fn verified(
        &self,
        settings: &ProjectConnector,
        connector: &Arc<Connector>,
        parts: CredentialParts,
    ) -> Result<OpenAccount, SettingsError> {
        let addresses = self.connectors.addresses(settings, connector);
        let addresses = addresses.ok_or(SettingsError::BadAddresses)?;
        let settings = Arc::new(settings.clone());
        let addresses = Arc::new(addresses);
        let ready = Ready::new(settings, Arc::clone(connector), addresses);
        self.key_checks.verify_key(&ready, parts).await.map_err(|error| match error {
            VerifyError::Refused(why) => SettingsError::CredentialsRejected(why),
            VerifyError::Unanswered(why) => SettingsError::Unverified(why),
            VerifyError::NotSent(why) => SettingsError::NotSent(why),
            VerifyError::Fault(fault) => fault.into(),
        })
    }

    fn settings(
        &self,
        tenant: Tenant,
        new: Enable,
        connector: &Arc<Connector>,
    ) -> Result<ProjectConnector, SettingsError> {
        let is_by_key = matches!(connector.auth(), Auth::ApiKey(_));
        let mut settings = ProjectConnector {
            id: ProjectConnectorId::new(&self.base.clock, &self.base.entropy),
            tenant,
            connector: new.connector,
            state: ProjectConnectorState::Enabled,
            require_auth: true,
            allow_end_user_auth: !is_by_key,
            scopes: None,
            tools: None,
            endpoints: Endpoints::default(),
            sandbox: false,
            client: None,
            hosts: HostSet::default(),
            generation: 1,
            version: 1,
            created_at: self.base.now(),
        }
        .patched(&new.settings);
        let addresses = self.connectors.addresses(&settings, connector);
        settings.hosts = addresses.ok_or(SettingsError::BadAddresses)?.hosts();
        Ok(settings)
    }

    /// Returns an app for the present generation of a project connector.
    pub(super) fn sealed_client(
        &self,
        settings: &ProjectConnector,
        client: &Client,
        key: &ProjectKeys,
    ) -> OauthClient {
        let row = settings.id.to_string();
        let place =
            places::client_secret(settings.tenant, &row, settings.generation, &settings.hosts);
        OauthClient {
            id: client.id.clone(),
            secret: key.seal(place, &client.secret, &self.base.entropy),
            hint: client.secret.hint(),
            set_at: self.base.now(),
            previous: None,
            rejected_at: None,
        }
    }
}
