//! Connected accounts: end users' own, and those that projects share.

mod found;
mod many;

use astralform_domain::{
    Account, Connection, ConnectionId, ConnectionState, ConnectionStatus, EndUserKey, Owner,
    StatusReason, Tenant, Timestamp,
};

use crate::{
    Result, Topic, Tx,
    bind::{Bind, binds, json},
    connection_events,
    db::{Row, Run as _},
    revocations,
    row::{Record, corrupt},
    status_changes::StatusUpdate,
};

pub(crate) use found::select_serving;
pub use found::{
    any_left, any_with_app, counts, find, left_after, of_account, of_end_user, serving,
};
pub use many::{ConnectionSelection, count, expire_all, revoke_all, revoke_unconfirmed};

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
            state: state(row)?,
            scopes: row.json("scopes")?,
            hosts: row.json("hosts")?,
            created_at: row.time("created_at")?,
        })
    }
}

fn state(row: &Row) -> Result<ConnectionState> {
    let state = ConnectionState::of(row.parse("status")?, row.optional_parse("reason")?);
    state.ok_or_else(|| corrupt("reason", "it does not go with the status"))
}

/// Returns whose row it is, in a row joined with that of the end user.
pub(crate) fn owner(row: &Row) -> Result<Owner> {
    let stored = row.optional_text("external_id")?;
    Owner::from_stored(stored.as_deref()).ok_or_else(|| corrupt("external_id", "it is nobody's"))
}

/// Returns the topic under which it is remembered.
pub(crate) fn topic(connection: &Connection) -> Topic<'_> {
    Topic::Owner(connection.project_connector, &connection.owner)
}

/// Stores a new connection: of the end user whose row is `end_user`, or of the project.
///
/// # Errors
/// A conflict when it is to be active and its account is connected already.
pub async fn create(tx: &mut Tx, new: &Connection, end_user: Option<EndUserKey>) -> Result<()> {
    let change = StatusUpdate::new(tx);
    insert(tx, new, end_user, change.into()).await?;
    tx.touch(topic(new));
    change.tell(tx).await
}

/// Stores what stands for tokens that were replaced, as a connection that has ended: with a
/// receipt, but without an event, since the connection that they belonged to goes on.
pub async fn create_replaced(
    tx: &mut Tx,
    ended: &Connection,
    end_user: Option<EndUserKey>,
) -> Result<()> {
    insert(tx, ended, end_user, Bind::Bytes(None)).await
}

async fn insert(
    tx: &mut Tx,
    new: &Connection,
    end_user: Option<EndUserKey>,
    change: Bind,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO connections
            (id, project_id, environment, project_connector_id, end_user_id, account_id,
             account_label, label, is_default, status, reason, scopes, hosts, created_at,
             last_change, ended_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    let ended_at = (new.status() == ConnectionStatus::Revoked).then_some(new.created_at);
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
        new.status(),
        new.reason(),
        json(&new.scopes),
        json(&new.hosts),
        new.created_at,
        change,
        ended_at,
    ];
    tx.execute(SQL, binds).await?;
    Ok(())
}

/// Replaces what can change of a connection: account, labels, default, status, scopes, hosts.
pub async fn update(tx: &mut Tx, connection: &Connection) -> Result<()> {
    const SQL: &str = "
        UPDATE connections
        SET account_id = $11, account_label = $4, label = $5, is_default = $6, status = $7,
            reason = $8, scopes = $9, hosts = $10, previous_status = status, last_change = $12,
            status_changes = status_changes + CASE WHEN status = $7 THEN 0 ELSE 1 END
        WHERE project_id = $1 AND environment = $2 AND id = $3";
    let change = StatusUpdate::new(tx);
    let binds = binds![
        connection.tenant.project,
        connection.tenant.environment,
        connection.id,
        connection.account.label.as_str(),
        &connection.label,
        connection.is_default,
        connection.status(),
        connection.reason(),
        json(&connection.scopes),
        json(&connection.hosts),
        connection.account.id.as_str(),
        change,
    ];
    tx.change(topic(connection), SQL, binds).await?;
    change.tell(tx).await
}

/// Ends a connection for good, if it still has the status that was seen; returns whether it had.
/// Its tokens are of no use any more, and wait to be ended at the provider.
pub async fn revoke(
    tx: &mut Tx,
    connection: &Connection,
    why: StatusReason,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "
        UPDATE connections
        SET status = 'revoked', reason = $5, previous_status = status,
            status_changes = status_changes + 1, last_change = $6, ended_at = $7
        WHERE project_id = $1 AND environment = $2 AND id = $3 AND status = $4";
    let change = StatusUpdate::new(tx);
    let Connection { id, tenant, .. } = connection;
    let status = connection.status();
    let binds = binds![tenant.project, tenant.environment, *id, status, why, change, now];
    let was_as_seen = tx.change(topic(connection), SQL, binds).await? == 1;
    if was_as_seen {
        revocations::request(tx, *tenant, *id, now).await?;
        change.tell(tx).await?;
    }
    Ok(was_as_seen)
}

/// Removes a connection that was never used, with its tokens: its account was connected already.
pub async fn merge(tx: &mut Tx, connection: &Connection) -> Result<()> {
    const SQL: &str = "
        DELETE FROM connections WHERE project_id = $1 AND environment = $2 AND id = $3";
    const END: &str = "
        UPDATE connections
        SET status = 'revoked', reason = 'merged', previous_status = status,
            status_changes = status_changes + 1, last_change = $4
        WHERE project_id = $1 AND environment = $2 AND id = $3";
    const FORGET: &str = "DELETE FROM connection_uses WHERE connection_id = $1";
    crate::tokens::erase(tx, connection).await?;
    let Connection { id, tenant, .. } = connection;
    let change = StatusUpdate::new(tx);
    let ended = binds![tenant.project, tenant.environment, *id, change];
    tx.change(topic(connection), END, ended).await?;
    change.tell(tx).await?;
    tx.execute(FORGET, binds![*id]).await?;
    connection_events::forget(tx, *id).await?;
    tx.execute(SQL, binds![tenant.project, tenant.environment, *id]).await?;
    Ok(())
}

/// Marks a connection whose token of that kind and generation is dead, unless it is not active any
/// more or has a newer one; returns whether it did.
pub async fn mark_dead(
    tx: &mut Tx,
    connection: &Connection,
    token: (&str, i64),
    reason: StatusReason,
) -> Result<bool> {
    const SQL: &str = "
        UPDATE connections
        SET status = 'needs_reauth', reason = $5, previous_status = status,
            status_changes = status_changes + 1, last_change = $7
        WHERE project_id = $1 AND environment = $2 AND id = $3 AND status = 'active'
          AND NOT EXISTS (
              SELECT 1 FROM tokens WHERE connection_id = $3 AND kind = $6 AND generation > $4)";
    let Connection { id, tenant, .. } = connection;
    let (kind, generation) = token;
    let change = StatusUpdate::new(tx);
    let binds = binds![tenant.project, tenant.environment, *id, generation, reason, kind, change];
    let marked = tx.change(topic(connection), SQL, binds).await? == 1;
    if marked {
        change.tell(tx).await?;
    }
    Ok(marked)
}

/// Returns the connection of that id, locked until the transaction ends: what becomes of it is
/// decided one after another.
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
    tx.change(topic(connection), CLEAR, binds![connection.project_connector, connection.id])
        .await?;
    tx.change(topic(connection), SET, binds![connection.id]).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
