mod apply;
mod revised;

use std::sync::Arc;

use astralform_catalog::{Auth, Connector};
use astralform_domain::{
    Actor, ConnectorSlug, Owner, ProjectConnector, Secret, SettingsPatch, Stale, Tenant,
};
use astralform_provider::oauth::Client;
use astralform_storage::{Tx, connections, project_connectors};
use astralform_vault::ProjectKeys;

use crate::{
    Fault,
    audit::Event,
    connections::OpenAccount,
    connectors::{made_up_client, open_client},
    project_connectors::{ProjectConnectors, recorded},
    settings::{Credentials, Entered, SettingsError, check_endpoints, check_scopes, check_tools},
};
use revised::{Effect, Present, RequestedChange, Revised};

/// What is to change of a project connector; what is not named stays.
#[derive(Clone, Default)]
pub struct ConnectorChange {
    /// Its settings.
    pub settings: SettingsPatch,
    /// A new secret of the same app, another app, or another key.
    pub credentials: Option<Credentials>,
    /// How many connections may become unusable by it.
    pub confirmed: Option<i64>,
    /// The version that it is meant for, if it names one.
    pub expected: Option<i64>,
}

impl From<SettingsPatch> for ConnectorChange {
    fn from(settings: SettingsPatch) -> Self {
        Self { settings, ..Self::default() }
    }
}

impl ProjectConnectors {
    /// Changes a project connector's settings. A new secret or key is shown to the provider first.
    ///
    /// # Errors
    /// When a setting cannot be; nothing has changed then.
    pub async fn change_connector(
        &self,
        by: Actor,
        tenant: Tenant,
        slug: &ConnectorSlug,
        change: &ConnectorChange,
    ) -> Result<(), SettingsError> {
        let connector =
            self.base.catalog.connector(slug).ok_or_else(|| self.offers.not_in_catalog(slug))?;
        let before = self.offers.enabled(tenant, slug).await?;
        // The provider is not asked about a change that is refused anyway.
        Stale::check(change.expected, before.version)?;
        let entered = self.entered(&before, change, connector).await?;
        let requested = RequestedChange { change, entered: entered.as_ref(), connector };
        let keys = self.base.keys_of(tenant.project).await?;
        let mut tx = self.base.begin(by).await.map_err(Fault::from)?;
        let present = self.present(&mut tx, &before, requested, &keys).await?;
        drop(tx);
        let planned = self.judged(&before, requested, &present)?;
        let key = self.shown_to_provider(&planned, entered.as_ref(), connector).await?;
        let chain = self.base.project_chain(tenant.project).await?;
        let mut tx = self.base.db.begin_long(by).await.map_err(Fault::from)?;
        let locked = project_connectors::lock(&mut tx, tenant, slug).await.map_err(Fault::from)?;
        let Some(locked) = locked else {
            drop(tx);
            return Err(self.offers.no_project_connector(tenant, slug).await?);
        };
        Stale::check(change.expected, locked.version)?;
        let present = self.present(&mut tx, &locked, requested, &keys).await?;
        let mut revised = self.judged(&locked, requested, &present)?;
        if entered.is_some() && !revised.is_for_the_place_of(&planned) {
            return Err(SettingsError::ChangedMeanwhile);
        }
        if revised.repeats(present.client.as_ref()) {
            let rest = ConnectorChange { credentials: None, ..change.clone() };
            revised = self.settings_after(
                &locked,
                RequestedChange { change: &rest, entered: None, connector },
            )?;
        }
        revised.key = key;
        let before = recorded(&locked);
        let after = self.apply(&mut tx, revised, change, &keys).await?;
        if after.version == locked.version {
            return Ok(tx.commit_unrecorded().await.map_err(Fault::from)?);
        }
        let event = Event::new("connector.changed", slug).within(tenant.environment);
        let event = event.changing(&before, &recorded(&after));
        let event = event.with("credentials_entered", change.credentials.is_some());
        chain.record(&mut tx, &event).await?;
        Ok(tx.commit().await.map_err(Fault::from)?)
    }

    /// Returns the credentials that come with a change. A connector that enters the sandbox without
    /// any is given some.
    async fn entered(
        &self,
        before: &ProjectConnector,
        change: &ConnectorChange,
        connector: &Arc<Connector>,
    ) -> Result<Option<Entered>, SettingsError> {
        if let Some(credentials) = &change.credentials {
            return credentials.read(connector).map(Some);
        }
        if change.settings.sandbox != Some(true)
            || before.sandbox
            || self.site.simulator().is_none()
        {
            return Ok(None);
        }
        Ok(Some(match connector.auth() {
            Auth::OAuth(_) => {
                let Client { id, secret } = made_up_client(&self.base.entropy);
                Entered::Client { id: Some(id), secret }
            }
            Auth::ApiKey(_) => Entered::Key(self.key_of_simulator(connector).await?),
        }))
    }

