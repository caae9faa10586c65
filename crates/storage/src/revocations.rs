//! What is to be ended at providers, and the receipts of it.
//!
//! A row is written by the transaction that ends a connection (`connections`), or that puts other
//! tokens in the place of a connection's, and by nothing else. Nodes claim rows for a while
//! ([`claim`]), ask the provider, and write down what came of it ([`settle`], [`postpone`]); a node
//! that dies meanwhile leaves a claim that ends by itself. A provider that is down, or wants to be
//! left alone, is paused for all of its rows ([`pause`]).

mod request;

use astralform_domain::{
    ConnectionId, ProjectConnectorId, Revocation, RevocationStatus, Tenant, Timestamp,
};

use crate::{
    Db, Result, Tx,
    bind::binds,
    db::{Row, Run as _},
    refreshes::RefreshKey,
    row::{Count, Record},
    tokens::Token,
};

pub use request::request;
pub(crate) use request::request_all;

impl Record for Revocation {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            connection: row.parse("connection_id")?,
            tenant: row.tenant()?,
            project_connector: row.parse("project_connector_id")?,
            connector: row.parse("connector")?,
            status: row.parse("status")?,
            attempts: row.int("attempts")?,
            requested_at: row.time("requested_at")?,
            next_attempt_at: row.time("next_attempt_at")?,
            last_error: row.optional_text("last_error")?,
            finished_at: row.optional_time("finished_at")?,
        })
    }
}

/// A project connector whose provider is to be asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The project and environment it belongs to.
    pub tenant: Tenant,
    /// The project connector.
    pub project_connector: ProjectConnectorId,
    /// How often in a row its provider was found not to be well.
    pub failures: i64,
}

impl Record for Due {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            tenant: row.tenant()?,
            project_connector: row.parse("project_connector_id")?,
            failures: row.int("failures")?,
        })
    }
}

/// Returns the project connectors whose providers are to be asked now: those first that were well,
/// and of them those that have waited longest.
pub async fn due(db: &Db, now: Timestamp) -> Result<Vec<Due>> {
    const SQL: &str = "
        SELECT revocations.project_connector_id, revocations.project_id, revocations.environment,
               COALESCE(MAX(revocation_pauses.failures), 0) AS failures
        FROM revocations
        LEFT JOIN revocation_pauses
            ON revocation_pauses.project_connector_id = revocations.project_connector_id
        WHERE revocations.status = 'pending' AND revocations.next_attempt_at <= $1
          AND COALESCE(revocation_pauses.paused_until, 0) <= $1
        GROUP BY revocations.project_connector_id, revocations.project_id, revocations.environment
        ORDER BY failures, MIN(revocations.next_attempt_at), revocations.project_connector_id";
    db.all(SQL, binds![now]).await
}

/// Takes due rows of a project connector, `limit` at most: until `lease`, no other node takes them.
pub async fn claim(
    db: &Db,
    at: ProjectConnectorId,
    now: Timestamp,
    lease: Timestamp,
    limit: i64,
) -> Result<Vec<Revocation>> {
    // The condition again outside: a second claimer waits for the first and looks at it once more.
    const SQL: &str = "
        UPDATE revocations SET next_attempt_at = $3, attempts = attempts + 1
        WHERE status = 'pending' AND next_attempt_at <= $2
          AND connection_id IN
              (SELECT connection_id FROM revocations
               WHERE project_connector_id = $1 AND status = 'pending' AND next_attempt_at <= $2
               ORDER BY next_attempt_at, connection_id LIMIT $4)
        RETURNING *";
    db.returning_all(SQL, binds![at, now, lease, limit]).await
}

/// Takes the row of one connection, unless it is taken, settled, or its provider not well.
pub async fn claim_one(
    db: &Db,
    connection: ConnectionId,
    now: Timestamp,
    lease: Timestamp,
) -> Result<Option<Revocation>> {
    const SQL: &str = "
        UPDATE revocations SET next_attempt_at = $3, attempts = attempts + 1
        WHERE connection_id = $1 AND status = 'pending' AND next_attempt_at <= $2
          AND NOT EXISTS
              (SELECT 1 FROM revocation_pauses
               WHERE revocation_pauses.project_connector_id = revocations.project_connector_id)
        RETURNING *";
    db.returning(SQL, binds![connection, now, lease]).await
}

/// Gives a claimed row back untried.
pub async fn release(tx: &mut Tx, claimed: &Revocation, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        UPDATE revocations SET next_attempt_at = $2, attempts = attempts - 1
        WHERE connection_id = $1 AND status = 'pending' AND attempts = $3";
    tx.execute(SQL, binds![claimed.connection, now, claimed.attempts]).await?;
    Ok(())
}

/// Writes the receipt of a row.
pub async fn settle(
    tx: &mut Tx,
    connection: ConnectionId,
    to: RevocationStatus,
    why: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE revocations SET status = $2, last_error = $3, finished_at = $4
        WHERE connection_id = $1 AND status = 'pending'";
    tx.execute(SQL, binds![connection, to, why, now]).await?;
    Ok(())
}

/// Writes down why a row is not settled, and when it is tried again.
pub async fn postpone(
    tx: &mut Tx,
    connection: ConnectionId,
    next: Timestamp,
    why: &str,
) -> Result<()> {
    const SQL: &str = "
        UPDATE revocations SET next_attempt_at = $2, last_error = $3
        WHERE connection_id = $1 AND status = 'pending'";
    tx.execute(SQL, binds![connection, next, why]).await?;
    Ok(())
}

