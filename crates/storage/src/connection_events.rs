//! The histories of connections: what happened to each, the same thing several times in a row as
//! one row.
//!
//! Rows are written in the transaction of what they tell of. Changes of status and refreshes have
//! their connection locked; prompts do not, so that two rows may have the same number. What tells
//! these apart is random: no writer ever waits for another.

mod prompts;

use astralform_domain::{
    ConnectionEvent, ConnectionId, EventPlace, Happening, PromptEvent, RefreshFailure, limits,
};

use crate::{
    Db, Result, Tx,
    bind::binds,
    db::{Row, Run as _},
    row::{Record, corrupt},
    status_changes::StatusUpdate,
};

pub(crate) use prompts::{PromptUpdate, note_opened_prompt};

impl Record for ConnectionEvent {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            place: EventPlace { number: row.int("number")?, mark: row.int("mark")? },
            at: row.time("at")?,
            last_at: row.time("last_at")?,
            times: row.int("times")?,
            what: happening(row)?,
        })
    }
}

fn happening(row: &Row) -> Result<Happening> {
    match row.text("kind")?.as_str() {
        "status" => Ok(Happening::StatusChanged {
            old: row.optional_parse("old_status")?,
            new: row.parse("new_status")?,
            reason: row.optional_parse("reason")?,
        }),
        "refresh" => {
            let failure = row.optional_parse("failure")?;
            Ok(failure.map_or(Happening::Refreshed, Happening::NotRefreshed))
        }
        "prompt" => Ok(Happening::Prompted(PromptEvent {
            request: row.parse("auth_request_id")?,
            agent: row.parse("agent_id")?,
            reason: row.parse("reason")?,
            status: row.parse("prompt_status")?,
            failure: row.optional_parse("failure")?,
        })),
        _ => Err(corrupt("kind", "it is none of a history")),
    }
}

/// Returns what tells rows of the same number apart.
fn fresh_mark(tx: &Tx) -> i64 {
    i64::from_be_bytes(tx.feed.entropy.bytes()) & i64::MAX
}

fn most() -> i64 {
    i64::try_from(limits::CONNECTION_EVENTS.value).unwrap_or(i64::MAX)
}

/// Writes a row for each connection whose status a change has changed.
pub(crate) async fn note_status_changes(tx: &mut Tx, change: StatusUpdate) -> Result<()> {
    const SQL: &str = "
        INSERT INTO connection_events
            (connection_id, number, mark, kind, at, last_at, times, old_status, new_status, reason)
        SELECT connections.id,
               1 + COALESCE((SELECT MAX(before.number) FROM connection_events AS before
                             WHERE before.connection_id = connections.id), 0),
               $2, 'status', $3, $3, 1,
               connections.previous_status, connections.status, connections.reason
        FROM connections
        WHERE connections.last_change = $1
          AND COALESCE(connections.previous_status, '') <> connections.status";
    const TRIM: &str = "
        DELETE FROM connection_events WHERE (connection_id, number) IN
            (SELECT oldest.connection_id, oldest.number
             FROM connections
             JOIN connection_events AS fresh ON fresh.connection_id = connections.id
             JOIN connection_events AS oldest ON oldest.connection_id = fresh.connection_id
             WHERE connections.last_change = $1 AND fresh.number > $3 AND fresh.mark = $2
               AND oldest.number <= fresh.number - $3)";
    let mark = fresh_mark(tx);
    let now = tx.clock.now();
    if tx.execute(SQL, binds![change, mark, now]).await? > 0 {
        tx.execute(TRIM, binds![change, mark, most()]).await?;
    }
    Ok(())
}

/// Notes that a token of a connection was refreshed, or why it was not. The connection is to be
/// locked; one that is gone is passed over.
pub async fn note_refresh(
    tx: &mut Tx,
    connection: ConnectionId,
    failure: Option<RefreshFailure>,
) -> Result<()> {
    const SAME: &str = "
        UPDATE connection_events SET times = times + 1, last_at = $3
        WHERE connection_id = $1 AND kind = 'refresh' AND COALESCE(failure, '') = COALESCE($2, '')
          AND number = (SELECT MAX(newest.number) FROM connection_events AS newest
                        WHERE newest.connection_id = $1)";
    const SQL: &str = "
        INSERT INTO connection_events
            (connection_id, number, mark, kind, at, last_at, times, failure)
        SELECT connections.id,
               1 + COALESCE((SELECT MAX(before.number) FROM connection_events AS before
                             WHERE before.connection_id = connections.id), 0),
               $4, 'refresh', $3, $3, 1, $2
        FROM connections WHERE connections.id = $1";
    let now = tx.clock.now();
    if tx.execute(SAME, binds![connection, failure, now]).await? == 0 {
        let mark = fresh_mark(tx);
        tx.execute(SQL, binds![connection, failure, now, mark]).await?;
        trim(tx, connection).await?;
    }
    Ok(())
}

/// Removes the oldest rows of a connection, all but the most that are kept.
async fn trim(tx: &mut Tx, connection: ConnectionId) -> Result<()> {
    const SQL: &str = "
        DELETE FROM connection_events
        WHERE connection_id = $1
          AND number <= (SELECT MAX(newest.number) FROM connection_events AS newest
                         WHERE newest.connection_id = $1) - $2";
    tx.execute(SQL, binds![connection, most()]).await?;
    Ok(())
}

/// Forgets the history of a connection that is about to be removed.
pub(crate) async fn forget(tx: &mut Tx, connection: ConnectionId) -> Result<()> {
    const SQL: &str = "DELETE FROM connection_events WHERE connection_id = $1";
    tx.execute(SQL, binds![connection]).await?;
    Ok(())
}

/// Returns the history of a connection that was found for its tenant, the latest first: what
/// stands before a place, `limit` rows at most.
pub async fn of_connection(
    db: &Db,
    connection: ConnectionId,
    before: Option<EventPlace>,
    limit: i64,
) -> Result<Vec<ConnectionEvent>> {
    const SQL: &str = "
        SELECT * FROM connection_events
        WHERE connection_id = $1 AND (number, mark) < ($2, $3)
        ORDER BY number DESC, mark DESC LIMIT $4";
    let EventPlace { number, mark } =
        before.unwrap_or(EventPlace { number: i64::MAX, mark: i64::MAX });
    db.all(SQL, binds![connection, number, mark, limit]).await
}

#[cfg(test)]
mod tests;
