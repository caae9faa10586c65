//! Refreshes that are under way, one at most for each token, on any node.
//!
//! A node that refreshes a token holds a lease on its row here. The row is written before the
//! provider is called and says that the refresh token is out; it goes when the new token is stored.
//! Leases and pauses go by the database's clock ([`Tx::clock`](crate::Tx)), which all nodes share.

mod failing;
mod waiting;

use std::time::Duration;

use astralform_domain::{Connection, ConnectionId, Sealed, Tenant, Timestamp};

use crate::{
    Db, Result, Tx,
    bind::binds,
    db::{Row, Run as _},
    nodes,
    row::Record,
    tokens::Token,
};

pub use failing::{FailingRefresh, failing};
pub use waiting::{WaitingConnector, abandoned, due, waiting};

/// The table, for bindings.
pub const TABLE: &str = "refreshes";

/// Which token is refreshed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RefreshKey {
    /// The connection it belongs to.
    pub connection: ConnectionId,
    /// Which of its tokens it is.
    pub kind: String,
}

/// The right to refresh a token, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The token.
    pub key: RefreshKey,
    /// The token's generation when its refresh token was sent last.
    pub generation: i64,
    /// Counts the holders: a write with an older one is refused.
    pub fence: i64,
    /// Whether an earlier holder sent the refresh token and never wrote what came of it.
    pub was_sent: bool,
    /// What the provider answered an earlier holder.
    pub answer: Option<Sealed>,
    /// How often it failed in a row.
    pub failures: i64,
    /// Before when it is not to be tried again.
    pub not_before: Timestamp,
    /// Since when the provider refuses it with an error that may mean anything.
    pub refused_since: Option<Timestamp>,
}

/// A process that takes refreshes up.
#[derive(Clone, Copy, Debug)]
pub struct Claimant<'a> {
    /// The process, as it is told from any other.
    pub node: &'a str,
    /// Whether it may go on with a refresh that another node has sent and not ended: that node may
    /// have the answer, and still be about to store it.
    pub takes_over: bool,
}

impl RefreshKey {
    /// Returns its primary key, for bindings.
    pub fn row(&self) -> String {
        Token::row_key(self.connection, &self.kind)
    }
}

impl Record for RefreshKey {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self { connection: row.parse("connection_id")?, kind: row.text("kind")? })
    }
}

impl Record for Lease {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            key: RefreshKey::read(row)?,
            generation: row.int("generation")?,
            fence: row.int("fence")?,
            was_sent: row.flag("is_sent")?,
            answer: row.optional_sealed("answer")?,
            failures: row.int("failures")?,
            not_before: row.time("not_before")?,
            refused_since: row.optional_time("refused_since")?,
        })
    }
}

/// Takes the lease on a token's refresh, unless another process holds it or is waited for. Fences
/// begin with the time, so that no row that is made anew ever has an old one.
pub async fn claim(
    tx: &mut Tx,
    key: &RefreshKey,
    by: Claimant<'_>,
    length: Duration,
) -> Result<Option<Lease>> {
    const SQL: &str = "
        INSERT INTO refreshes
            (connection_id, kind, generation, fence, node, lease_until, is_sent, failures,
             not_before)
        VALUES ($1, $2, 0, $5, $3, $4, FALSE, 0, 0)
        ON CONFLICT (connection_id, kind) DO UPDATE
        SET fence = refreshes.fence + 1, node = $3, lease_until = $4
        WHERE refreshes.lease_until <= $5
          AND ($6 OR refreshes.node = $3 OR NOT refreshes.is_sent OR refreshes.answer IS NOT NULL)
        RETURNING *";
    let now = tx.clock().await?;
    let until = now.after(length);
    let Claimant { node, takes_over } = by;
    let binds = binds![key.connection, key.kind.as_str(), node, until, now, takes_over];
    tx.returning(SQL, binds).await
}

/// The process that makes a refresh, or is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseHolder {
    /// How long the lease lasts from now on; nothing when only the answer is waited for.
    pub left: Duration,
    /// Whether the holder has been heard of lately.
    pub is_living: bool,
}

struct HeldRow {
    lease_until: Timestamp,
    seen_at: Timestamp,
}

impl Record for HeldRow {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self { lease_until: row.time("lease_until")?, seen_at: row.time("seen_at")? })
    }
}

/// Returns the process that refreshes a token, or is waited for, if the token is still of that
/// generation. Writes nothing.
pub async fn holder(
    db: &Db,
    key: &RefreshKey,
    generation: i64,
    by: Claimant<'_>,
) -> Result<Option<LeaseHolder>> {
    const SQL: &str = "
        SELECT refreshes.lease_until,
               COALESCE((SELECT nodes.seen_at FROM nodes WHERE nodes.process = refreshes.node), 0)
                   AS seen_at
        FROM refreshes
        JOIN tokens
          ON tokens.connection_id = refreshes.connection_id AND tokens.kind = refreshes.kind
        WHERE refreshes.connection_id = $1 AND refreshes.kind = $2
          AND (refreshes.lease_until > $4
               OR refreshes.is_sent AND refreshes.answer IS NULL AND refreshes.node <> $5 AND NOT $6)
          AND tokens.generation <= $3";
    let now = db.clock().await?;
    let Claimant { node, takes_over } = by;
    let binds = binds![key.connection, key.kind.as_str(), generation, now, node, takes_over];
    let found: Option<HeldRow> = db.optional(SQL, binds).await?;
    Ok(found.map(|HeldRow { lease_until, seen_at }| LeaseHolder {
        left: now.until(lease_until),
        is_living: seen_at > now.before(nodes::SILENT_AFTER),
    }))
}

