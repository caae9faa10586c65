//! The processes that share the database, and what follows from their clocks.
//!
//! Each says about once a second that it lives ([`beat`]). A name is used by one process after
//! another: what an ended process held is taken over by the next one of its name; while the earlier
//! one lives, no process takes it over. On SQLite there is one server at a time.

use std::time::Duration;

use astralform_domain::Timestamp;

use crate::{
    Db, Result, Tx,
    bind::binds,
    db::{Row, Run as _},
    row::Record,
};

/// How long a process says nothing until its leases are those of the next one of its name.
pub const DEAD_AFTER: Duration = Duration::from_secs(10);

/// How long a process says nothing until callers are not kept waiting for it any more.
pub const SILENT_AFTER: Duration = Duration::from_secs(5);

/// How far a clock goes back before the pauses that it measured are measured anew.
const SET_BACK: Duration = Duration::from_mins(1);

/// How long a process that ended is remembered.
const REMEMBERED: Duration = Duration::from_hours(24);

/// The longest that a refresh is leased, so that no clock that was ahead leaves a longer lease.
const LONGEST_LEASE: Duration = Duration::from_mins(1);

/// A process that shares the database.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// What people call it: the same after a restart.
    pub name: &'a str,
    /// What tells it from any other process.
    pub process: &'a str,
    /// The fingerprint of the connectors that it serves.
    pub catalog: &'a str,
}

/// What a process learns when it says that it lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeartbeatReport {
    /// How many refreshes it took over from processes of its name that ended.
    pub taken_over: u64,
    /// How many other processes of its name live.
    pub namesakes: i64,
    /// Whether a clock was set back, so that everything that waits is tried again now.
    pub was_set_back: bool,
    /// A living process that serves other connectors, by its name.
    pub differs_from: Option<String>,
}

/// The latest times that were written down.
struct Latest {
    seen: Timestamp,
    told: Timestamp,
    namesakes: i64,
    differs_from: Option<String>,
}

impl Record for Latest {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            seen: row.time("seen_at")?,
            told: row.time("told_at")?,
            namesakes: row.int("namesakes")?,
            differs_from: row.optional_text("differs_from")?,
        })
    }
}

/// Records that a process lives, takes over what processes of its name left when they ended, and
/// corrects what was measured by a clock that was ahead.
pub async fn beat(tx: &mut Tx, node: Node<'_>) -> Result<HeartbeatReport> {
    const BEAT: &str = "
        INSERT INTO nodes (process, name, seen_at, told_at, catalog) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (process) DO UPDATE SET seen_at = $3, told_at = $4, catalog = $5";
    const FORGET: &str = "DELETE FROM nodes WHERE seen_at <= $1 AND process <> $2";
    const TAKE_OVER: &str = "
        UPDATE refreshes SET lease_until = 0, node = $1
        WHERE node <> $1 AND node IN
            (SELECT process FROM nodes WHERE name = $2 AND process <> $1 AND seen_at <= $3)";
    let database = tx.clock().await?;
    let own = tx.clock.now();
    let Node { name, process, catalog } = node;
    let latest = latest(tx, node, database).await?;
    let is_database_behind = latest.seen > database.after(SET_BACK);
    let is_own_behind = latest.told > own.after(SET_BACK);
    if is_database_behind {
        measure_refreshes_anew(tx, database).await?;
    }
    if is_own_behind {
        measure_outboxes_anew(tx, name, own).await?;
    }
    tx.execute(BEAT, binds![process, name, database, own, catalog]).await?;
    let dead = database.before(DEAD_AFTER);
    let taken_over = tx.execute(TAKE_OVER, binds![process, name, dead]).await?;
    tx.execute(FORGET, binds![database.before(REMEMBERED), process]).await?;
    let was_set_back = is_database_behind || is_own_behind;
    let Latest { namesakes, differs_from, .. } = latest;
    Ok(HeartbeatReport { taken_over, namesakes, was_set_back, differs_from })
}

