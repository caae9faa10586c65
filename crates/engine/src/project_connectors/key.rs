use std::time::Duration;

use astralform_catalog::{Auth, Connector};
use astralform_domain::{
    Account, Connection, ConnectionId, ConnectionStatus, HostSet, Owner, ProjectConnector,
    ScopeSet, Tenant, Timestamp, limits,
};
use astralform_storage::{Tx, connections, tokens};
use astralform_vault::{ProjectKeys, Purpose};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use thiserror::Error;

use super::{KeyShown, Ready, reach};
use crate::{
    Engine, Fault, chain,
    connections::{OpenToken, open_all},
    credentials::CredentialParts,
    egress::{Allowance, REDACTED},
    identity::{IdentityError, identity_request, read_account},
};

/// Why a key that was entered is not stored.
#[derive(Debug, Error)]
pub(crate) enum VerifyError {
    #[error("{0}")]
    Refused(String),
    /// Nobody knows whether it is good, and why.
    #[error("{0}")]
    Unanswered(String),
    /// It cannot be sent before somebody changes a setting.
    #[error("{0}")]
    NotSent(String),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A key that the provider takes.
pub(crate) struct VerifiedKey {
    pub(crate) account: Account,
    pub(crate) parts: CredentialParts,
    pub(crate) hosts: HostSet,
}

const WITHIN: Duration = Duration::from_secs(15);
const AT_MOST: usize = limits::TOKEN_ANSWER.count();

impl VerifiedKey {
    /// Returns the key as the one token of a connection.
    pub(crate) fn token(&self, ready: &Ready<'_>, now: Timestamp) -> OpenToken {
        OpenToken {
            kind: ready.connector.api.token.clone(),
            written_at: now,
            access_token: self.parts.to_text(),
            refresh_token: None,
            expires_at: None,
            scopes: ScopeSet::default(),
            in_doubt: false,
        }
    }
}

impl Engine {
    /// Shows a key to the provider, by the cheapest call that the connector knows.
    pub(crate) async fn verify_key(
        &self,
        ready: &Ready<'_>,
        parts: CredentialParts,
    ) -> Result<VerifiedKey, VerifyError> {
        let refused = |why: &str| VerifyError::Refused(why.to_owned());
        let addresses = match ready.addresses_for(&parts) {
            Ok(addresses) => addresses.into_owned(),
            Err(_) => return Err(refused("a part of its address cannot be one")),
        };
        let request = identity_request(ready.connector, &addresses, &parts);
        let request = request.ok_or_else(|| refused("it cannot stand in a request"))?;
        let allowance =
            Allowance { reach: reach(&ready.settings), within: WITHIN, at_most: AT_MOST };
        let answer = self.egress.send(request, allowance).await.map_err(|error| {
            tracing::warn!(error = chain(&error), "an API key could not be verified");
            let why = error.explain();
            if error.is_ours() { VerifyError::NotSent(why) } else { VerifyError::Unanswered(why) }
        })?;
        let account = match read_account(ready.connector, &answer) {
            // A provider that names the account by its key: several keys are not one account.
            Ok(Some(Account { id, label })) if id.contains(REDACTED) => {
                let account = self.account_of_key(ready.settings.tenant, &parts).await?;
                Account { label, ..account }
            }
            Ok(Some(account)) => account,
            Ok(None) => self.account_of_key(ready.settings.tenant, &parts).await?,
            Err(IdentityError::Refused(why)) => return Err(VerifyError::Refused(why)),
            Err(IdentityError::Unclear | IdentityError::NoId) => {
                return Err(VerifyError::Unanswered(answer.explain()));
            }
        };
        Ok(VerifiedKey { account, parts, hosts: addresses.hosts() })
    }

    /// Returns the account of a key whose provider does not name any: the key stands for it.
    async fn account_of_key(
        &self,
        tenant: Tenant,
        parts: &CredentialParts,
    ) -> Result<Account, Fault> {
        let key = self.keys.of(&self.db, tenant.project).await?;
        let tag = key.tag(Purpose::KeyAccount, parts.to_text().expose().as_bytes());
        Ok(Account { id: URL_SAFE_NO_PAD.encode(tag), label: format!("key {}", parts.hint()) })
    }

    /// Returns the project's own API key, where it has one.
    pub(super) async fn project_key(
        &self,
        ready: &Ready<'_>,
    ) -> Result<Option<CredentialParts>, Fault> {
        let settings = &ready.settings;
        let shared = connections::serving(&self.db, settings.tenant, settings.id, None).await?;
        let Some(shared) = shared.first() else { return Ok(None) };
        let text = self.open_tokens(shared).await?.into_iter().next();
        Ok(text.and_then(|token| CredentialParts::opened(ready.connector, token.access_token)))
    }

    /// Returns whether the project has a key that opens, bound to the hosts of these settings.
    pub(super) async fn project_key_opens(
        &self,
        tx: &mut Tx,
        settings: &ProjectConnector,
        connector: &Connector,
        keys: &ProjectKeys,
    ) -> Result<bool, Fault> {
        let Some(addresses) = self.addresses(settings, connector) else { return Ok(false) };
        if addresses.hosts() != settings.hosts {
            return Ok(false);
        }
        let shared = connections::serving(&mut *tx, settings.tenant, settings.id, None).await?;
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
        let connector = self.catalog.connector(&settings.connector);
        let is_by_key = |found: &&Connector| matches!(found.auth(), Auth::ApiKey(_));
        let Some(connector) = connector.filter(is_by_key) else { return Ok(None) };
        let shared = connections::serving(&self.db, settings.tenant, settings.id, None).await?;
        let Some(own) = shared.first() else { return Ok(None) };
        let tokens = match self.open_tokens(own).await {
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
        ready: &Ready<'_>,
        key: &VerifiedKey,
        keys: &ProjectKeys,
    ) -> Result<(), Fault> {
        let tenant = ready.settings.tenant;
        let pcon = ready.settings.id;
        let known = connections::serving(&mut *tx, tenant, pcon, None).await?;
        let fresh = || ConnectionId::new(&self.clock, &self.entropy);
        let connection = Connection {
            id: known.first().map_or_else(fresh, |known| known.id),
            tenant,
            project_connector: pcon,
            owner: Owner::Project,
            account: key.account.clone(),
            label: None,
            is_default: true,
            status: ConnectionStatus::Active,
            reason: None,
            scopes: ScopeSet::default(),
            hosts: key.hosts.clone(),
            created_at: self.clock.now(),
        };
        if known.is_empty() {
            connections::create(tx, &connection, None).await?;
        } else {
            connections::update(tx, &connection).await?;
        }
        let token = key.token(ready, self.clock.now());
        self.store_tokens(tx, &connection, &[token], keys).await.map(drop)
    }
}
