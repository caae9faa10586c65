//! What opens the product from outside: API keys and admin tokens. Each kind is made in one
//! function alone.

use std::sync::Arc;

use astralform_domain::{AdminTokenId, ApiKeyId, Email, MemberId, Secret, Timestamp};

use crate::{base::Base, row_tags::RowTags};
pub use astralform_storage::api_keys::Access;
use astralform_storage::{
    Db, Tx,
    admin_tokens::{self, AdminToken},
    api_keys::{self, ApiKey},
    members::{self, Member},
    sessions,
};

use astralform_vault::TagKey;

use crate::{Fault, bearer, row_tags::Granting as _};

/// A fresh API key. Its text cannot be had again.
pub struct NewApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What it opens.
    pub access: Access,
    /// Its text.
    pub secret: Secret,
}

/// A fresh admin token. Its text cannot be had again.
pub struct NewAdminToken {
    /// Its id.
    pub id: AdminTokenId,
    /// The address of the member whose it is.
    pub email: Email,
    /// Its text.
    pub secret: Secret,
}

/// What takes the place of keys and tokens that were all revoked.
pub struct Reopened {
    /// An API key for each project, environment and agent that had one.
    pub api_keys: Vec<NewApiKey>,
    /// Whether more had one than get one.
    pub is_cut_short: bool,
    /// An admin token for an owner of each team that has a project.
    pub admin_tokens: Vec<NewAdminToken>,
}

/// The most API keys that are made at once: as many as an operator can look through.
const AT_ONCE: i64 = 100;

/// API keys and admin tokens, each made by one function.
#[derive(Clone)]
pub struct AccessKeys {
    base: Arc<Base>,
    row_tags: Arc<RowTags>,
}

impl AccessKeys {
    pub(crate) fn new(base: &Arc<Base>, row_tags: &Arc<RowTags>) -> Self {
        Self { base: Arc::clone(base), row_tags: Arc::clone(row_tags) }
    }

    /// Makes an API key.
    ///
    /// # Errors
    /// When the database does not store it.
    pub async fn new_api_key(&self, access: Access) -> Result<NewApiKey, Fault> {
        let key = self.row_tags.installation_key().await?;
        let mut tx = self.base.begin().await?;
        let made = self.add_api_key(&mut tx, access, &key).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Makes an admin token of a member.
    ///
    /// # Errors
    /// When the database does not store it.
    pub async fn new_admin_token(&self, of: &Member) -> Result<NewAdminToken, Fault> {
        let key = self.row_tags.installation_key().await?;
        let mut tx = self.base.begin().await?;
        let made = self.add_admin_token(&mut tx, of, &key).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Makes API keys and admin tokens in place of those that were all revoked at a moment.
    ///
    /// # Errors
    /// When the database does not store them; then none is made.
    pub async fn reopen(&self, revoked_at: Timestamp) -> Result<Reopened, Fault> {
        let key = self.row_tags.installation_key().await?;
        let mut tx = self.base.begin().await?;
        let mut ended = api_keys::ended_at(&mut tx, revoked_at, AT_ONCE + 1).await?;
        let most = usize::try_from(AT_ONCE).unwrap_or_default();
        let is_cut_short = ended.len() > most;
        ended.truncate(most);
        let mut reopened =
            Reopened { api_keys: Vec::new(), is_cut_short, admin_tokens: Vec::new() };
        for access in ended {
            reopened.api_keys.push(self.add_api_key(&mut tx, access, &key).await?);
        }
        for member in members::owners(&mut tx).await? {
            reopened.admin_tokens.push(self.add_admin_token(&mut tx, &member, &key).await?);
        }
        tx.commit().await?;
        Ok(reopened)
    }

    /// Stores a fresh API key. Nothing else makes one.
    pub(crate) async fn add_api_key(
        &self,
        tx: &mut Tx,
        access: Access,
        installation: &TagKey,
    ) -> Result<NewApiKey, Fault> {
        let id = ApiKeyId::new(&self.base.clock, &self.base.entropy);
        let Access { tenant, agent } = access;
        let prefix = format!("sk_{}", tenant.environment);
        let (secret, secret_hash) = bearer::mint(&prefix, id, &self.base.entropy);
        let hint = secret.hint();
        let tag = None;
        let revoked_at = None;
        let mut key = ApiKey { id, tenant, agent, secret_hash, hint, tag, revoked_at };
        key.tag = Some(key.tag_by(installation));
        api_keys::create(tx, &key, self.base.now()).await?;
        Ok(NewApiKey { id, access, secret })
    }

    /// Stores a fresh admin token. Nothing else makes one.
    pub(crate) async fn add_admin_token(
        &self,
        tx: &mut Tx,
        of: &Member,
        installation: &TagKey,
    ) -> Result<NewAdminToken, Fault> {
        let (id, member): (_, MemberId) =
            (AdminTokenId::new(&self.base.clock, &self.base.entropy), of.id);
        let (secret, secret_hash) = bearer::mint("pat", id, &self.base.entropy);
        let hint = secret.hint();
        let tag = None;
        let revoked_at = None;
        let mut token = AdminToken { id, member, secret_hash, hint, tag, revoked_at };
        token.tag = Some(token.tag_by(installation));
        admin_tokens::create(tx, &token, self.base.now()).await?;
        Ok(NewAdminToken { id, email: of.email.clone(), secret })
    }
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

impl RevokeOutcome {
    fn after(revoked_before: Option<Timestamp>) -> Self {
        revoked_before.map_or(Self::Now, Self::Before)
    }
}

/// Revokes an API key, with the sessions of its project and environment where that is wanted. It
/// takes no master key. Servers that run know within a second.
///
/// # Errors
/// When the database does not store it.
pub async fn revoke_api_key(
    db: &Db,
    id: ApiKeyId,
    with_sessions: bool,
    now: Timestamp,
) -> Result<(RevokeOutcome, usize), Fault> {
    let mut tx = db.begin().await?;
    let before = api_keys::revoke(&mut tx, id, now).await?;
    let sessions = match &before {
        Some(key) if with_sessions => sessions::end_environment(&mut tx, key.tenant).await?,
        _ => 0,
    };
    tx.commit().await?;
    Ok((
        before.map_or(RevokeOutcome::Unknown, |key| RevokeOutcome::after(key.revoked_at)),
        sessions,
    ))
}

/// Revokes an admin token. It takes no master key; the next request with it is refused.
///
/// # Errors
/// When the database does not store it.
pub async fn revoke_admin_token(
    db: &Db,
    id: AdminTokenId,
    now: Timestamp,
) -> Result<RevokeOutcome, Fault> {
    let mut tx = db.begin().await?;
    let before = admin_tokens::revoke(&mut tx, id, now).await?;
    tx.commit().await?;
    Ok(before.map_or(RevokeOutcome::Unknown, |token| RevokeOutcome::after(token.revoked_at)))
}
