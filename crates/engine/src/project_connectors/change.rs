use astralform_catalog::Connector;
use astralform_domain::{
    AuthFailure, ConnectionStatus, ConnectorSlug, Endpoints, Patch, ProjectConnector, Retired,
    ScopeSet, Secret, StatusReason, Tenant, ToolName,
};
use astralform_storage::{Tx, auth_requests, connections, project_connectors};
use subtle::ConstantTimeEq as _;

use super::{
    Client, NewClient, SettingsError, Verdict, sandbox,
    validate::{check_client, check_place, check_scopes, check_tools},
};
use crate::{Engine, Fault};

/// What is to change of a project connector; what is not named stays.
#[derive(Clone, Default)]
pub struct Change {
    /// Pause or resume it.
    pub is_enabled: Option<bool>,
    /// Whether end users must connect accounts of their own, where they may.
    pub require_auth: Option<bool>,
    /// Whether end users may connect accounts of their own.
    pub allow_end_user_auth: Option<bool>,
    /// What to ask for; nothing for the connector's minimum.
    pub scopes: Patch<ScopeSet>,
    /// The only tools offered; nothing for all.
    pub tools: Patch<Vec<ToolName>>,
    /// Addresses that replace the catalogue's, all of them.
    pub endpoints: Option<Endpoints>,
    /// Whether it talks to the simulator.
    pub sandbox: Option<bool>,
    /// The developer's app.
    pub client: Option<ClientChange>,
    /// How many connections may become unusable by it.
    pub confirmed: Option<i64>,
}

/// A new secret of the same app, or another app.
#[derive(Clone)]
pub struct ClientChange {
    /// The client id, where it is another.
    pub id: Option<String>,
    /// The client secret.
    pub secret: Secret,
}

/// What a change amounts to.
struct Revised {
    settings: ProjectConnector,
    client: Option<NewClient>,
    effect: Effect,
}

/// What a change does to the connections there are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// They stay, and so does the app.
    None,
    /// They stay; the app has a new secret.
    NewSecret,
    /// They belong to another app, or another place.
    NewApp,
}

impl Revised {
    /// Whether all it amounts to is the secret that is there already: a change that is sent twice
    /// must not retire the secret that it entered.
    fn repeats(&self, present: Option<&Client>) -> bool {
        let secrets = self.client.as_ref().zip(present);
        self.effect == Effect::NewSecret
            && secrets.is_some_and(|(new, old)| {
                let (new, old) = (new.secret.expose(), old.secret.expose());
                new.as_bytes().ct_eq(old.as_bytes()).into()
            })
    }
}

impl Engine {
    /// Changes a project connector's settings. A new secret is shown to the provider first.
    ///
    /// # Errors
    /// When a setting cannot be; nothing has changed then.
    pub async fn change_connector(
        &self,
        tenant: Tenant,
        slug: &ConnectorSlug,
        change: &Change,
    ) -> Result<(), SettingsError> {
        let connector = self.catalog.connector(slug).ok_or(SettingsError::UnknownConnector)?;
        let found = project_connectors::by_slug(&self.db, tenant, slug).await;
        let before = found.map_err(Fault::from)?.ok_or(SettingsError::NotEnabled)?;
        let (planned, _) = self.planned(&before, change, connector).await?;
        if let (Some(client), false) = (&planned.client, planned.settings.sandbox)
            && let Verdict::Rejected(code) =
                self.verdict_on(&planned.settings, connector, client).await
        {
            return Err(SettingsError::CredentialsRejected(code));
        }
        let mut tx = self.db.begin().await.map_err(Fault::from)?;
        let locked = project_connectors::lock(&mut tx, tenant, slug).await.map_err(Fault::from)?;
        let locked = locked.ok_or(SettingsError::NotEnabled)?;
        let (mut revised, present) = self.planned(&locked, change, connector).await?;
        if revised.repeats(present.as_ref()) {
            let rest = Change { client: None, ..change.clone() };
            revised = self.revised(&locked, &rest, connector)?;
        }
        self.apply(&mut tx, revised, change.confirmed).await?;
        Ok(tx.commit().await.map_err(Fault::from)?)
    }

    /// The settings after a change, and the app there is, where its secret opens. Addresses that the
    /// change does not name are those that somebody entered only if that secret is bound to them; a
    /// new one is not sent to others.
    async fn planned(
        &self,
        before: &ProjectConnector,
        change: &Change,
        connector: &Connector,
    ) -> Result<(Revised, Option<Client>), SettingsError> {
        let mut present = None;
        if change.client.is_some() {
            present = self.present_client(before).await?;
            let inherits = change.endpoints.is_none() && !before.endpoints.is_empty();
            if inherits && present.is_none() {
                return Err(SettingsError::EndpointsRequired);
            }
        }
        Ok((self.revised(before, change, connector)?, present))
    }

