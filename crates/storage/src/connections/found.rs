use std::collections::BTreeSet;

use astralform_domain::{
    Connection, ConnectionId, ConnectionStatus, ConnectorSlug, EndUserId, Owner,
    ProjectConnectorId, Tenant,
};

use crate::{
    Db, Result,
    bind::binds,
    db::{Row, Run},
    row::{Count, Record},
};

/// Returns the connection of that id.
pub async fn find(db: impl Run, tenant: Tenant, id: ConnectionId) -> Result<Option<Connection>> {
    const SQL: &str = "
        SELECT connections.*, end_users.external_id
        FROM connections LEFT JOIN end_users ON end_users.id = connections.end_user_id
        WHERE connections.project_id = $1 AND connections.environment = $2
          AND connections.id = $3";
    db.optional(SQL, binds![tenant.project, tenant.environment, id]).await
}

/// A statement about those connections at the project connector `$3` of the tenant `$1`, `$2` that
/// could serve the person `$4`: as the table `serving`.
///
/// Each half is one search in an index. With an `OR`, SQLite would read all connections of the
/// project connector; with a join, PostgreSQL all end users; with an expression for either owner,
/// PostgreSQL expects thousands of rows and makes a plan for so many, which takes 50 ms.
macro_rules! select_serving {
    ($select:literal) => {
        concat!(
            "WITH serving AS (
                 SELECT * FROM connections
                 WHERE project_id = $1 AND environment = $2 AND project_connector_id = $3
                   AND status IN ('active', 'needs_reauth') AND end_user_id IS NULL
                 UNION ALL
                 SELECT * FROM connections
                 WHERE project_id = $1 AND environment = $2 AND project_connector_id = $3
                   AND status IN ('active', 'needs_reauth')
                   AND end_user_id =
                       (SELECT id FROM end_users
                        WHERE project_id = $1 AND environment = $2 AND external_id = $4)
             ) ",
            $select
        )
    };
}

pub(crate) use select_serving;

/// Returns the connections at a project connector that could serve a person: their own and the
/// project's, neither revoked nor waiting to be confirmed, of each owner the default one first,
/// then the oldest. For the project, its own alone.
pub async fn serving(
    db: impl Run,
    tenant: Tenant,
    project_connector: ProjectConnectorId,
    owner: &Owner,
) -> Result<Vec<Connection>> {
    const SQL: &str = select_serving!(
        "SELECT serving.*,
                (SELECT external_id FROM end_users WHERE id = serving.end_user_id) AS external_id
         FROM serving
         ORDER BY serving.is_default DESC, serving.id"
    );
    let Tenant { project, environment } = tenant;
    db.all(SQL, binds![project, environment, project_connector, owner]).await
}

/// Returns the connections of an account at a project connector that are not revoked, of any owner.
pub async fn of_account(
    db: &Db,
    tenant: Tenant,
    project_connector: ProjectConnectorId,
    account: &str,
) -> Result<Vec<Connection>> {
    const SQL: &str = "
        SELECT connections.*, end_users.external_id
        FROM connections LEFT JOIN end_users ON end_users.id = connections.end_user_id
        WHERE connections.project_connector_id = $3 AND connections.account_id = $4
          AND connections.project_id = $1 AND connections.environment = $2
          AND connections.status <> 'revoked'";
    let Tenant { project, environment } = tenant;
    db.all(SQL, binds![project, environment, project_connector, account]).await
}

/// Returns the connections at a project connector that are not revoked, of any owner, by their ids:
/// those after `after`, `limit` at most.
pub async fn left_after(
    db: &Db,
    tenant: Tenant,
    project_connector: ProjectConnectorId,
    after: Option<ConnectionId>,
    limit: i64,
) -> Result<Vec<Connection>> {
    const SQL: &str = "
        SELECT connections.*, end_users.external_id
        FROM connections LEFT JOIN end_users ON end_users.id = connections.end_user_id
        WHERE connections.project_id = $1 AND connections.environment = $2 AND connections.id > $4
          AND connections.project_connector_id = $3 AND connections.status <> 'revoked'
        ORDER BY connections.id LIMIT $5";
    let Tenant { project, environment } = tenant;
    let after = after.map_or_else(String::new, |id| id.to_string());
    db.all(SQL, binds![project, environment, project_connector, after, limit]).await
}

