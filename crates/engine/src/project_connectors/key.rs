use std::sync::Arc;

use astralform_catalog::{Auth, Connector};
use astralform_domain::{
    Connection, ConnectionId, ConnectionState, Owner, ProjectConnector, ScopeSet,
};
use astralform_provider::request::CredentialParts;
use astralform_storage::{Tx, connections, tokens};
use astralform_vault::ProjectKeys;

use super::KeyShown;
use crate::{
    Fault,
    base::Base,
    connections::{Connections, OpenAccount, open_all},
    connectors::{Connectors, Ready},
};

/// The project's own API key of a connector, which serves all of its end users.
#[derive(Clone)]
pub struct ProjectKey {
    base: Arc<Base>,
    connections: Arc<Connections>,
    connectors: Arc<Connectors>,
}

impl ProjectKey {
    pub(crate) fn new(
        base: &Arc<Base>,
        connections: &Arc<Connections>,
        connectors: &Arc<Connectors>,
    ) -> Self {
        Self {
            base: Arc::clone(base),
            connections: Arc::clone(connections),
            connectors: Arc::clone(connectors),
        }
    }

    /// Returns the project's own API key, where it has one.
    pub(super) async fn project_key(
        &self,
        ready: &Ready,
    ) -> Result<Option<CredentialParts>, Fault> {
        let settings = &ready.settings;
        let shared =
            connections::serving(&self.base.db, settings.tenant, settings.id, &Owner::Project)
                .await?;
        let Some(shared) = shared.first() else { return Ok(None) };
        let text = self.connections.open_tokens(shared).await?.into_iter().next();
        Ok(text.and_then(|token| CredentialParts::opened(&ready.connector, token.access_token)))
    }

    /// Returns whether the project has a key that opens, bound to the hosts of these settings.
    pub(super) async fn project_key_opens(
        &self,
        tx: &mut Tx,
        settings: &ProjectConnector,
        connector: &Connector,
        keys: &ProjectKeys,
    ) -> Result<bool, Fault> {
        let Some(addresses) = self.connectors.addresses(settings, connector) else {
            return Ok(false);
        };
        if addresses.hosts() != settings.hosts {
            return Ok(false);
        }
        let shared =
            connections::serving(&mut *tx, settings.tenant, settings.id, &Owner::Project).await?;
        let Some(own) = shared.first().filter(|own| own.hosts.are(&settings.hosts)) else {
            return Ok(false);
        };
        let stored = tokens::of(tx, own.id).await?;
        match open_all(own, &stored, keys) {
            Err(Fault::Integrity(_)) => Ok(false),
            opened => opened.map(|tokens| !tokens.is_empty()),
        }
    }

    /// Returns what is shown of the project's key.
    pub(super) async fn key_shown(
        &self,
        settings: &ProjectConnector,
    ) -> Result<Option<KeyShown>, Fault> {
        let connector = self.base.catalog.connector(&settings.connector);
        let Some(connector) = connector else { return Ok(None) };
        if !matches!(connector.auth(), Auth::ApiKey(_)) {
            return Ok(None);
        }
        let shared =
            connections::serving(&self.base.db, settings.tenant, settings.id, &Owner::Project)
                .await?;
        let Some(own) = shared.first() else { return Ok(None) };
        let tokens = match self.connections.open_tokens(own).await {
            Err(Fault::Integrity(_)) => return Ok(None),
            opened => opened?,
        };
        let Some(token) = tokens.into_iter().next() else { return Ok(None) };
        let set_at = token.written_at;
        let parts = CredentialParts::opened(connector, token.access_token);
        Ok(parts.map(|parts| KeyShown { hint: parts.hint(), set_at }))
    }

    /// Stores a key as the one that serves the whole project, in place of the one it had.
    pub(super) async fn put_project_key(
        &self,
        tx: &mut Tx,
        settings: &ProjectConnector,
        key: &OpenAccount,
        keys: &ProjectKeys,
    ) -> Result<(), Fault> {
        let tenant = settings.tenant;
        let pcon = settings.id;
        let known = connections::serving(&mut *tx, tenant, pcon, &Owner::Project).await?;
        let id = match known.first() {
            Some(known) => known.id,
            None => ConnectionId::new(&self.base.clock, &self.base.entropy),
        };
        let connection = Connection {
            id,
            tenant,
            project_connector: pcon,
            owner: Owner::Project,
            account: key.account.clone(),
            label: None,
            is_default: true,
            state: ConnectionState::ACTIVE,
            scopes: ScopeSet::default(),
            hosts: key.hosts.clone(),
            created_at: self.base.now(),
        };
        if known.is_empty() {
            connections::create(tx, &connection, None).await?;
        } else {
            connections::update(tx, &connection).await?;
        }
        self.connections.store_tokens(tx, &connection, &key.tokens, keys).await.map(drop)
    }
}
