//! The events that tell webhooks and histories when the status of a connection changes.
//!
//! A statement that sets a status also sets `previous_status`, `status_changes` and `last_change`,
//! whose value is that of a [`StatusUpdate`]; [`StatusUpdate::tell`] then writes an event for each
//! webhook of each connection that it changed, and a row of its history, in the same transaction. That every statement does
//! so is held by a test below.

use crate::{
    Result, Tx,
    bind::{Bind, binds},
    connection_events,
    db::Run as _,
};

/// One change of the status of a connection, or of many at once.
#[derive(Clone, Copy)]
pub(crate) struct StatusUpdate([u8; 16]);

impl StatusUpdate {
    pub(crate) fn new(tx: &Tx) -> Self {
        Self(tx.feed.entropy.bytes())
    }

    /// Writes the events, where there is a webhook to be told, and a row into the history of each
    /// connection. What members connect for themselves is not the application's concern: no webhook
    /// is told of it.
    pub(crate) async fn tell(self, tx: &mut Tx) -> Result<()> {
        const SQL: &str = "
            INSERT INTO webhook_deliveries
                (event_id, webhook_id, project_id, environment, connection_id, connector, end_user,
                 old_status, new_status, reason, sequence, occurred_at, status, attempts, due_at)
            SELECT 'evt_' || SUBSTR(connections.id, 6) || '_' || connections.status_changes,
                   webhooks.id, webhooks.project_id, webhooks.environment, connections.id,
                   project_connectors.connector, end_users.external_id,
                   connections.previous_status, connections.status, connections.reason,
                   connections.status_changes, $2, 'pending', 0, $2
            FROM connections
            JOIN webhooks ON webhooks.project_id = connections.project_id
                AND webhooks.environment = connections.environment AND webhooks.disabled IS NULL
            JOIN project_connectors ON project_connectors.id = connections.project_connector_id
            LEFT JOIN end_users ON end_users.id = connections.end_user_id
            WHERE connections.last_change = $1
              AND COALESCE(end_users.external_id, '') NOT LIKE 'member:%'
              AND COALESCE(connections.previous_status, '') <> connections.status";
        let now = tx.clock.now();
        tx.execute(SQL, binds![self, now]).await?;
        connection_events::note_status_changes(tx, self).await
    }
}

impl From<StatusUpdate> for Bind {
    fn from(change: StatusUpdate) -> Self {
        Self::Bytes(Some(change.0.to_vec()))
    }
}

#[cfg(test)]
mod tests;
