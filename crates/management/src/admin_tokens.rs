//! Admin tokens: what members hold outside a browser. One function makes them.

mod error;
mod operator;

use std::sync::Arc;

use crate::api_keys::{RevokeOutcome, is_name};
use astralform_domain::{
    Actor, AdminAccess, AdminTokenId, Administrator, Email, Role, Secret, Timestamp, limits,
};
use astralform_engine::{
    Base, Engine, Fault,
    audit::Event,
    bearer,
    row_tags::{Granting as _, RowTags},
};
pub use astralform_storage::admin_tokens::ListedToken;
use astralform_storage::{
    Tx,
    admin_tokens::{self, AdminToken},
    members::Member,
};
use astralform_vault::TagKey;
pub use error::AdminTokenError;
use operator::revoked;
pub use operator::{list_as_operator, revoke_as_operator};

/// A fresh admin token. Its text cannot be had again.
pub struct NewAdminToken {
    /// Its id.
    pub id: AdminTokenId,
    /// The address of the member whose it is.
    pub email: Email,
    /// Its text.
    pub secret: Secret,
}

/// An admin token to be made.
#[derive(Clone, Debug)]
pub struct WantedToken {
    /// What people call it.
    pub name: String,
    /// What it allows.
    pub access: AdminAccess,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// Makes, lists and revokes admin tokens.
#[derive(Clone)]
pub struct AdminTokens {
    base: Arc<Base>,
    row_tags: Arc<RowTags>,
}

impl AdminTokens {
    pub(crate) fn new(engine: &Engine) -> Self {
        Self { base: Arc::clone(engine.base()), row_tags: Arc::clone(&engine.row_tags) }
    }

    /// Returns a member's own tokens, the oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list(&self, of: Administrator) -> Result<Vec<ListedToken>, Fault> {
        Ok(admin_tokens::list(self.base.db(), Some(of.member)).await?)
    }

    /// Makes another token of the member who asks for it.
    ///
    /// # Errors
    /// When the token that was sent only reads, or the new one would outlive it.
    pub async fn create(
        &self,
        by: Administrator,
        wanted: WantedToken,
    ) -> Result<NewAdminToken, AdminTokenError> {
        check_writes(by)?;
        let now = self.base.now();
        if let Some(expiry) = wanted.expires_at.filter(|expiry| *expiry <= now) {
            return Err(AdminTokenError::BadExpiry(expiry));
        }
        if !is_name(&wanted.name) {
            return Err(AdminTokenError::BadName);
        }
        let maker = admin_tokens::find(self.base.db(), by.token).await.map_err(Fault::from)?;
        let maker_ends = maker.and_then(|maker| maker.expires_at);
        if let Some(end) = maker_ends
            && wanted.expires_at.is_none_or(|expiry| expiry > end)
        {
            return Err(AdminTokenError::OutlivesMaker(end));
        }
        let member = astralform_storage::members::find(self.base.db(), by.member).await;
        let member = member.map_err(Fault::from)?;
        let member = member.ok_or(Fault::Inconsistent("a token's member is gone"))?;
        self.make(actor(by), &member, wanted).await
    }

    /// Makes a token of a member for the operator.
    ///
    /// # Errors
    /// When the member has too many.
    pub async fn create_as_operator(
        &self,
        of: &Member,
        wanted: WantedToken,
    ) -> Result<NewAdminToken, AdminTokenError> {
        self.make(Actor::Operator, of, wanted).await
    }

    async fn make(
        &self,
        actor: Actor,
        of: &Member,
        wanted: WantedToken,
    ) -> Result<NewAdminToken, AdminTokenError> {
        let key = self.row_tags.installation_key().await?;
        let chain = self.base.installation_chain().await?;
        let mut tx = self.base.begin(actor).await.map_err(Fault::from)?;
        let known = admin_tokens::count_live(&mut tx, of.id, self.base.now()).await;
        let would_be = usize::try_from(known.map_err(Fault::from)? + 1).unwrap_or(usize::MAX);
        if limits::ADMIN_TOKENS.is_exceeded_by(would_be) {
            return Err(AdminTokenError::TooMany);
        }
        let access = wanted.access;
        let made = self.add(&mut tx, of, wanted, &key).await?;
        let event = Event::new("admin_token.created", made.id).with("member", of.id.to_string());
        chain.record(&mut tx, &event.with("access", access.as_str())).await?;
        tx.commit().await.map_err(Fault::from)?;
        tracing::info!(admin_token.id = %made.id, "admin token made");
        Ok(made)
    }

    /// Revokes one of a member's own tokens; the next request with it is refused.
    ///
    /// # Errors
    /// When they have none of that id.
    pub async fn revoke(
        &self,
        by: Administrator,
        id: AdminTokenId,
    ) -> Result<RevokeOutcome, AdminTokenError> {
        check_writes(by)?;
        let found = admin_tokens::find(self.base.db(), id).await.map_err(Fault::from)?;
        if found.is_none_or(|found| found.member != by.member) {
            return Err(AdminTokenError::Unknown);
        }
        let chain = self.base.installation_chain().await?;
        Ok(revoked(self.base.db(), actor(by), id, Some(&chain)).await?)
    }

    /// Stores a fresh admin token. Nothing else makes one.
    pub(crate) async fn add(
        &self,
        tx: &mut Tx,
        of: &Member,
        wanted: WantedToken,
        installation: &TagKey,
    ) -> Result<NewAdminToken, Fault> {
        let id = AdminTokenId::new(self.base.clock(), self.base.entropy());
        let (secret, secret_hash) = bearer::mint("pat", id, self.base.entropy());
        let mut token = AdminToken {
            id,
            member: of.id,
            name: wanted.name,
            access: wanted.access,
            secret_hash,
            hint: secret.hint(),
            tag: None,
            expires_at: wanted.expires_at,
            used_at: None,
            revoked_at: None,
        };
        token.tag = Some(token.tag_by(installation));
        admin_tokens::create(tx, &token, self.base.now()).await?;
        Ok(NewAdminToken { id, email: of.email.clone(), secret })
    }
}

impl WantedToken {
    /// Returns a token that may everything its member may, and does not end by itself.
    pub fn unlimited(name: &str) -> Self {
        Self { name: name.to_owned(), access: AdminAccess::Write, expires_at: None }
    }
}

fn check_writes(by: Administrator) -> Result<(), AdminTokenError> {
    match by.access {
        AdminAccess::Write => Ok(()),
        AdminAccess::Read => Err(AdminTokenError::ReadOnly),
    }
}

/// Returns a member who acts on what is theirs alone, where no team has a say.
const fn actor(by: Administrator) -> Actor {
    Actor::Member { administrator: by, role: Role::Member }
}
