//! Connected accounts: end users' own, and those that projects share.

mod found;

use astralform_domain::{
    Account, Connection, ConnectionId, EndUserId, EndUserKey, Owner, ProjectConnectorId,
    StatusReason, Tenant, Timestamp,
};

use crate::{
    Result, Topic, Tx,
    bind::{binds, json},
    db::{Row, Run as _},
    revocations,
    row::Record,
};

pub use found::{any_left, count, counts, find, of_account, of_end_user, serving};

impl Record for Connection {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.parse("id")?,
            tenant: row.tenant()?,
            project_connector: row.parse("project_connector_id")?,
            owner: owner(row)?,
            account: Account { id: row.text("account_id")?, label: row.text("account_label")? },
            label: row.optional_text("label")?,
            is_default: row.flag("is_default")?,
            status: row.parse("status")?,
            reason: row.optional_parse("reason")?,
            scopes: row.json("scopes")?,
            hosts: row.json("hosts")?,
            created_at: row.time("created_at")?,
        })
    }
}

/// Whose row it is, in a row joined with that of the end user.
pub(crate) fn owner(row: &Row) -> Result<Owner> {
    Ok(row.optional_parse("external_id")?.map_or(Owner::Project, Owner::EndUser))
}

/// Who remembers it.
pub(crate) fn topic(connection: &Connection) -> Topic<'_> {
    Topic::Owner(connection.project_connector, connection.owner.end_user())
}

/// Stores a new connection: of the end user whose row is `end_user`, or of the project.
///
/// # Errors
/// A conflict when it is to be active and its account is connected already.
pub async fn create(tx: &mut Tx, new: &Connection, end_user: Option<EndUserKey>) -> Result<()> {
    const SQL: &str = "
        INSERT INTO connections
            (id, project_id, environment, project_connector_id, end_user_id, account_id,
             account_label, label, is_default, status, reason, scopes, hosts, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    let binds = binds![
        new.id,
        new.tenant.project,
        new.tenant.environment,
        new.project_connector,
        end_user,
        new.account.id.as_str(),
        new.account.label.as_str(),
        &new.label,
        new.is_default,
        new.status,
        new.reason,
        json(&new.scopes),
        json(&new.hosts),
        new.created_at,
    ];
    tx.touch(topic(new));
    tx.execute(SQL, binds).await?;
    Ok(())
}

/// Replaces what can change of a connection: account, labels, default, status, scopes, hosts.
pub async fn update(tx: &mut Tx, connection: &Connection) -> Result<()> {
    const SQL: &str = "
        UPDATE connections
        SET account_id = $11, account_label = $4, label = $5, is_default = $6, status = $7,
            reason = $8, scopes = $9, hosts = $10
        WHERE project_id = $1 AND environment = $2 AND id = $3";
    let binds = binds![
        connection.tenant.project,
        connection.tenant.environment,
        connection.id,
        connection.account.label.as_str(),
        &connection.label,
        connection.is_default,
        connection.status,
        connection.reason,
        json(&connection.scopes),
        json(&connection.hosts),
        connection.account.id.as_str(),
    ];
    tx.touch(topic(connection));
    tx.execute(SQL, binds).await?;
    Ok(())
}

/// Ends a connection for good, if it still has the status that was seen; says whether it had. Its
/// tokens are of no use any more, and wait to be ended at the provider.
pub async fn revoke(
    tx: &mut Tx,
    connection: &Connection,
    why: StatusReason,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "
        UPDATE connections SET status = 'revoked', reason = $5
        WHERE project_id = $1 AND environment = $2 AND id = $3 AND status = $4";
    let Connection { id, tenant, status, .. } = connection;
    tx.touch(topic(connection));
    let binds = binds![tenant.project, tenant.environment, *id, *status, why];
    let was_as_seen = tx.execute(SQL, binds).await? == 1;
    if was_as_seen {
        revocations::request(tx, *tenant, *id, now).await?;
    }
    Ok(was_as_seen)
}

/// Takes a connection that was never used away, with its tokens.
pub async fn remove(tx: &mut Tx, connection: &Connection) -> Result<()> {
    const SQL: &str = "
        DELETE FROM connections WHERE project_id = $1 AND environment = $2 AND id = $3";
    const FORGET: &str = "DELETE FROM connection_uses WHERE connection_id = $1";
    crate::tokens::erase(tx, connection).await?;
    let Connection { id, tenant, .. } = connection;
    tx.execute(FORGET, binds![*id]).await?;
    tx.execute(SQL, binds![tenant.project, tenant.environment, *id]).await?;
    Ok(())
}

/// Marks a connection whose token of that kind and generation is dead, unless it is not active any
/// more or has a newer one; says whether it did.
pub async fn mark_dead(
    tx: &mut Tx,
    connection: &Connection,
    token: (&str, i64),
    reason: StatusReason,
) -> Result<bool> {
    const SQL: &str = "
        UPDATE connections SET status = 'needs_reauth', reason = $5
        WHERE project_id = $1 AND environment = $2 AND id = $3 AND status = 'active'
          AND NOT EXISTS (
              SELECT 1 FROM tokens WHERE connection_id = $3 AND kind = $6 AND generation > $4)";
    let Connection { id, tenant, .. } = connection;
    let (kind, generation) = token;
    let binds = binds![tenant.project, tenant.environment, *id, generation, reason, kind];
    tx.touch(topic(connection));
    Ok(tx.execute(SQL, binds).await? == 1)
}

/// The connection of that id, locked until the transaction ends: what becomes of it is decided one
/// after another.
pub async fn lock(tx: &mut Tx, tenant: Tenant, id: ConnectionId) -> Result<Option<Connection>> {
    const SQL: &str = "
        UPDATE connections SET status = status
        WHERE project_id = $1 AND environment = $2 AND id = $3";
    tx.execute(SQL, binds![tenant.project, tenant.environment, id]).await?;
    find(tx, tenant, id).await
}

/// Makes a connection the default one among those of its owner at its project connector.
pub async fn make_default(tx: &mut Tx, connection: &Connection) -> Result<()> {
    const CLEAR: &str = "
        UPDATE connections SET is_default = FALSE
        WHERE project_connector_id = $1 AND is_default
          AND COALESCE(end_user_id, '') =
              (SELECT COALESCE(end_user_id, '') FROM connections WHERE id = $2)";
    const SET: &str = "UPDATE connections SET is_default = TRUE WHERE id = $1";
    tx.touch(topic(connection));
    tx.execute(CLEAR, binds![connection.project_connector, connection.id]).await?;
    tx.execute(SET, binds![connection.id]).await?;
    Ok(())
}

/// Which connections of a project connector are meant: all, where it says nothing.
#[derive(Clone, Copy, Default)]
pub struct Which<'a> {
    /// Those of this end user.
    pub end_user: Option<&'a EndUserId>,
    /// Those that were used since then.
    pub used_since: Option<Timestamp>,
}

