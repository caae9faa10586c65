//! Admin tokens for the operator, straight on the database.

use astralform_domain::{Actor, AdminTokenId, MemberId};
use astralform_engine::{
    Fault,
    audit::{AuditChain, Event, record_or_go_on},
};
use astralform_storage::{
    Db,
    admin_tokens::{self, ListedToken},
};

use crate::api_keys::RevokeOutcome;

/// Revokes an admin token for the operator. It takes no master key; without one, the audit log has
/// no entry of it. The next request with the token is refused.
///
/// # Errors
/// When the database does not store it.
pub async fn revoke_as_operator(
    db: &Db,
    id: AdminTokenId,
    chain: Option<&AuditChain>,
) -> Result<RevokeOutcome, Fault> {
    revoked(db, Actor::Operator, id, chain).await
}

pub(super) async fn revoked(
    db: &Db,
    actor: Actor,
    id: AdminTokenId,
    chain: Option<&AuditChain>,
) -> Result<RevokeOutcome, Fault> {
    let mut tx = db.begin(actor).await?;
    let now = tx.now();
    let before = admin_tokens::revoke(&mut tx, id, now).await?;
    record_or_go_on(&mut tx, chain, &Event::new("admin_token.revoked", id)).await?;
    tx.commit().await?;
    Ok(before.map_or(RevokeOutcome::Unknown, |token| RevokeOutcome::after(token.revoked_at)))
}

/// Returns the admin tokens that an operator sees: those of a member, or all.
///
/// # Errors
/// When the database does not answer.
pub async fn list_as_operator(
    db: &Db,
    member: Option<MemberId>,
) -> Result<Vec<ListedToken>, Fault> {
    Ok(admin_tokens::list(db, member).await?)
}