/// Notes that the refresh token of that generation is about to be sent.
pub async fn mark_sent(tx: &mut Tx, lease: &Lease, generation: i64) -> Result<()> {
    const SQL: &str = "
        UPDATE refreshes SET is_sent = TRUE, generation = $4, answer = NULL
        WHERE connection_id = $1 AND kind = $2 AND fence = $3";
    let RefreshKey { connection, kind } = &lease.key;
    tx.execute(SQL, binds![*connection, kind.as_str(), lease.fence, generation]).await?;
    Ok(())
}

/// Keeps what the provider answered, before anything else is done with it; returns whether the
/// lease was still held.
pub async fn keep_answer(db: &Db, lease: &Lease, answer: &Sealed) -> Result<bool> {
    const SQL: &str = "
        UPDATE refreshes SET answer = $4
        WHERE connection_id = $1 AND kind = $2 AND fence = $3";
    let RefreshKey { connection, kind } = &lease.key;
    let binds = binds![*connection, kind.as_str(), lease.fence, answer];
    Ok(db.execute(SQL, binds).await? == 1)
}

/// Keeps an answer that was found after a restart, if the token that it replaces is still there and
/// has no other answer, also where the refresh was given up meanwhile. Returns whether it is kept.
pub async fn take_answer(
    tx: &mut Tx,
    key: &RefreshKey,
    generation: i64,
    node: &str,
    answer: &Sealed,
) -> Result<bool> {
    const SQL: &str = "
        INSERT INTO refreshes
            (connection_id, kind, generation, fence, node, lease_until, is_sent, answer, failures,
             not_before)
        SELECT $1, $2, $3, $5, $6, 0, TRUE, $4, 0, 0 FROM tokens
        WHERE connection_id = $1 AND kind = $2 AND generation = $3
        ON CONFLICT (connection_id, kind) DO UPDATE SET answer = $4
        WHERE refreshes.generation = $3 AND refreshes.answer IS NULL";
    let now = tx.clock().await?;
    let binds = binds![key.connection, key.kind.as_str(), generation, answer, now, node];
    Ok(tx.execute(SQL, binds).await? == 1)
}

/// Gives the lease back after a failure; the next try is not to come before `pause` is over. Where
/// the provider has refused it, `refused_since` says since when.
pub async fn put_off(
    tx: &mut Tx,
    lease: &Lease,
    pause: Duration,
    refused_since: Option<Timestamp>,
) -> Result<()> {
    const SQL: &str = "
        UPDATE refreshes
        SET is_sent = FALSE, answer = NULL, failures = failures + 1, not_before = $4,
            lease_until = 0, refused_since = COALESCE($5, refused_since)
        WHERE connection_id = $1 AND kind = $2 AND fence = $3";
    let not_before = tx.clock().await?.after(pause);
    let RefreshKey { connection, kind } = &lease.key;
    tx.execute(SQL, binds![*connection, kind.as_str(), lease.fence, not_before, refused_since])
        .await?;
    Ok(())
}

/// Puts off the refresh of a token that cannot be made at present, by any process. What is under
/// way, was sent or answered stays so, and no failure is counted.
pub async fn postpone(tx: &mut Tx, key: &RefreshKey, node: &str, pause: Duration) -> Result<()> {
    const SQL: &str = "
        INSERT INTO refreshes
            (connection_id, kind, generation, fence, node, lease_until, is_sent, failures,
             not_before)
        VALUES ($1, $2, 0, $4, $3, 0, FALSE, 0, $5)
        ON CONFLICT (connection_id, kind) DO UPDATE SET not_before = $5
        WHERE refreshes.not_before < $5";
    let now = tx.clock().await?;
    let binds = binds![key.connection, key.kind.as_str(), node, now, now.after(pause)];
    tx.execute(SQL, binds).await?;
    Ok(())
}

/// Gives the lease back with everything as it was found.
pub async fn give_back(tx: &mut Tx, lease: &Lease) -> Result<()> {
    const SQL: &str = "
        UPDATE refreshes SET lease_until = 0
        WHERE connection_id = $1 AND kind = $2 AND fence = $3";
    let RefreshKey { connection, kind } = &lease.key;
    tx.execute(SQL, binds![*connection, kind.as_str(), lease.fence]).await?;
    Ok(())
}

/// Ends a refresh whose outcome is stored, or that is of no use any more.
pub async fn end(tx: &mut Tx, key: &RefreshKey) -> Result<()> {
    const SQL: &str = "DELETE FROM refreshes WHERE connection_id = $1 AND kind = $2";
    tx.execute(SQL, binds![key.connection, key.kind.as_str()]).await?;
    Ok(())
}

/// Ends all refreshes of a connection.
pub(crate) async fn end_all(tx: &mut Tx, of: &Connection) -> Result<()> {
    const SQL: &str = "DELETE FROM refreshes WHERE connection_id = $1";
    tx.execute(SQL, binds![of.id]).await?;
    Ok(())
}

/// A token whose refresh is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Whose it is.
    pub tenant: Tenant,
    /// The token.
    pub key: RefreshKey,
    /// The generation that is to be replaced.
    pub generation: i64,
}

impl Record for Wanted {
    fn read(row: &Row) -> Result<Self> {
        let tenant = row.tenant()?;
        let key = RefreshKey::read(row)?;
        Ok(Self { tenant, key, generation: row.int("generation")? })
    }
}

#[cfg(test)]
mod tests;
