//! How unfinished auth requests end.

use astralform_domain::{
    AuthFailure, AuthRequest, AuthRequestId, ConnectionId, ConnectorSlug, EndUserKey,
    ProjectConnectorId, Tenant, Timestamp,
};

use crate::{
    Db, Result, Tx,
    bind::{Bind, binds},
    connection_events::PromptUpdate,
    db::{Row, Run as _},
    row::{Id, Record},
};

/// Forgets the oldest of an end user's requests that have ended, all but `kept`.
pub async fn forget_ended(tx: &mut Tx, end_user: EndUserKey, kept: i64) -> Result<u64> {
    const NEWEST: &str = "
        SELECT id FROM auth_requests
        WHERE end_user_id = $1 AND status NOT IN ('pending', 'awaiting_confirmation')
        ORDER BY id DESC LIMIT 1 OFFSET $2";
    const STATES: &str = "
        DELETE FROM oauth_states WHERE auth_request_id IN (
            SELECT id FROM auth_requests
            WHERE end_user_id = $1 AND id <= $2
              AND status NOT IN ('pending', 'awaiting_confirmation'))";
    const REQUESTS: &str = "
        DELETE FROM auth_requests
        WHERE end_user_id = $1 AND id <= $2
          AND status NOT IN ('pending', 'awaiting_confirmation')";
    let newest = tx.optional::<Id<AuthRequestId>>(NEWEST, binds![end_user, kept]).await?;
    let Some(Id(newest)) = newest else { return Ok(0) };
    tx.execute(STATES, binds![end_user, newest]).await?;
    tx.execute(REQUESTS, binds![end_user, newest]).await
}

/// Ends every open request of a project connector; those waiting to be confirmed are among them.
pub async fn fail_all(
    tx: &mut Tx,
    tenant: Tenant,
    project_connector: ProjectConnectorId,
    failure: AuthFailure,
) -> Result<u64> {
    const SQL: &str = "
        UPDATE auth_requests SET status = 'failed', failure = $4, last_change = $5
        WHERE project_id = $1 AND environment = $2 AND project_connector_id = $3
          AND status IN ('pending', 'awaiting_confirmation')";
    let Tenant { project, environment } = tenant;
    let update = PromptUpdate::new(tx);
    let binds = binds![project, environment, project_connector, failure, update];
    change(tx, update, SQL, binds).await
}

/// Ends the request that led to a connection which is not confirmed yet.
pub async fn decline(tx: &mut Tx, connection: ConnectionId) -> Result<u64> {
    const SQL: &str = "
        UPDATE auth_requests SET status = 'declined', last_change = $2
        WHERE connection_id = $1 AND status = 'awaiting_confirmation'";
    let update = PromptUpdate::new(tx);
    change(tx, update, SQL, binds![connection, update]).await
}

/// Ends the requests of a project connector that led to connections which have ended unconfirmed.
pub async fn decline_ended(tx: &mut Tx, at: ProjectConnectorId) -> Result<u64> {
    const SQL: &str = "
        UPDATE auth_requests SET status = 'declined', last_change = $2
        WHERE project_connector_id = $1 AND status = 'awaiting_confirmation'
          AND connection_id IN (SELECT id FROM connections
                                WHERE project_connector_id = $1 AND status = 'revoked')";
    let update = PromptUpdate::new(tx);
    change(tx, update, SQL, binds![at, update]).await
}

/// Ends every open request of an end user.
pub async fn decline_all(tx: &mut Tx, of: EndUserKey) -> Result<u64> {
    const SQL: &str = "
        UPDATE auth_requests SET status = 'declined', last_change = $2
        WHERE end_user_id = $1 AND status IN ('pending', 'awaiting_confirmation')";
    let update = PromptUpdate::new(tx);
    change(tx, update, SQL, binds![of, update]).await
}

/// Returns requests that were not confirmed in time, the oldest first, `limit` at most.
pub async fn unconfirmed(db: &Db, now: Timestamp, limit: i64) -> Result<Vec<AuthRequest>> {
    const SQL: &str = "
        SELECT auth_requests.*, end_users.external_id, project_connectors.connector
        FROM auth_requests
        LEFT JOIN end_users ON end_users.id = auth_requests.end_user_id
        JOIN project_connectors ON project_connectors.id = auth_requests.project_connector_id
        WHERE auth_requests.status = 'awaiting_confirmation' AND auth_requests.expires_at <= $1
        ORDER BY auth_requests.expires_at LIMIT $2";
    db.all(SQL, binds![now, limit]).await
}

/// Closes pending requests that were not finished in time; returns how many.
pub async fn expire_pending(tx: &mut Tx, now: Timestamp) -> Result<Vec<Expired>> {
    const SQL: &str = "
        UPDATE auth_requests SET status = 'expired', last_change = $2
        WHERE status = 'pending' AND expires_at <= $1
        RETURNING project_id, environment,
            (SELECT connector FROM project_connectors
             WHERE project_connectors.id = auth_requests.project_connector_id) AS connector";
    let update = PromptUpdate::new(tx);
    let expired: Vec<Expired> = tx.returning_all(SQL, binds![now, update]).await?;
    if !expired.is_empty() {
        update.tell(tx).await?;
    }
    Ok(expired)
}

/// A request that nobody finished in time.
#[derive(Debug, PartialEq, Eq)]
pub struct Expired {
    /// Where it was.
    pub tenant: Tenant,
    /// What it asked to connect.
    pub connector: ConnectorSlug,
}

impl Record for Expired {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self { tenant: row.tenant()?, connector: row.parse("connector")? })
    }
}

/// Runs a statement that sets the status of any number of requests, and tells of it; returns of how
/// many.
async fn change(
    tx: &mut Tx,
    update: PromptUpdate,
    sql: &'static str,
    binds: Vec<Bind>,
) -> Result<u64> {
    let changed = tx.execute(sql, binds).await?;
    if changed > 0 {
        update.tell(tx).await?;
    }
    Ok(changed)
}
