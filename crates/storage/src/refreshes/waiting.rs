//! What is to be refreshed without a call that asks for it, by project connector, so that the
//! refreshes of one never delay those of another.

use astralform_domain::{ProjectConnectorId, Tenant, Timestamp};

use super::{Claimant, Wanted};
use crate::{
    Db, Result,
    bind::binds,
    db::{Row, Run as _},
    row::Record,
};

/// A project connector with tokens that are to be refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingConnector {
    /// The project and environment it belongs to.
    pub tenant: Tenant,
    /// The project connector.
    pub project_connector: ProjectConnectorId,
}

impl Record for WaitingConnector {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self { tenant: row.tenant()?, project_connector: row.parse("project_connector_id")? })
    }
}

/// The refreshes `refreshes` of connections `connections` in projects `projects` that a process
/// began and none goes on with: for the process `$1`, which takes over from others if `$2`, at the
/// time `$3` of the database. In a frozen project only what was answered is gone on with.
macro_rules! abandoned {
    ($columns:literal, $rest:literal) => {
        concat!(
            "SELECT connections.project_id, connections.environment, ",
            $columns,
            " FROM refreshes
             JOIN connections ON connections.id = refreshes.connection_id
             JOIN projects ON projects.id = connections.project_id
             WHERE refreshes.lease_until <= $3 AND refreshes.not_before <= $3
               AND (refreshes.answer IS NOT NULL
                    OR refreshes.is_sent AND projects.frozen_at IS NULL
                       AND ($2 OR refreshes.node = $1))",
            $rest
        )
    };
}

/// The tokens `tokens` whose time to be refreshed has come at `$4`, of connections that were used
/// since `$5` and whose project is not frozen, unless a process refreshes them or they are put off.
/// The connections are active, or were given up for a refusal that may have been an incident.
macro_rules! due {
    ($columns:literal, $rest:literal) => {
        concat!(
            "SELECT connections.project_id, connections.environment, ",
            $columns,
            " FROM tokens
             JOIN connections ON connections.id = tokens.connection_id
             JOIN connection_uses ON connection_uses.connection_id = tokens.connection_id
             JOIN projects ON projects.id = connections.project_id
             WHERE tokens.refresh_at <= $4 AND tokens.refresh_token IS NOT NULL
               AND connection_uses.used_at > $5
               AND (connections.status = 'active'
                    OR connections.status = 'needs_reauth' AND EXISTS (
                        SELECT 1 FROM refreshes
                        WHERE refreshes.connection_id = tokens.connection_id
                          AND refreshes.kind = tokens.kind
                          AND refreshes.refused_since IS NOT NULL))
               AND projects.frozen_at IS NULL
               AND NOT EXISTS (
                   SELECT 1 FROM refreshes
                   WHERE refreshes.connection_id = tokens.connection_id
                     AND refreshes.kind = tokens.kind
                     AND (refreshes.lease_until > $3 OR refreshes.not_before > $3))",
            $rest
        )
    };
}

/// Returns the project connectors that have anything of [`abandoned()`] or [`due()`], in the order
/// of their ids.
pub async fn waiting(
    db: &Db,
    by: Claimant<'_>,
    now: Timestamp,
    used_since: Timestamp,
) -> Result<Vec<WaitingConnector>> {
    const SQL: &str = concat!(
        abandoned!("connections.project_connector_id", ""),
        " UNION ",
        due!("connections.project_connector_id", " ORDER BY project_connector_id")
    );
    let clock = db.clock().await?;
    db.all(SQL, binds![by.node, by.takes_over, clock, now, used_since]).await
}

/// Returns the refreshes at a project connector that a process began and none goes on with, the
/// oldest first, `limit` at most.
pub async fn abandoned(
    db: &Db,
    at: ProjectConnectorId,
    by: Claimant<'_>,
    limit: i64,
) -> Result<Vec<Wanted>> {
    const SQL: &str = abandoned!(
        "refreshes.connection_id, refreshes.kind, refreshes.generation",
        " AND connections.project_connector_id = $4
          ORDER BY refreshes.lease_until, refreshes.connection_id, refreshes.kind LIMIT $5"
    );
    let clock = db.clock().await?;
    db.all(SQL, binds![by.node, by.takes_over, clock, at, limit]).await
}

/// Returns the tokens at a project connector whose time to be refreshed has come, the most urgent
/// first, `limit` at most.
pub async fn due(
    db: &Db,
    at: ProjectConnectorId,
    now: Timestamp,
    used_since: Timestamp,
    limit: i64,
) -> Result<Vec<Wanted>> {
    const SQL: &str = due!(
        "tokens.connection_id, tokens.kind, tokens.generation",
        " AND connections.project_connector_id = $1
          ORDER BY tokens.refresh_at, tokens.connection_id, tokens.kind LIMIT $2"
    );
    let clock = db.clock().await?;
    db.all(SQL, binds![at, limit, clock, now, used_since]).await
}
