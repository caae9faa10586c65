//! What histories tell of prompts: one row for each, which goes along with it.

use astralform_domain::{AuthRequest, ConnectionId};

use super::{fresh_mark, trim};
use crate::{
    Result, Tx,
    bind::{Bind, binds},
    db::Run as _,
};

/// One change of the status of an auth request, or of many at once.
///
/// A statement that sets such a status also sets `last_change`, whose value is that of a
/// [`PromptUpdate`]; [`PromptUpdate::tell`] then writes it to the histories.
#[derive(Clone, Copy)]
pub(crate) struct PromptUpdate([u8; 16]);

impl PromptUpdate {
    pub(crate) fn new(tx: &Tx) -> Self {
        Self(tx.feed.entropy.bytes())
    }

    /// Writes how far the prompts got to the histories of the connections that they are to renew.
    pub(crate) async fn tell(self, tx: &mut Tx) -> Result<()> {
        const SQL: &str = "
            UPDATE connection_events
            SET last_at = $2,
                prompt_status = (SELECT auth_requests.status FROM auth_requests
                                 WHERE auth_requests.id = connection_events.auth_request_id),
                failure = (SELECT auth_requests.failure FROM auth_requests
                           WHERE auth_requests.id = connection_events.auth_request_id)
            WHERE kind = 'prompt' AND (connection_id, auth_request_id) IN
                (SELECT renews, id FROM auth_requests
                 WHERE last_change = $1 AND renews IS NOT NULL)";
        let now = tx.clock.now();
        tx.execute(SQL, binds![self, now]).await?;
        Ok(())
    }

    /// Writes besides that one of them has led to a connection, where it is not that which it was
    /// to renew.
    pub(crate) async fn tell_completed(self, tx: &mut Tx, connection: ConnectionId) -> Result<()> {
        const SQL: &str = "
            INSERT INTO connection_events
                (connection_id, number, mark, kind, at, last_at, times, reason, auth_request_id,
                 agent_id, prompt_status)
            SELECT auth_requests.connection_id,
                   1 + COALESCE((SELECT MAX(before.number) FROM connection_events AS before
                                 WHERE before.connection_id = auth_requests.connection_id), 0),
                   $2, 'prompt', auth_requests.created_at, $3, 1, auth_requests.reason,
                   auth_requests.id, auth_requests.agent_id, auth_requests.status
            FROM auth_requests
            WHERE auth_requests.last_change = $1 AND auth_requests.status = 'completed'
              AND COALESCE(auth_requests.renews, '') <> auth_requests.connection_id";
        self.tell(tx).await?;
        let mark = fresh_mark(tx);
        let now = tx.clock.now();
        if tx.execute(SQL, binds![self, mark, now]).await? > 0 {
            trim(tx, connection).await?;
        }
        Ok(())
    }
}

impl From<PromptUpdate> for Bind {
    fn from(update: PromptUpdate) -> Self {
        Self::Bytes(Some(update.0.to_vec()))
    }
}

/// Notes that a prompt was opened that is to renew a connection. After one that expired, with
/// nothing in between, it is the same thing again: an agent may ask every ten minutes for days.
pub(crate) async fn note_opened_prompt(tx: &mut Tx, opened: &AuthRequest) -> Result<()> {
    const SAME: &str = "
        UPDATE connection_events
        SET times = times + 1, last_at = $5, auth_request_id = $2, agent_id = $3, reason = $4,
            prompt_status = 'pending'
        WHERE connection_id = $1 AND kind = 'prompt' AND prompt_status = 'expired'
          AND number = (SELECT MAX(newest.number) FROM connection_events AS newest
                        WHERE newest.connection_id = $1)";
    const SQL: &str = "
        INSERT INTO connection_events
            (connection_id, number, mark, kind, at, last_at, times, reason, auth_request_id,
             agent_id, prompt_status)
        SELECT connections.id,
               1 + COALESCE((SELECT MAX(before.number) FROM connection_events AS before
                             WHERE before.connection_id = connections.id), 0),
               $6, 'prompt', $5, $5, 1, $4, $2, $3, 'pending'
        FROM connections WHERE connections.id = $1";
    let Some(connection) = opened.renews else { return Ok(()) };
    let now = tx.clock.now();
    let AuthRequest { id, agent, reason, .. } = opened;
    if tx.execute(SAME, binds![connection, *id, *agent, *reason, now]).await? == 0 {
        let mark = fresh_mark(tx);
        tx.execute(SQL, binds![connection, *id, *agent, *reason, now, mark]).await?;
        trim(tx, connection).await?;
    }
    Ok(())
}
