//! Many connections of a project connector at once.

use astralform_domain::{EndUserId, ProjectConnectorId, StatusReason, Tenant, Timestamp};

use crate::{
    Db, Result, Topic, Tx, bind::binds, db::Run as _, revocations, row::Count,
    status_changes::StatusUpdate,
};

/// Which connections of a project connector are meant: those that match every field that is set.
#[derive(Clone, Copy, Default)]
pub struct ConnectionSelection<'a> {
    /// Those of this end user.
    pub end_user: Option<&'a EndUserId>,
    /// Those that were used since then.
    pub used_since: Option<Timestamp>,
}

/// Revokes those connections of a project connector that are not revoked yet; returns how many.
pub async fn revoke_all(
    tx: &mut Tx,
    tenant: Tenant,
    project_connector: ProjectConnectorId,
    which: ConnectionSelection<'_>,
    reason: StatusReason,
    now: Timestamp,
) -> Result<u64> {
    const SQL: &str = "
        UPDATE connections
        SET status = 'revoked', is_default = FALSE, reason = $4, previous_status = status,
            status_changes = status_changes + 1, last_change = $7, ended_at = $8
        WHERE project_id = $1 AND environment = $2 AND project_connector_id = $3
          AND status <> 'revoked'
          AND ($5 IS NULL OR end_user_id =
              (SELECT id FROM end_users
               WHERE project_id = $1 AND environment = $2 AND external_id = $5))
          AND ($6 IS NULL OR EXISTS
              (SELECT 1 FROM connection_uses
               WHERE connection_uses.connection_id = connections.id AND used_at >= $6))";
    let Tenant { project, environment } = tenant;
    let ConnectionSelection { end_user, used_since } = which;
    let change = StatusUpdate::new(tx);
    let binds =
        binds![project, environment, project_connector, reason, end_user, used_since, change, now];
    let revoked = tx.change(Topic::Project(project), SQL, binds).await?;
    revocations::request_all(tx, change, now).await?;
    change.tell(tx).await?;
    Ok(revoked)
}

/// Returns how many connections that would revoke.
pub async fn count(
    db: &Db,
    tenant: Tenant,
    project_connector: ProjectConnectorId,
    which: ConnectionSelection<'_>,
) -> Result<i64> {
    const SQL: &str = "
        SELECT COUNT(*) AS number FROM connections
        WHERE project_id = $1 AND environment = $2 AND project_connector_id = $3
          AND status <> 'revoked'
          AND ($4 IS NULL OR end_user_id =
              (SELECT id FROM end_users
               WHERE project_id = $1 AND environment = $2 AND external_id = $4))
          AND ($5 IS NULL OR EXISTS
              (SELECT 1 FROM connection_uses
               WHERE connection_uses.connection_id = connections.id AND used_at >= $5))";
    let Tenant { project, environment } = tenant;
    let ConnectionSelection { end_user, used_since } = which;
    let binds = binds![project, environment, project_connector, end_user, used_since];
    let found: Option<Count> = db.optional(SQL, binds).await?;
    Ok(found.map_or(0, |Count(number)| number))
}

/// Revokes the connections of a project connector that await confirmation; returns how many.
pub async fn revoke_unconfirmed(
    tx: &mut Tx,
    tenant: Tenant,
    project_connector: ProjectConnectorId,
    reason: StatusReason,
    now: Timestamp,
) -> Result<u64> {
    const SQL: &str = "
        UPDATE connections
        SET status = 'revoked', reason = $4, previous_status = status,
            status_changes = status_changes + 1, last_change = $5, ended_at = $6
        WHERE project_id = $1 AND environment = $2 AND project_connector_id = $3
          AND status = 'awaiting_confirmation'";
    let Tenant { project, environment } = tenant;
    let change = StatusUpdate::new(tx);
    let binds = binds![project, environment, project_connector, reason, change, now];
    let revoked = tx.change(Topic::Project(project), SQL, binds).await?;
    revocations::request_all(tx, change, now).await?;
    change.tell(tx).await?;
    Ok(revoked)
}

/// Makes every usable connection of a project connector one that its owner has to renew; returns
/// how many.
pub async fn expire_all(
    tx: &mut Tx,
    tenant: Tenant,
    project_connector: ProjectConnectorId,
    reason: StatusReason,
) -> Result<u64> {
    const SQL: &str = "
        UPDATE connections
        SET status = 'needs_reauth', reason = $4, previous_status = status,
            status_changes = status_changes + 1, last_change = $5
        WHERE project_id = $1 AND environment = $2 AND project_connector_id = $3
          AND status = 'active'";
    let Tenant { project, environment } = tenant;
    let change = StatusUpdate::new(tx);
    let binds = binds![project, environment, project_connector, reason, change];
    let changed = tx.change(Topic::Project(project), SQL, binds).await?;
    change.tell(tx).await?;
    Ok(changed)
}
