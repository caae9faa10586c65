//! The audit log: what was done and by whom, in chains whose entries vouch for one another.
//!
//! This module stores and reads; MACs are made and compared by whoever holds the keys.

mod search;

use astralform_domain::{EndUserId, Environment, ProjectId, RequestId, Timestamp};

use crate::{
    Db, Result, Tx,
    bind::binds,
    db::{Row, Run},
    row::Record,
};
pub use search::{EntryFilter, ListedEntry, list};

/// An entry, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The chain that it is part of.
    pub chain: String,
    /// Its number there, from 1.
    pub number: i64,
    /// When it was written.
    pub at: Timestamp,
    /// Who did it: an id that says of what, or a word.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// The environment that it was done in, where it was in one.
    pub environment: Option<Environment>,
    /// What it was done to.
    pub subject: String,
    /// The pseudonym of the end user whom it concerns.
    pub end_user: Option<String>,
    /// What was so before and after: a JSON object.
    pub details: String,
    /// The request that it was done by.
    pub request: Option<RequestId>,
    /// The address that it came from.
    pub address: Option<String>,
    /// What vouches for it and for the entry before it.
    pub mac: [u8; 32],
}

/// Where a chain ends and, since older entries were removed, begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last entry.
    pub last: Mark,
    /// The last one that was removed; number 0 while none was.
    pub removed: Mark,
}

/// The place of an entry in its chain, with what vouches for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The number of the entry.
    pub number: i64,
    /// The MAC of the entry.
    pub mac: [u8; 32],
    /// What vouches for both.
    pub tag: [u8; 32],
}

impl Record for Entry {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            chain: row.text("chain")?,
            number: row.int("number")?,
            at: row.time("at")?,
            actor: row.text("actor")?,
            action: row.text("action")?,
            environment: row.optional_parse("environment")?,
            subject: row.text("subject")?,
            end_user: row.optional_text("end_user")?,
            details: row.text("details")?,
            request: row.optional_parse("request_id")?,
            address: row.optional_text("address")?,
            mac: row.digest("mac")?,
        })
    }
}

impl Record for Head {
    fn read(row: &Row) -> Result<Self> {
        let mark = |number, mac, tag| -> Result<Mark> {
            Ok(Mark { number: row.int(number)?, mac: row.digest(mac)?, tag: row.digest(tag)? })
        };
        Ok(Self {
            last: mark("number", "mac", "tag")?,
            removed: mark("removed", "removed_mac", "removed_tag")?,
        })
    }
}

/// Begins a chain.
///
/// # Errors
/// A conflict when it has begun.
pub async fn create_head(tx: &mut Tx, chain: &str, head: &Head) -> Result<()> {
    const SQL: &str = "
        INSERT INTO audit_heads (chain, number, mac, tag, removed, removed_mac, removed_tag)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let Head { last, removed } = head;
    let binds = binds![
        chain,
        last.number,
        &last.mac,
        &last.tag,
        removed.number,
        &removed.mac,
        &removed.tag,
    ];
    tx.execute(SQL, binds).await?;
    Ok(())
}

/// Returns the head of a chain, locked until the transaction ends, so that its entries are written
/// one after another.
pub async fn lock_head(tx: &mut Tx, chain: &str) -> Result<Option<Head>> {
    const SQL: &str = "UPDATE audit_heads SET number = number WHERE chain = $1 RETURNING *";
    tx.returning(SQL, binds![chain]).await
}

/// Writes an entry and the head that ends with it. A transaction that has one changes nothing that
/// the log does not know.
pub async fn append(tx: &mut Tx, entry: &Entry, tag: &[u8; 32]) -> Result<()> {
    const SQL: &str = "
        INSERT INTO audit_entries
            (chain, number, at, actor, action, environment, subject, end_user, details, request_id,
             address, mac)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    const HEAD: &str = "UPDATE audit_heads SET number = $2, mac = $3, tag = $4 WHERE chain = $1";
    let binds = binds![
        entry.chain.as_str(),
        entry.number,
        entry.at,
        entry.actor.as_str(),
        entry.action.as_str(),
        entry.environment,
        entry.subject.as_str(),
        &entry.end_user,
        entry.details.as_str(),
        entry.request.map(|id| id.to_string()),
        &entry.address,
        &entry.mac,
    ];
    tx.execute(SQL, binds).await?;
    let binds = binds![entry.chain.as_str(), entry.number, &entry.mac, tag];
    tx.execute(HEAD, binds).await?;
    tx.is_recorded = true;
    Ok(())
}

impl Tx {
    /// Returns the id and the address of the request that this transaction belongs to.
    pub fn request(&self) -> (Option<RequestId>, Option<String>) {
        let address = self.request.address.map(|address| address.to_string());
        (self.request.id, address)
    }