    /// Lets the provider see new credentials before they are stored.
    async fn shown_to_provider(
        &self,
        planned: &Revised,
        entered: Option<&Entered>,
        connector: &Arc<Connector>,
    ) -> Result<Option<OpenAccount>, SettingsError> {
        if planned.effect != Effect::None || entered.is_some() {
            self.app_checks.check_reachable(&planned.settings, connector).await?;
        }
        if let Some(Entered::Key(parts)) = entered {
            return self.verified(&planned.settings, connector, parts.clone()).await.map(Some);
        }
        if let Some(client) = &planned.client {
            self.app_checks.check_client(&planned.settings, connector, client).await?;
        }
        Ok(None)
    }

    /// Reads what a change is judged by, once before the provider is asked, and once more under the
    /// lock.
    async fn present(
        &self,
        tx: &mut Tx,
        before: &ProjectConnector,
        requested: RequestedChange<'_>,
        keys: &ProjectKeys,
    ) -> Result<Present, Fault> {
        let mut client = None;
        let mut key_opens = false;
        if requested.change.credentials.is_some() {
            match requested.connector.auth() {
                Auth::OAuth(_) => client = self.present_client(before, keys)?,
                Auth::ApiKey(_) => {
                    let connector = requested.connector;
                    key_opens =
                        self.project_key.project_key_opens(tx, before, connector, keys).await?;
                }
            }
        }
        let shared = connections::serving(tx, before.tenant, before.id, &Owner::Project).await?;
        Ok(Present { client, key_opens, has_shared: !shared.is_empty() })
    }

    /// Returns what a change amounts to. Addresses that it does not name count as entered only if
    /// the stored secret is bound to them; a new secret is not sent to others.
    fn judged(
        &self,
        before: &ProjectConnector,
        requested: RequestedChange<'_>,
        present: &Present,
    ) -> Result<Revised, SettingsError> {
        let RequestedChange { change, entered, connector } = requested;
        let inherits = change.settings.endpoints.is_none() && !before.endpoints.is_empty();
        let is_proven = present.client.is_some() || present.key_opens;
        if change.credentials.is_some() && inherits && !is_proven {
            return Err(SettingsError::EndpointsRequired);
        }
        let revised = self.settings_after(before, requested)?;
        // A key is the one thing that can pay where end users may not enter keys of their own.
        let must_have_key =
            matches!(connector.auth(), Auth::ApiKey(_)) && !revised.settings.allow_end_user_auth;
        if must_have_key && entered.is_none() && !present.has_shared {
            return Err(SettingsError::NothingPays);
        }
        Ok(revised)
    }

    fn present_client(
        &self,
        before: &ProjectConnector,
        keys: &ProjectKeys,
    ) -> Result<Option<Client>, Fault> {
        let Ok(ready) = self.connectors.ready_even_if_paused(before.clone()) else {
            return Ok(None);
        };
        let Some(client) = &ready.settings.client else { return Ok(None) };
        let sealed = (&client.secret, ready.settings.generation);
        match open_client(&ready.settings, &client.id, sealed, keys) {
            Err(Fault::Integrity(_)) => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Returns the settings after a change. Credentials are bound to the hosts they may go to, so a
    /// change of those takes the credentials again.
    fn settings_after(
        &self,
        before: &ProjectConnector,
        requested: RequestedChange<'_>,
    ) -> Result<Revised, SettingsError> {
        let RequestedChange { change, entered, connector } = requested;
        let mut settings = before.clone().patched(&change.settings);
        let has_simulator = self.site.simulator().is_some();
        let environment = settings.tenant.environment;
        check_endpoints(environment, &settings.endpoints, settings.sandbox, has_simulator)?;
        settings.scopes.as_ref().map_or(Ok(()), |scopes| check_scopes(scopes, connector))?;
        settings.tools.as_ref().map_or(Ok(()), |tools| check_tools(tools, connector))?;
        let moves = settings.endpoints != before.endpoints || settings.sandbox != before.sandbox;
        let has_own = before.client.is_some() || matches!(connector.auth(), Auth::ApiKey(_));
        if moves && has_own && entered.is_none() {
            return Err(SettingsError::SecretRequired);
        }
        let client = new_client(before, entered)?;
        if moves || entered.is_some() {
            let addresses = self.connectors.addresses(&settings, connector);
            settings.hosts = addresses.ok_or(SettingsError::BadAddresses)?.hosts();
        }
        let known = before.client.as_ref().map(|client| &client.id);
        let effect = match &client {
            _ if moves || settings.hosts != before.hosts => Effect::Reconnect,
            Some(client) if Some(&client.id) != known => Effect::Reconnect,
            Some(_) => Effect::NewSecret,
            None => Effect::None,
        };
        let is_changed = entered.is_some() || settings != *before;
        settings.version += i64::from(is_changed);
        settings.generation += i64::from(effect != Effect::None);
        Ok(Revised { settings, client, key: None, effect })
    }
}

/// Returns the app that is entered. A secret alone is one of the app that is there.
fn new_client(
    before: &ProjectConnector,
    entered: Option<&Entered>,
) -> Result<Option<Client>, SettingsError> {
    let Some(Entered::Client { id, secret }) = entered else { return Ok(None) };
    let known = before.client.as_ref().map(|client| &client.id);
    let id = id.as_ref().or(known).ok_or_else(SettingsError::no_client_id)?;
    Ok(Some(Client { id: id.clone(), secret: Secret::clone(secret) }))
}
