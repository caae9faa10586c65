use astralform_domain::{Day, Timestamp};

use super::{CallStore, days::day_of};
use crate::{
    Db, Result,
    bind::binds,
    db::{Row, Run as _},
    row::Record,
};

/// For how long, and in how much room, the call log is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Lines are removed so many days after their calls.
    pub days: u32,
    /// The oldest lines are removed where all of it takes more bytes than this.
    pub bytes: u64,
}

/// For how many days it is kept what there was on each day.
pub const USAGE_DAYS: u32 = 400;

/// How many lines of a file are removed at once.
const BATCH: i64 = 2_000;

struct Room {
    bytes: u64,
}

struct Partition {
    name: String,
    bytes: u64,
}

impl Record for Room {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self { bytes: row.int("bytes")?.unsigned_abs() })
    }
}

impl Record for Partition {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self { name: row.text("name")?, bytes: row.int("bytes")?.unsigned_abs() })
    }
}

impl Default for Keep {
    fn default() -> Self {
        Self { days: 90, bytes: 10 << 30 }
    }
}

impl CallStore {
    /// Removes some of what has been kept for its time, or does not fit any more. Returns whether
    /// there is more of it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn trim(&self, keep: Keep, now: Timestamp) -> Result<bool> {
        const USAGE: &str = "DELETE FROM call_usage WHERE day < $1";
        const END_USERS: &str = "DELETE FROM call_end_users WHERE seen_at < $1";
        let db = self.db().await?;
        let today = Day::of(now);
        let first = today.earlier(keep.days);
        db.execute(USAGE, binds![today.earlier(USAGE_DAYS).number()]).await?;
        // A day later than their last lines.
        db.execute(END_USERS, binds![first.earlier(1).start()]).await?;
        if db.is_for_one() {
            trim_file(db, keep, first).await
        } else {
            drop_days(db, keep, first, today).await
        }
    }
}

/// Drops the partitions of old days, and of more days where the rest takes too much room. Today's
/// stays.
async fn drop_days(db: &Db, keep: Keep, first: Day, today: Day) -> Result<bool> {
    const SQL: &str = "
        SELECT CAST(pg_class.relname AS TEXT) AS name,
               pg_total_relation_size(pg_class.oid) AS bytes
        FROM pg_inherits JOIN pg_class ON pg_class.oid = pg_inherits.inhrelid
        WHERE pg_inherits.inhparent = CAST('calls' AS regclass)
        ORDER BY pg_class.relname";
    let partitions: Vec<Partition> = db.all(SQL, binds![]).await?;
    let mut bytes: u64 = partitions.iter().map(|partition| partition.bytes).sum();
    for partition in partitions {
        let Some(day) = day_of(&partition.name).filter(|day| *day < today) else { continue };
        if day >= first && bytes <= keep.bytes {
            break;
        }
        db.run_made(format!("DROP TABLE {}", partition.name)).await?;
        bytes -= partition.bytes;
    }
    Ok(false)
}

/// Removes the oldest lines of a file; rows are numbered as they came.
async fn trim_file(db: &Db, keep: Keep, first: Day) -> Result<bool> {
    const OLD: &str = "
        DELETE FROM calls
        WHERE rowid IN (SELECT rowid FROM calls ORDER BY rowid LIMIT $2) AND at < $1";
    const ROOM: &str = "
        SELECT (pages.page_count - free.freelist_count) * size.page_size AS bytes
        FROM pragma_page_count AS pages, pragma_freelist_count AS free, pragma_page_size AS size";
    let room: Option<Room> = db.optional(ROOM, binds![]).await?;
    let is_too_large = room.is_some_and(|room| room.bytes > keep.bytes);
    let until = if is_too_large { i64::MAX } else { first.start().as_micros() };
    let removed = db.execute(OLD, binds![until, BATCH]).await?;
    if removed > 0 {
        db.run_made("PRAGMA incremental_vacuum(1000)".to_owned()).await?;
    }
    Ok(removed >= BATCH.unsigned_abs())
}