/// Returns whether an account is connected through an app of a connector's provider by a connection
/// that is not revoked, in any project: what the provider ends of an app ends for all of them.
pub async fn any_with_app(
    db: &Db,
    (connector, client_id): (&ConnectorSlug, &str),
    account: &str,
) -> Result<bool> {
    const SQL: &str = "
        SELECT CAST(1 AS BIGINT) AS number FROM connections
        JOIN project_connectors ON project_connectors.id = connections.project_connector_id
        WHERE project_connectors.connector = $1 AND project_connectors.client_id = $2
          AND connections.account_id = $3 AND connections.status <> 'revoked' LIMIT 1";
    let binds = binds![connector.as_str(), client_id, account];
    Ok(db.optional::<Count>(SQL, binds).await?.is_some())
}

/// Returns an end user's connections that are not revoked, the oldest first, those after `after`
/// and `limit` at most; of these connectors alone, where some are named.
pub async fn of_end_user(
    db: &Db,
    tenant: Tenant,
    (end_user, connectors): (&EndUserId, Option<&BTreeSet<ConnectorSlug>>),
    after: Option<ConnectionId>,
    limit: i64,
) -> Result<Vec<Connection>> {
    const SQL: &str = "
        SELECT connections.*, end_users.external_id
        FROM connections
        JOIN end_users ON end_users.id = connections.end_user_id
        JOIN project_connectors ON project_connectors.id = connections.project_connector_id
        WHERE end_users.project_id = $1 AND end_users.environment = $2
          AND end_users.external_id = $3 AND connections.status <> 'revoked'
          AND connections.id > $4
          AND ($6 = '*' OR $6 LIKE '%,' || project_connectors.connector || ',%')
        ORDER BY connections.id LIMIT $5";
    let after = after.map_or_else(String::new, |id| id.to_string());
    let among = connectors.map_or_else(|| "*".to_owned(), listed);
    db.all(SQL, binds![tenant.project, tenant.environment, end_user, after, limit, among]).await
}

/// Writes names with a comma before and after each; no name has one, nor a character that is
/// special in `LIKE`.
fn listed(connectors: &BTreeSet<ConnectorSlug>) -> String {
    connectors.iter().fold(",".to_owned(), |text, slug| text + slug.as_str() + ",")
}

/// Returns how many connections a project connector has of each status.
pub async fn counts(
    db: impl Run,
    tenant: Tenant,
    project_connector: ProjectConnectorId,
) -> Result<Vec<(ConnectionStatus, i64)>> {
    const SQL: &str = "
        SELECT status, COUNT(*) AS number FROM connections
        WHERE project_id = $1 AND environment = $2 AND project_connector_id = $3
        GROUP BY status";
    let Tenant { project, environment } = tenant;
    let counts = db
        .all::<ConnectionStatusCount>(SQL, binds![project, environment, project_connector])
        .await?;
    Ok(counts.into_iter().map(|ConnectionStatusCount(status, number)| (status, number)).collect())
}

struct ConnectionStatusCount(ConnectionStatus, i64);

impl Record for ConnectionStatusCount {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self(row.parse("status")?, row.int("number")?))
    }
}

/// Returns whether a project connector has any connection that is not revoked.
pub async fn any_left(
    db: &Db,
    tenant: Tenant,
    project_connector: ProjectConnectorId,
) -> Result<bool> {
    // Usable ones are found by an index of their own, so that it does not matter how many have
    // ended.
    const USABLE: &str = "
        SELECT CAST(1 AS BIGINT) AS number FROM connections
        WHERE project_connector_id = $3 AND project_id = $1 AND environment = $2
          AND status IN ('active', 'needs_reauth') LIMIT 1";
    const WAITING: &str = "
        SELECT CAST(1 AS BIGINT) AS number FROM connections
        WHERE project_connector_id = $3 AND project_id = $1 AND environment = $2
          AND status = 'awaiting_confirmation' LIMIT 1";
    for sql in [USABLE, WAITING] {
        let binds = binds![tenant.project, tenant.environment, project_connector];
        if db.optional::<Count>(sql, binds).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
