//! API keys: what developers' backends hold. One function makes them.

mod error;
mod operator;

use std::{sync::Arc, time::Duration};

use astralform_domain::{ApiKeyId, ConnectorSlug, Environment, Secret, Timestamp, limits};
use astralform_engine::{
    Base, Engine, Fault,
    audit::Event,
    bearer,
    row_tags::{Granting as _, RowTags, is_vouched},
};

use crate::{
    Denied, Permit, ProjectActor,
    agents::{Agents, check_connectors},
    policy::Right,
};
pub use astralform_storage::api_keys::{Access, ListedKey};
use astralform_storage::{
    Tx,
    api_keys::{self, ApiKey, KeyFilter},
};
use astralform_vault::TagKey;
pub use error::ApiKeyError;
pub use operator::{list_as_operator, revoke_as_operator};
use serde_json::{Value, json};

/// How long a key lives on that was rolled, unless another time is named.
pub const OVERLAP: Duration = Duration::from_hours(24);

/// The longest time for which it lives on.
pub const LONGEST_OVERLAP: Duration = Duration::from_hours(7 * 24);

/// A fresh API key. Its text cannot be had again.
pub struct NewApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What it opens.
    pub access: Access,
    /// Its text.
    pub secret: Secret,
}

/// An API key to be made.
#[derive(Clone, Debug)]
pub struct WantedKey {
    /// The environment that it opens.
    pub environment: Environment,
    /// What people call it.
    pub name: String,
    /// The only agent it may act as, by name or id.
    pub agent: Option<String>,
    /// The only connectors it may use.
    pub connectors: Option<Vec<ConnectorSlug>>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// What became of an API key or admin token that was to be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeOutcome {
    /// It is revoked now.
    Now,
    /// It was revoked before, at that moment.
    Before(Timestamp),
    /// There is none of that id.
    Unknown,
}

/// Makes, lists, rolls and revokes API keys.
#[derive(Clone)]
pub struct ApiKeys {
    base: Arc<Base>,
    row_tags: Arc<RowTags>,
}

impl ApiKeys {
    pub(crate) fn new(engine: &Engine) -> Self {
        Self { base: Arc::clone(engine.base()), row_tags: Arc::clone(&engine.row_tags) }
    }

