use astralform_domain::{ConnectionId, Tenant, Timestamp};

use crate::{Result, Tx, bind::binds, db::Run as _, status_changes::StatusUpdate};

/// Writes the rows of ended connections that have tokens and no row yet.
macro_rules! requesting {
    ($which:literal) => {
        concat!(
            "INSERT INTO revocations
                (connection_id, project_id, environment, project_connector_id, connector, status,
                 attempts, requested_at, next_attempt_at)
             SELECT connections.id, connections.project_id, connections.environment,
                    connections.project_connector_id, project_connectors.connector, 'pending',
                    0, $1, $1
             FROM connections
             JOIN project_connectors ON project_connectors.id = connections.project_connector_id
             WHERE connections.status = 'revoked'
               AND EXISTS (SELECT 1 FROM tokens WHERE tokens.connection_id = connections.id) AND ",
            $which,
            " ON CONFLICT (connection_id) DO NOTHING"
        )
    };
}

/// Requests that the tokens of a connection that has just ended are ended at the provider.
pub async fn request(
    tx: &mut Tx,
    tenant: Tenant,
    ended: ConnectionId,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = requesting!(
        "connections.project_id = $2 AND connections.environment = $3 AND connections.id = $4"
    );
    tx.execute(SQL, binds![now, tenant.project, tenant.environment, ended]).await?;
    Ok(())
}

/// Requests the same for all that a change has just ended, in one statement that reads no others.
pub(crate) async fn request_all(tx: &mut Tx, change: StatusUpdate, now: Timestamp) -> Result<()> {
    const SQL: &str = requesting!("connections.last_change = $2");
    tx.execute(SQL, binds![now, change]).await?;
    Ok(())
}
