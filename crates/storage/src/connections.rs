//! End users' accounts.

use astralform_domain::{
    Account, Connection, ConnectionId, ConnectionStatus, EndUserId, EndUserKey, ProjectConnectorId,
    StatusReason, Tenant,
};

use crate::{
    Db, Result, Tx,
    bind::{binds, json},
    db::{Row, Run},
    row::Record,
};

impl Record for Connection {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.parse("id")?,
            tenant: row.tenant()?,
            project_connector: row.parse("project_connector_id")?,
            end_user: row.parse("external_id")?,
            account: Account { id: row.text("account_id")?, label: row.text("account_label")? },
            is_default: row.flag("is_default")?,
            status: row.parse("status")?,
            reason: row.optional_parse("reason")?,
            scopes: row.json("scopes")?,
            hosts: row.json("hosts")?,
            created_at: row.time("created_at")?,
        })
    }
}

/// Stores a new connection of the end user whose row is `end_user`.
///
/// # Errors
/// A conflict when it is to be active and its account is connected already.
pub async fn create(tx: &mut Tx, new: &Connection, end_user: EndUserKey) -> Result<()> {
    const SQL: &str = "
        INSERT INTO connections
            (id, project_id, environment, project_connector_id, end_user_id, account_id,
             account_label, is_default, status, reason, scopes, hosts, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let binds = binds![
        new.id,
        new.tenant.project,
        new.tenant.environment,
        new.project_connector,
        end_user,
        new.account.id.as_str(),
        new.account.label.as_str(),
        new.is_default,
        new.status,
        new.reason,
        json(&new.scopes),
        json(&new.hosts),
        new.created_at,
    ];
    tx.execute(SQL, binds).await?;
    Ok(())
}

/// Replaces what can change of a connection: account label, default, status, scopes, hosts.
pub async fn update(tx: &mut Tx, connection: &Connection) -> Result<()> {
    const SQL: &str = "
        UPDATE connections
        SET account_label = $4, is_default = $5, status = $6, reason = $7, scopes = $8, hosts = $9
        WHERE project_id = $1 AND environment = $2 AND id = $3";
    let binds = binds![
        connection.tenant.project,
        connection.tenant.environment,
        connection.id,
        connection.account.label.as_str(),
        connection.is_default,
        connection.status,
        connection.reason,
        json(&connection.scopes),
        json(&connection.hosts),
    ];
    tx.execute(SQL, binds).await?;
    Ok(())
}

/// Sets the status of a connection, if it still has the status `from`; says whether it had.
pub async fn change_status(
    tx: &mut Tx,
    tenant: Tenant,
    id: ConnectionId,
    from: ConnectionStatus,
    to: (ConnectionStatus, Option<StatusReason>),
) -> Result<bool> {
    const SQL: &str = "
        UPDATE connections SET status = $5, reason = $6
        WHERE project_id = $1 AND environment = $2 AND id = $3 AND status = $4";
    let binds = binds![tenant.project, tenant.environment, id, from, to.0, to.1];
    Ok(tx.execute(SQL, binds).await? == 1)
}

/// Takes a connection that was never used away, with its tokens.
pub async fn remove(tx: &mut Tx, tenant: Tenant, id: ConnectionId) -> Result<()> {
    const SQL: &str = "
        DELETE FROM connections WHERE project_id = $1 AND environment = $2 AND id = $3";
    crate::tokens::erase(tx, id).await?;
    tx.execute(SQL, binds![tenant.project, tenant.environment, id]).await?;
    Ok(())
}

/// Marks a connection whose token of that generation is dead, unless it is not active any more or
/// has newer tokens; says whether it did.
pub async fn mark_dead(
    tx: &mut Tx,
    tenant: Tenant,
    id: ConnectionId,
    generation: i64,
    reason: StatusReason,
) -> Result<bool> {
    const SQL: &str = "
        UPDATE connections SET status = 'needs_reauth', reason = $5
        WHERE project_id = $1 AND environment = $2 AND id = $3 AND status = 'active'
          AND NOT EXISTS (SELECT 1 FROM tokens WHERE connection_id = $3 AND generation > $4)";
    let binds = binds![tenant.project, tenant.environment, id, generation, reason];
    Ok(tx.execute(SQL, binds).await? == 1)
}

/// The connection of that id.
pub async fn find(db: &Db, tenant: Tenant, id: ConnectionId) -> Result<Option<Connection>> {
    const SQL: &str = "
        SELECT connections.*, end_users.external_id
        FROM connections JOIN end_users ON end_users.id = connections.end_user_id
        WHERE connections.project_id = $1 AND connections.environment = $2
          AND connections.id = $3";
    db.optional(SQL, binds![tenant.project, tenant.environment, id]).await
}

/// An end user's connections at a project connector that are neither revoked nor waiting to be
/// confirmed, the default one first, then the oldest.
pub async fn usable_of(
    db: impl Run,
    tenant: Tenant,
    project_connector: ProjectConnectorId,
    end_user: &EndUserId,
) -> Result<Vec<Connection>> {
    const SQL: &str = "
        SELECT connections.*, end_users.external_id
        FROM connections JOIN end_users ON end_users.id = connections.end_user_id
        WHERE end_users.project_id = $1 AND end_users.environment = $2
          AND end_users.external_id = $3 AND connections.project_connector_id = $4
          AND connections.status IN ('active', 'needs_reauth')
        ORDER BY connections.is_default DESC, connections.id";
    db.all(SQL, binds![tenant.project, tenant.environment, end_user, project_connector]).await
}

#[cfg(test)]
mod tests;
