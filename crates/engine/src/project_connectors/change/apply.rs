use astralform_domain::{
    AuthFailure, ConnectionStatus, Owner, ProjectConnector, Retired, StatusReason, Timestamp,
};
use astralform_provider::oauth::Client;
use astralform_storage::{Tx, auth_requests, connections, project_connectors};
use astralform_vault::ProjectKeys;

use super::{ConnectorChange, Effect, Revised};
use crate::{
    Fault, SettingsError, connections::OpenAccount, project_connectors::ProjectConnectors,
};

impl ProjectConnectors {
    /// Carries a change out, if as many connections become unusable as the caller confirmed, and
    /// returns what is stored then.
    pub(super) async fn apply(
        &self,
        tx: &mut Tx,
        revised: Revised,
        change: &ConnectorChange,
        keys: &ProjectKeys,
    ) -> Result<ProjectConnector, SettingsError> {
        let Revised { mut settings, client, key, effect } = revised;
        if effect == Effect::Reconnect {
            let ended = self.count_unusable(tx, &settings, key.as_ref()).await?;
            if ended > 0 && change.confirmed != Some(ended) {
                return Err(SettingsError::ConfirmationRequired(ended));
            }
            require_reconnects(tx, &settings, self.base.now()).await?;
        }
        if let Some(client) = client {
            self.replace_client(&mut settings, &client, effect, keys);
        }
        project_connectors::update(tx, &settings).await.map_err(Fault::from)?;
        if let Some(key) = key {
            self.project_key.put_project_key(tx, &settings, &key, keys).await?;
        }
        tracing::info!(project_connector.id = %settings.id, "connector changed");
        Ok(settings)
    }

    /// Returns how many connections become unusable; not the project's own, where its key is
    /// entered anew.
    async fn count_unusable(
        &self,
        tx: &mut Tx,
        settings: &ProjectConnector,
        key: Option<&OpenAccount>,
    ) -> Result<i64, Fault> {
        let tenant = settings.tenant;
        let id = settings.id;
        let counts = connections::counts(&mut *tx, tenant, id).await?;
        let active = counts.iter().find(|(status, _)| *status == ConnectionStatus::Active);
        let mut ended = active.map_or(0, |(_, number)| *number);
        if key.is_some() {
            let own = connections::serving(&mut *tx, tenant, id, &Owner::Project).await?;
            let is_active = own.iter().any(|own| own.status() == ConnectionStatus::Active);
            ended -= i64::from(is_active);
        }
        Ok(ended)
    }

    fn replace_client(
        &self,
        settings: &mut ProjectConnector,
        client: &Client,
        effect: Effect,
        keys: &ProjectKeys,
    ) {
        let previous = settings.client.take();
        let mut fresh = self.sealed_client(settings, client, keys);
        if effect == Effect::NewSecret {
            let until = self.base.now().after(Retired::LIFE);
            fresh.previous = previous.map(|old| Retired { secret: old.secret, until });
        }
        settings.client = Some(fresh);
    }
}

async fn require_reconnects(
    tx: &mut Tx,
    settings: &ProjectConnector,
    now: Timestamp,
) -> Result<(), Fault> {
    let tenant = settings.tenant;
    let id = settings.id;
    let why = StatusReason::ClientChanged;
    connections::expire_all(tx, tenant, id, why).await?;
    connections::revoke_unconfirmed(tx, tenant, id, why, now).await?;
    auth_requests::fail_all(tx, tenant, id, AuthFailure::SettingsChanged).await?;
    Ok(())
}
