//! Every column that holds what a project's keys sealed: what replacing those keys, and counting
//! what each of them sealed, goes through. A test holds the list against the schema.

mod all;

use astralform_domain::{HostSet, Owner, ProjectId, Sealed, Tenant};

use crate::{
    Result, Run, Tx,
    bind::binds,
    db::Row,
    row::{Record, corrupt},
};

pub use all::SEALED_COLUMNS;

/// A column of sealed values.
#[derive(Clone, Copy)]
pub struct SealedColumn {
    /// Its table.
    pub table: &'static str,
    /// Its name.
    pub column: &'static str,
    /// The column that its values are bound to, where they move from one to another.
    pub bound_as: &'static str,
    named: RowName,
    stale: &'static str,
    every: &'static str,
    replace: &'static str,
    count: &'static str,
}

/// How the rows of a table are named in bindings.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RowName {
    /// By the first part of the key.
    First,
    /// By both.
    Both,
    /// By a digest.
    Digest,
}

/// A sealed value, with what it is bound to.
#[derive(Clone, Debug)]
pub struct SealedRow {
    /// The project and environment.
    pub tenant: Tenant,
    /// Whose it is.
    pub owner: Owner,
    /// What the row is called.
    pub row: RowId,
    /// Which write of the row it is.
    pub generation: i64,
    /// Where it may be sent.
    pub hosts: HostSet,
    /// The value.
    pub sealed: Sealed,
    key: (String, String),
}

/// What a row is called in bindings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowId {
    /// The text itself.
    Text(String),
    /// The name that is made of this digest.
    Digest([u8; 32]),
}

/// How many values of a column a key has sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedCount {
    /// The project.
    pub project: ProjectId,
    /// The key.
    pub key: [u8; 16],
    /// How many.
    pub number: i64,
}

impl SealedRow {
    fn read(row: &Row, named: RowName) -> Result<Self> {
        let key = (row.text("key_1")?, row.text("key_2")?);
        let id = match named {
            RowName::First => RowId::Text(key.0.clone()),
            RowName::Both => RowId::Text(format!("{}/{}", key.0, key.1)),
            RowName::Digest => RowId::Digest(row.digest("state_hash")?),
        };
        Ok(Self {
            tenant: row.tenant()?,
            owner: crate::connections::owner(row)?,
            row: id,
            generation: row.int("generation")?,
            hosts: row.json("hosts")?,
            sealed: row.sealed("sealed")?,
            key,
        })
    }

    /// Returns what identifies it among the rows of its table.
    pub fn name(&self) -> String {
        let (first, second) = &self.key;
        if second.is_empty() { first.clone() } else { format!("{first}/{second}") }
    }

    /// Returns where [`SealedColumn::stale`] goes on after it.
    pub fn place(&self) -> &str {
        &self.key.0
    }
}

impl Record for SealedCount {
    fn read(row: &Row) -> Result<Self> {
        let project = row.parse("project_id")?;
        let number = row.int("number")?;
        let key: Vec<u8> = row.get("key_id")?;
        let key = key.try_into().map_err(|_| corrupt("key_id", "a value is too short"))?;
        Ok(Self { project, key, number })
    }
}

impl SealedColumn {
    /// Returns values that another key than their project's current one sealed, from a place on,
    /// `limit` at most, in the order of their places.
    pub async fn stale(&self, db: impl Run, from: &str, limit: i64) -> Result<Vec<SealedRow>> {
        let rows = db.rows(self.stale, binds![from, limit], crate::db::AccessMode::Read).await?;
        rows.iter().map(|row| SealedRow::read(row, self.named)).collect()
    }

    /// Returns every value after one, `limit` at most, in the order of their places.
    pub async fn every(
        &self,
        db: impl Run,
        after: Option<&SealedRow>,
        limit: i64,
    ) -> Result<Vec<SealedRow>> {
        let (first, second) =
            after.map_or(("", ""), |row| (row.key.0.as_str(), row.key.1.as_str()));
        let rows = db.rows(self.every, binds![first, second, limit], crate::db::AccessMode::Read);
        rows.await?.iter().map(|row| SealedRow::read(row, self.named)).collect()
    }

    /// Puts another envelope in the place of one, unless that has changed meanwhile; returns
    /// whether it did.
    pub async fn replace(&self, tx: &mut Tx, read: &SealedRow, with: &Sealed) -> Result<bool> {
        let first = read.key.0.as_str();
        let second = read.key.1.as_str();
        let binds = binds![with, &read.sealed, first, second];
        Ok(tx.execute(self.replace, binds).await? == 1)
    }

    /// Returns how many of its values each key has sealed.
    pub async fn counts(&self, db: impl Run) -> Result<Vec<SealedCount>> {
        db.all(self.count, binds![]).await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::testing::{ACTOR, on_both};

    /// Returns the columns that the schema calls sealed, each with its table.
    fn of_schema() -> BTreeSet<(String, String)> {
        let schema = include_str!("../migrations/0001_init.sql");
        let mut table = String::new();
        let mut found = BTreeSet::new();
        for line in schema.lines() {
            if let Some(name) = line.strip_prefix("CREATE TABLE ") {
                name.trim_end_matches(" (").clone_into(&mut table);
            }
            if let Some((column, _)) = line.split_once("-- sealed") {
                let column = column.split_whitespace().next().unwrap().to_owned();
                found.insert((table.clone(), column));
            }
        }
        found
    }

    #[test]
    fn v3_every_column_that_the_schema_calls_sealed_is_listed() {
        let listed = SEALED_COLUMNS.iter();
        let listed: BTreeSet<_> =
            listed.map(|column| (column.table.to_owned(), column.column.to_owned())).collect();
        assert_eq!(listed, of_schema());
        assert!(listed.len() > 5);
    }

    #[tokio::test]
    async fn the_statements_of_every_column_run() {
        on_both(async |db| {
            for column in SEALED_COLUMNS {
                assert!(column.stale(&db, "", 9).await.unwrap().is_empty(), "{}", column.table);
                assert!(column.every(&db, None, 9).await.unwrap().is_empty());
                assert!(column.counts(&db).await.unwrap().is_empty());
                let row = SealedRow {
                    tenant: crate::testing::world(&db).await.tenant,
                    owner: Owner::Project,
                    row: RowId::Text(String::new()),
                    generation: 1,
                    hosts: HostSet::default(),
                    sealed: Sealed::from_bytes(vec![1]),
                    key: ("nowhere".to_owned(), String::new()),
                };
                let mut tx = db.begin(ACTOR).await.unwrap();
                let with = Sealed::from_bytes(vec![2]);
                assert!(!column.replace(&mut tx, &row, &with).await.unwrap());
            }
        })
        .await;
    }
}
