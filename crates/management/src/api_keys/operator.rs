//! API keys for the operator, straight on the database.

use astralform_domain::{Actor, ApiKeyId, Environment, ProjectId};
use astralform_engine::{
    Fault,
    audit::{AuditChain, Event, record_or_go_on},
};
use astralform_storage::{
    Db,
    api_keys::{self, KeyFilter, ListedKey},
    sessions,
};

use super::RevokeOutcome;

/// Revokes an API key for the operator, with the sessions of its project and environment where that
/// is wanted. It takes no master key; without one, the audit log has no entry of it. Servers that
/// run know within a second.
///
/// # Errors
/// When the database does not store it.
pub async fn revoke_as_operator(
    db: &Db,
    id: ApiKeyId,
    with_sessions: bool,
    chain: Option<&AuditChain>,
) -> Result<(RevokeOutcome, usize), Fault> {
    let mut tx = db.begin(Actor::Operator).await?;
    let now = tx.now();
    let before = api_keys::revoke(&mut tx, id, now).await?;
    let sessions = match &before {
        Some(key) if with_sessions => sessions::end_environment(&mut tx, key.access.tenant).await?,
        _ => 0,
    };
    let event = Event::new("api_key.revoked", id).with("ended_sessions", sessions);
    record_or_go_on(&mut tx, chain, &event).await?;
    tx.commit().await?;
    Ok((
        before.map_or(RevokeOutcome::Unknown, |key| RevokeOutcome::after(key.revoked_at)),
        sessions,
    ))
}

/// Returns the API keys that an operator sees: those of a project, or all.
///
/// # Errors
/// When the database does not answer.
pub async fn list_as_operator(
    db: &Db,
    project: Option<ProjectId>,
    environment: Option<Environment>,
) -> Result<Vec<ListedKey>, Fault> {
    Ok(api_keys::list(db, KeyFilter { project, environment, ..KeyFilter::default() }).await?)
}