/// Erases a token of an ended connection, unless a refresh has put another in its place.
pub async fn erase_token(
    tx: &mut Tx,
    connection: ConnectionId,
    kind: &str,
    generation: i64,
) -> Result<()> {
    const SQL: &str = "
        DELETE FROM tokens WHERE connection_id = $1 AND kind = $2 AND generation = $3";
    tx.execute(SQL, binds![connection, kind, generation]).await?;
    Ok(())
}

/// Erases the tokens of an ended connection, revoked or not.
pub async fn erase(tx: &mut Tx, connection: ConnectionId) -> Result<()> {
    const TOKENS: &str = "DELETE FROM tokens WHERE connection_id = $1";
    const REFRESHES: &str = "DELETE FROM refreshes WHERE connection_id = $1";
    tx.execute(REFRESHES, binds![connection]).await?;
    tx.execute(TOKENS, binds![connection]).await?;
    Ok(())
}

/// Returns whether an ended connection has tokens left.
pub async fn has_tokens(tx: &mut Tx, connection: ConnectionId) -> Result<bool> {
    const SQL: &str = "SELECT * FROM tokens WHERE connection_id = $1 LIMIT 1";
    Ok(tx.optional::<Token>(SQL, binds![connection]).await?.is_some())
}

/// Returns whether a token of an ended connection may be about to be replaced: by a refresh that
/// was sent before it ended, and whose answer has yet to be stored.
pub async fn is_refreshed(db: &Db, connection: ConnectionId) -> Result<bool> {
    const SQL: &str = "
        SELECT connection_id, kind FROM refreshes
        WHERE connection_id = $1 AND (lease_until > $2 OR is_sent OR answer IS NOT NULL) LIMIT 1";
    let clock = db.clock().await?;
    Ok(db.optional::<RefreshKey>(SQL, binds![connection, clock]).await?.is_some())
}

/// Pauses a provider until then, or longer where another node has written a later end. The time
/// that a [`probe`] took for itself is over with its answer.
pub async fn pause(
    tx: &mut Tx,
    at: ProjectConnectorId,
    failures: i64,
    until: Timestamp,
    probe: Option<Timestamp>,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO revocation_pauses (project_connector_id, failures, paused_until)
        VALUES ($1, $2, $3)
        ON CONFLICT (project_connector_id) DO UPDATE
        SET failures = $2,
            paused_until = CASE WHEN revocation_pauses.paused_until > $3
                                 AND revocation_pauses.paused_until <> $4
                                THEN revocation_pauses.paused_until ELSE $3 END";
    tx.execute(SQL, binds![at, failures, until, probe.unwrap_or(until)]).await?;
    Ok(())
}

/// Takes the task of finding out, until `lease`, whether a paused provider is well again; returns
/// whether the caller has it.
pub async fn probe(
    db: &Db,
    at: ProjectConnectorId,
    now: Timestamp,
    lease: Timestamp,
) -> Result<bool> {
    const SQL: &str = "
        UPDATE revocation_pauses SET paused_until = $3
        WHERE project_connector_id = $1 AND paused_until <= $2";
    Ok(db.execute(SQL, binds![at, now, lease]).await? == 1)
}

/// Notes that the provider is well again.
pub async fn resume(db: &Db, at: ProjectConnectorId) -> Result<()> {
    const SQL: &str = "DELETE FROM revocation_pauses WHERE project_connector_id = $1";
    db.execute(SQL, binds![at]).await?;
    Ok(())
}

/// Gives up rows of a project connector that were requested until then, and erases their tokens;
/// returns how many.
pub async fn give_up(
    tx: &mut Tx,
    at: ProjectConnectorId,
    requested_until: Timestamp,
    why: &str,
    now: Timestamp,
) -> Result<u64> {
    const TOKENS: &str = "
        DELETE FROM tokens WHERE connection_id IN
            (SELECT connection_id FROM revocations
             WHERE project_connector_id = $1 AND status = 'pending' AND requested_at <= $2)";
    const REFRESHES: &str = "
        DELETE FROM refreshes WHERE connection_id IN
            (SELECT connection_id FROM revocations
             WHERE project_connector_id = $1 AND status = 'pending' AND requested_at <= $2)";
    const SQL: &str = "
        UPDATE revocations SET status = 'gave_up', last_error = $3, finished_at = $4
        WHERE project_connector_id = $1 AND status = 'pending' AND requested_at <= $2";
    tx.execute(REFRESHES, binds![at, requested_until]).await?;
    tx.execute(TOKENS, binds![at, requested_until]).await?;
    tx.execute(SQL, binds![at, requested_until, why, now]).await
}

/// Returns how many are still to be settled.
pub async fn pending(db: &Db) -> Result<i64> {
    const SQL: &str = "SELECT COUNT(*) AS number FROM revocations WHERE status = 'pending'";
    let found: Option<Count> = db.optional(SQL, binds![]).await?;
    Ok(found.map_or(0, |Count(number)| number))
}

/// Returns the receipt of a connection.
pub async fn find(db: &Db, tenant: Tenant, connection: ConnectionId) -> Result<Option<Revocation>> {
    const SQL: &str = "
        SELECT * FROM revocations
        WHERE project_id = $1 AND environment = $2 AND connection_id = $3";
    db.optional(SQL, binds![tenant.project, tenant.environment, connection]).await
}

#[cfg(test)]
mod tests;