/// Revokes those connections of a project connector that are not revoked yet; says how many.
pub async fn revoke_all(
    tx: &mut Tx,
    tenant: Tenant,
    project_connector: ProjectConnectorId,
    which: Which<'_>,
    reason: StatusReason,
    now: Timestamp,
) -> Result<u64> {
    const SQL: &str = "
        UPDATE connections SET status = 'revoked', is_default = FALSE, reason = $4
        WHERE project_id = $1 AND environment = $2 AND project_connector_id = $3
          AND status <> 'revoked'
          AND ($5 IS NULL OR end_user_id =
              (SELECT id FROM end_users
               WHERE project_id = $1 AND environment = $2 AND external_id = $5))
          AND ($6 IS NULL OR EXISTS
              (SELECT 1 FROM connection_uses
               WHERE connection_uses.connection_id = connections.id AND used_at >= $6))";
    let Tenant { project, environment } = tenant;
    let Which { end_user, used_since } = which;
    tx.touch(Topic::Project(project));
    let binds = binds![project, environment, project_connector, reason, end_user, used_since];
    let revoked = tx.execute(SQL, binds).await?;
    revocations::request_all(tx, tenant, project_connector, now).await?;
    Ok(revoked)
}

/// Revokes the connections of a project connector that await confirmation; says how many.
pub async fn revoke_unconfirmed(
    tx: &mut Tx,
    tenant: Tenant,
    project_connector: ProjectConnectorId,
    reason: StatusReason,
    now: Timestamp,
) -> Result<u64> {
    const SQL: &str = "
        UPDATE connections SET status = 'revoked', reason = $4
        WHERE project_id = $1 AND environment = $2 AND project_connector_id = $3
          AND status = 'awaiting_confirmation'";
    let Tenant { project, environment } = tenant;
    tx.touch(Topic::Project(project));
    let revoked = tx.execute(SQL, binds![project, environment, project_connector, reason]).await?;
    revocations::request_all(tx, tenant, project_connector, now).await?;
    Ok(revoked)
}

/// Makes every usable connection of a project connector one that its owner has to renew; says how
/// many.
pub async fn expire_all(
    tx: &mut Tx,
    tenant: Tenant,
    project_connector: ProjectConnectorId,
    reason: StatusReason,
) -> Result<u64> {
    const SQL: &str = "
        UPDATE connections SET status = 'needs_reauth', reason = $4
        WHERE project_id = $1 AND environment = $2 AND project_connector_id = $3
          AND status = 'active'";
    let Tenant { project, environment } = tenant;
    tx.touch(Topic::Project(project));
    tx.execute(SQL, binds![project, environment, project_connector, reason]).await
}

#[cfg(test)]
mod tests;