    /// Tries to do something whose failure undoes nothing else.
    ///
    /// # Errors
    /// When it failed, or the transaction is lost.
    pub async fn apart<T, E: From<crate::Error>>(
        &mut self,
        work: impl AsyncFnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.execute("SAVEPOINT apart", Vec::new()).await?;
        let done = work(self).await;
        let end =
            if done.is_ok() { "RELEASE SAVEPOINT apart" } else { "ROLLBACK TO SAVEPOINT apart" };
        self.execute(end, Vec::new()).await?;
        done
    }

    /// Notes that the audit log could not take an entry of what is done: it goes on without.
    pub fn go_on_unrecorded(&mut self) {
        self.is_recorded = true;
    }
}

/// Returns entries of a chain in their order, those after `after` and `limit` at most.
pub async fn in_order(db: &Db, chain: &str, after: i64, limit: i64) -> Result<Vec<Entry>> {
    const SQL: &str = "
        SELECT * FROM audit_entries WHERE chain = $1 AND number > $2 ORDER BY number LIMIT $3";
    db.all(SQL, binds![chain, after, limit]).await
}

/// Returns the head of a chain.
pub async fn head(db: &Db, chain: &str) -> Result<Option<Head>> {
    db.optional("SELECT * FROM audit_heads WHERE chain = $1", binds![chain]).await
}

struct ChainName(String);

impl Record for ChainName {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self(row.text("chain")?))
    }
}

/// Returns the chains that there should be, and those besides that have an entry.
pub async fn chains(db: &Db) -> Result<Vec<String>> {
    const SQL: &str = "
        SELECT chain FROM audit_heads
        UNION SELECT chain FROM audit_entries
        UNION SELECT id AS chain FROM projects
        UNION SELECT id AS chain FROM teams
        UNION SELECT 'installation' AS chain
        ORDER BY chain";
    Ok(named(db.all(SQL, binds![]).await?))
}

/// Returns the chains that have entries which were written until then: as those are removed as they
/// come, they are few.
pub async fn with_old_entries(db: &Db, until: Timestamp) -> Result<Vec<String>> {
    const SQL: &str = "
        SELECT DISTINCT chain FROM audit_entries WHERE at <= $1 ORDER BY chain";
    Ok(named(db.all(SQL, binds![until]).await?))
}

fn named(found: Vec<ChainName>) -> Vec<String> {
    found.into_iter().map(|ChainName(name)| name).collect()
}

/// Returns the last entry of a chain that was written until then, among the first so many.
pub async fn last_until(
    tx: &mut Tx,
    chain: &str,
    until: Timestamp,
    among: i64,
) -> Result<Option<Entry>> {
    const SQL: &str = "
        SELECT * FROM
            (SELECT * FROM audit_entries WHERE chain = $1 ORDER BY number LIMIT $3) AS first_ones
        WHERE at <= $2 ORDER BY number DESC LIMIT 1";
    tx.optional(SQL, binds![chain, until, among]).await
}

/// Removes the entries of a chain up to one, which the head names from then on, and the names of
/// those whom no entry is about any more.
pub async fn remove_until(tx: &mut Tx, chain: &str, removed: &Mark) -> Result<u64> {
    const SQL: &str = "DELETE FROM audit_entries WHERE chain = $1 AND number <= $2";
    const HEAD: &str = "
        UPDATE audit_heads SET removed = $2, removed_mac = $3, removed_tag = $4 WHERE chain = $1";
    const NAMES: &str = "
        DELETE FROM audit_names WHERE project_id = $1 AND NOT EXISTS
            (SELECT 1 FROM audit_entries
             WHERE audit_entries.chain = $1 AND audit_entries.end_user = audit_names.pseudonym)";
    let binds = binds![chain, removed.number, &removed.mac, &removed.tag];
    tx.execute(HEAD, binds).await?;
    let number = tx.execute(SQL, binds![chain, removed.number]).await?;
    tx.execute(NAMES, binds![chain]).await?;
    Ok(number)
}

/// Keeps who is behind a pseudonym.
pub async fn name(
    tx: &mut Tx,
    project: ProjectId,
    pseudonym: &str,
    end_user: &EndUserId,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO audit_names (project_id, pseudonym, end_user) VALUES ($1, $2, $3)
        ON CONFLICT (project_id, pseudonym) DO NOTHING";
    tx.execute(SQL, binds![project, pseudonym, end_user]).await?;
    Ok(())
}

/// Forgets who is behind a pseudonym: its entries stay, and name nobody.
pub async fn forget(tx: &mut Tx, project: ProjectId, pseudonym: &str) -> Result<()> {
    const SQL: &str = "DELETE FROM audit_names WHERE project_id = $1 AND pseudonym = $2";
    tx.execute(SQL, binds![project, pseudonym]).await?;
    Ok(())
}