    /// Returns the keys of a project, the oldest first, those after `after` and `limit` at most.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list(
        &self,
        by: &ProjectActor,
        environment: Option<Environment>,
        after: Option<ApiKeyId>,
        limit: i64,
    ) -> Result<Vec<ListedKey>, Denied<Fault>> {
        let project = Some(by.may(Right::Look)?.project);
        let filter = KeyFilter { project, environment, id: None, after, limit: Some(limit) };
        let found = api_keys::list(self.base.db(), filter).await;
        found.map_err(|error| Denied::Refused(error.into()))
    }

    /// Returns the key of an id.
    ///
    /// # Errors
    /// When the project has none.
    pub async fn find(&self, by: &ProjectActor, id: ApiKeyId) -> Result<ListedKey, ApiKeyError> {
        let project = Some(by.may(Right::Look)?.project);
        let filter = KeyFilter { project, id: Some(id), ..KeyFilter::default() };
        let found = api_keys::list(self.base.db(), filter).await.map_err(Fault::from)?;
        found.into_iter().next().ok_or(ApiKeyError::Unknown)
    }

    /// Makes an API key.
    ///
    /// # Errors
    /// When it cannot be limited so, or the environment has too many.
    pub async fn create(
        &self,
        by: &ProjectActor,
        wanted: WantedKey,
    ) -> Result<NewApiKey, ApiKeyError> {
        let permit = by.may(Right::ApiKeys)?;
        let WantedKey { environment, name, agent, connectors, expires_at } = wanted;
        if !is_name(&name) {
            return Err(ApiKeyError::BadName);
        }
        if let Some(expiry) = expires_at.filter(|expiry| *expiry <= self.base.now()) {
            return Err(ApiKeyError::BadExpiry(expiry));
        }
        check_connectors(connectors.as_deref().unwrap_or_default(), self.base.catalog())?;
        let agent = match agent {
            Some(named) => Some(Agents::id_of(&self.base, permit.project, &named).await?),
            None => None,
        };
        let access = Access { tenant: permit.tenant(environment), name, agent, connectors };
        let installation = self.row_tags.installation_key().await?;
        let chain = self.base.project_chain(permit.project).await?;
        let mut tx = self.base.begin(permit.actor).await.map_err(Fault::from)?;
        self.check_room(&mut tx, &access).await?;
        let made = self.add(&mut tx, access, expires_at, &installation).await?;
        let event = Event::new("api_key.created", made.id).within(environment);
        let event = event.with("after", recorded(&made.access, expires_at));
        chain.record(&mut tx, &event).await?;
        tx.commit().await.map_err(Fault::from)?;
        tracing::info!(api_key.id = %made.id, "API key made");
        Ok(made)
    }

    async fn check_room(&self, tx: &mut Tx, access: &Access) -> Result<(), ApiKeyError> {
        let tenant = access.tenant;
        // Two that are made at once count each other.
        let locked = astralform_storage::projects::lock_environment(tx, tenant).await;
        locked.map_err(Fault::from)?;
        let known = api_keys::count_live(tx, tenant, self.base.now()).await.map_err(Fault::from)?;
        let would_be = usize::try_from(known + 1).unwrap_or(usize::MAX);
        if limits::API_KEYS.is_exceeded_by(would_be) { Err(ApiKeyError::TooMany) } else { Ok(()) }
    }

    /// Makes a key that opens what another one does, which lives on for the overlap. Servers that
    /// run know both within a second.
    ///
    /// # Errors
    /// When there is none of that id, or it is over.
    pub async fn roll(
        &self,
        by: &ProjectActor,
        id: ApiKeyId,
        overlap: Duration,
    ) -> Result<NewApiKey, ApiKeyError> {
        let permit = by.may(Right::ApiKeys)?;
        if overlap > LONGEST_OVERLAP {
            return Err(ApiKeyError::BadOverlap(overlap.as_secs()));
        }
        let installation = self.row_tags.installation_key().await?;
        let now = self.base.now();
        let chain = self.base.project_chain(permit.project).await?;
        let mut tx = self.base.begin(permit.actor).await.map_err(Fault::from)?;
        let locked = api_keys::lock(&mut tx, id).await.map_err(Fault::from)?;
        let old = of_project(locked, permit)?;
        let is_good = |old: &ApiKey| old.is_live(now) && is_vouched(old, &installation);
        let mut old = Some(old).filter(is_good).ok_or(ApiKeyError::Over)?;
        self.check_room(&mut tx, &old.access).await?;
        let access = old.access.clone();
        let expires_at = old.expires_at;
        let made = self.add(&mut tx, access, expires_at, &installation).await?;
        let end = now.after(overlap);
        old.expires_at = Some(expires_at.map_or(end, |expiry| expiry.min(end)));
        old.tag = Some(old.tag_by(&installation));
        api_keys::set_expiry(&mut tx, &old).await.map_err(Fault::from)?;
        let event = Event::new("api_key.rolled", id).within(made.access.tenant.environment);
        let event = event.with("replaced_by", made.id.to_string());
        chain.record(&mut tx, &event.with("lives_on_until", json!(old.expires_at))).await?;
        tx.commit().await.map_err(Fault::from)?;
        tracing::info!(api_key.id = %id, replaced_by = %made.id, "API key rolled");
        Ok(made)
    }

    /// Revokes a key. Servers that run know within a second.
    ///
    /// # Errors
    /// When there is none of that id.
    pub async fn revoke(
        &self,
        by: &ProjectActor,
        id: ApiKeyId,
    ) -> Result<RevokeOutcome, ApiKeyError> {
        let permit = by.may(Right::ApiKeys)?;
        let chain = self.base.project_chain(permit.project).await?;
        let mut tx = self.base.begin(permit.actor).await.map_err(Fault::from)?;
        let locked = api_keys::lock(&mut tx, id).await.map_err(Fault::from)?;
        let found = of_project(locked, permit)?;
        api_keys::revoke(&mut tx, id, self.base.now()).await.map_err(Fault::from)?;
        let event = Event::new("api_key.revoked", id).within(found.access.tenant.environment);
        let event = event.with("name", found.access.name.as_str());
        chain.record_if_possible(&self.base, &mut tx, &event).await?;
        tx.commit().await.map_err(Fault::from)?;
        tracing::info!(api_key.id = %id, "API key revoked");
        Ok(RevokeOutcome::after(found.revoked_at))
    }

    /// Stores a fresh API key. Nothing else makes one.
    pub(crate) async fn add(
        &self,
        tx: &mut Tx,
        access: Access,
        expires_at: Option<Timestamp>,
        installation: &TagKey,
    ) -> Result<NewApiKey, Fault> {
        let id = ApiKeyId::new(self.base.clock(), self.base.entropy());
        let prefix = format!("sk_{}", access.tenant.environment);
        let (secret, secret_hash) = bearer::mint(&prefix, id, self.base.entropy());
        let mut key = ApiKey {
            id,
            access,
            secret_hash,
            hint: secret.hint(),
            tag: None,
            expires_at,
            revoked_at: None,
        };
        key.tag = Some(key.tag_by(installation));
        api_keys::create(tx, &key, self.base.now()).await?;
        Ok(NewApiKey { id, access: key.access, secret })
    }
}

/// Returns what a key opens as the audit log has it.
fn recorded(access: &Access, expires_at: Option<Timestamp>) -> Value {
    json!({
        "name": access.name,
        "agent": access.agent,
        "connectors": access.connectors,
        "expires_at": expires_at,
    })
}

/// Returns a key if it belongs to the project; another's is as unknown as none.
fn of_project(found: Option<ApiKey>, permit: Permit) -> Result<ApiKey, ApiKeyError> {
    let found = found.filter(|key| key.access.tenant.project == permit.project);
    found.ok_or(ApiKeyError::Unknown)
}

pub(crate) fn is_name(name: &str) -> bool {
    let length = name.chars().count();
    length > 0
        && !limits::CREDENTIAL_NAME.is_exceeded_by(length)
        && !name.chars().any(char::is_control)
        && name.trim() == name
}

impl RevokeOutcome {
    pub(crate) fn after(revoked_before: Option<Timestamp>) -> Self {
        revoked_before.map_or(Self::Now, Self::Before)
    }
}