async fn latest(tx: &mut Tx, node: Node<'_>, database: Timestamp) -> Result<Latest> {
    const SQL: &str = "
        SELECT COALESCE(MAX(seen_at), 0) AS seen_at,
               COALESCE(MAX(CASE WHEN name = $1 THEN told_at END), 0) AS told_at,
               COUNT(CASE WHEN name = $1 AND process <> $2 AND seen_at > $3 THEN 1 END)
                   AS namesakes,
               MIN(CASE WHEN process <> $2 AND seen_at > $3 AND catalog <> $4 THEN name END)
                   AS differs_from
        FROM nodes";
    let dead = database.before(DEAD_AFTER);
    let found = tx.optional(SQL, binds![node.name, node.process, dead, node.catalog]).await?;
    let seen = Timestamp::from_secs(0);
    let told = Timestamp::from_secs(0);
    Ok(found.unwrap_or(Latest { seen, told, namesakes: 0, differs_from: None }))
}

/// Corrects what was measured while the database's clock was ahead: a failed refresh is tried again
/// now, and a lease lasts as long as any does.
async fn measure_refreshes_anew(tx: &mut Tx, now: Timestamp) -> Result<()> {
    const PAUSES: &str = "UPDATE refreshes SET not_before = 0 WHERE not_before > $1";
    const LEASES: &str = "UPDATE refreshes SET lease_until = $1 WHERE lease_until > $1";
    const NODES: &str = "UPDATE nodes SET seen_at = $1 WHERE seen_at > $1";
    tx.execute(PAUSES, binds![now]).await?;
    tx.execute(LEASES, binds![now.after(LONGEST_LEASE)]).await?;
    tx.execute(NODES, binds![now]).await?;
    Ok(())
}

/// Corrects what was measured while the clock of processes of that name was ahead: what waits in
/// the outboxes is tried again now.
async fn measure_outboxes_anew(tx: &mut Tx, name: &str, now: Timestamp) -> Result<()> {
    const REVOCATIONS: &str = "
        UPDATE revocations SET next_attempt_at = $1
        WHERE status = 'pending' AND next_attempt_at > $1";
    const PAUSES: &str = "
        UPDATE revocation_pauses SET paused_until = $1 WHERE paused_until > $1";
    const DELIVERIES: &str = "
        UPDATE webhook_deliveries SET due_at = $1 WHERE status = 'pending' AND due_at > $1";
    const NODES: &str = "UPDATE nodes SET told_at = $1 WHERE name = $2 AND told_at > $1";
    for sql in [REVOCATIONS, PAUSES, DELIVERIES] {
        tx.execute(sql, binds![now]).await?;
    }
    tx.execute(NODES, binds![now, name]).await?;
    Ok(())
}

/// Notes that every other process has ended: the database is for one at a time.
pub async fn outlive(tx: &mut Tx, node: Node<'_>) -> Result<()> {
    const SQL: &str = "UPDATE nodes SET seen_at = $2 WHERE process <> $1 AND seen_at > $2";
    let dead = tx.clock().await?.before(DEAD_AFTER);
    tx.execute(SQL, binds![node.process, dead]).await?;
    Ok(())
}

/// A living process, and how far its clock is from the database's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeClock {
    /// What people call it.
    pub name: String,
    /// How far, at its last beat.
    pub apart: Duration,
}

/// How far the clocks of a process and of its database may be apart.
pub const CLOCKS_APART: Duration = Duration::from_mins(1);

impl Record for NodeClock {
    fn read(row: &Row) -> Result<Self> {
        let (seen, told) = (row.time("seen_at")?, row.time("told_at")?);
        Ok(Self { name: row.text("name")?, apart: seen.until(told).max(told.until(seen)) })
    }
}

/// Returns the living processes with their clocks.
pub async fn clocks(db: &Db) -> Result<Vec<NodeClock>> {
    const SQL: &str = "SELECT name, seen_at, told_at FROM nodes WHERE seen_at > $1 ORDER BY name";
    let since = db.clock().await?.before(SILENT_AFTER);
    db.all(SQL, binds![since]).await
}

/// Notes that a process ends in order: what it left is the next one's at once.
pub async fn leave(tx: &mut Tx, node: Node<'_>) -> Result<()> {
    const SQL: &str = "UPDATE nodes SET seen_at = $2 WHERE process = $1";
    let dead = tx.clock().await?.before(DEAD_AFTER);
    tx.execute(SQL, binds![node.process, dead]).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