    async fn present_client(&self, before: &ProjectConnector) -> Result<Option<Client>, Fault> {
        let Ok(ready) = self.assemble(before.clone()) else { return Ok(None) };
        match self.client(&ready.settings).await {
            Err(Fault::Integrity(_)) => Ok(None),
            opened => opened.map(Some),
        }
    }

    async fn apply(
        &self,
        tx: &mut Tx,
        revised: Revised,
        confirmed: Option<i64>,
    ) -> Result<(), SettingsError> {
        let Revised { mut settings, client, effect } = revised;
        let (tenant, id) = (settings.tenant, settings.id);
        if effect == Effect::NewApp {
            let counts = connections::counts(&mut *tx, tenant, id).await.map_err(Fault::from)?;
            let ends = |(status, _): &&(ConnectionStatus, i64)| *status == ConnectionStatus::Active;
            let ended = counts.iter().find(ends).map_or(0, |(_, number)| *number);
            if ended > 0 && confirmed != Some(ended) {
                return Err(SettingsError::ConfirmationRequired(ended));
            }
            let why = StatusReason::ClientChanged;
            connections::expire_all(tx, tenant, id, why).await.map_err(Fault::from)?;
            connections::revoke_unconfirmed(tx, tenant, id, why).await.map_err(Fault::from)?;
            let why = AuthFailure::SettingsChanged;
            auth_requests::fail_all(tx, tenant, id, why).await.map_err(Fault::from)?;
        }
        if let Some(client) = client {
            let previous = settings.client.take();
            let mut fresh = self.sealed_client(&settings, &client).await?;
            if effect == Effect::NewSecret {
                let until = self.clock.now().after(Retired::LIFE);
                fresh.previous = previous.map(|old| Retired { secret: old.secret, until });
            }
            settings.client = Some(fresh);
        }
        project_connectors::update(tx, &settings).await.map_err(Fault::from)?;
        tracing::info!(project_connector.id = %id, "connector changed");
        Ok(())
    }

    /// The settings after a change. The app's secret is bound to the hosts it may go to, so
    /// whoever changes those enters it again.
    fn revised(
        &self,
        before: &ProjectConnector,
        change: &Change,
        connector: &Connector,
    ) -> Result<Revised, SettingsError> {
        let mut after = taken_over(change, before);
        let has_simulator = self.site.simulator().is_some();
        let environment = after.tenant.environment;
        check_place(environment, &after.endpoints, after.sandbox, has_simulator)?;
        let separator = &connector.oauth.scope_separator;
        after.scopes.as_ref().map_or(Ok(()), |scopes| check_scopes(scopes, separator))?;
        after.tools.as_ref().map_or(Ok(()), |tools| check_tools(tools, connector))?;
        let moves = after.endpoints != before.endpoints || after.sandbox != before.sandbox;
        let client = self.new_client(before, change, moves && after.sandbox)?;
        if moves && before.client.is_some() && client.is_none() {
            return Err(SettingsError::SecretRequired);
        }
        if !moves && client.is_none() {
            return Ok(Revised { settings: after, client, effect: Effect::None });
        }
        let addresses = self.addresses(&after, connector);
        after.hosts = addresses.ok_or(SettingsError::BadAddresses)?.hosts();
        after.generation += 1;
        let known = before.client.as_ref().map(|client| &client.id);
        let is_same = !moves
            && after.hosts == before.hosts
            && client.as_ref().map(|client| &client.id) == known;
        let effect = if is_same { Effect::NewSecret } else { Effect::NewApp };
        Ok(Revised { settings: after, client, effect })
    }

    fn new_client(
        &self,
        before: &ProjectConnector,
        change: &Change,
        enters_sandbox: bool,
    ) -> Result<Option<NewClient>, SettingsError> {
        let Some(ClientChange { id, secret }) = &change.client else {
            return Ok(enters_sandbox.then(|| sandbox::made_up_client(&self.entropy)));
        };
        let known = before.client.as_ref().map(|client| client.id.clone());
        let id = id.clone().or(known).unwrap_or_default();
        let client = NewClient { id, secret: secret.clone() };
        check_client(&client)?;
        Ok(Some(client))
    }
}

fn taken_over(change: &Change, before: &ProjectConnector) -> ProjectConnector {
    let kept = before.clone();
    ProjectConnector {
        is_enabled: change.is_enabled.unwrap_or(kept.is_enabled),
        require_auth: change.require_auth.unwrap_or(kept.require_auth),
        allow_end_user_auth: change.allow_end_user_auth.unwrap_or(kept.allow_end_user_auth),
        sandbox: change.sandbox.unwrap_or(kept.sandbox),
        scopes: change.scopes.clone().applied_to(kept.scopes),
        tools: change.tools.clone().applied_to(kept.tools),
        endpoints: change.endpoints.clone().unwrap_or(kept.endpoints),
        ..before.clone()
    }
}
