//! The one module that names a database driver; `open` below it opens one.
//!
//! Every statement of this crate is written once, in the SQL that SQLite and PostgreSQL share.
//! `all` and `optional` read; `execute` and `returning` write. On SQLite they take different
//! connections: one writer, whose queue is fair, and a pool that can only read.

mod clock;
pub(crate) mod copy;
mod health;
mod open;

use std::{collections::BTreeSet, sync::Arc};

use astralform_domain::Clock;
use sqlx::{
    Arguments as _, PgPool, Postgres, Row as _, Sqlite, SqlitePool, Transaction,
    postgres::{PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
};

use crate::{Error, Result, bind::Bind, changes::Feed, row::Record};

pub(crate) use health::Health;

/// An open database.
#[derive(Clone)]
pub struct Db {
    pools: Pools,
    feed: Arc<Feed>,
    clock: Clock,
}

#[derive(Clone)]
enum Pools {
    Sqlite { read: SqlitePool, write: SqlitePool },
    Postgres(PgPool),
}

/// An open write transaction; dropping it rolls back.
pub struct Tx {
    open: Open,
    has_written: bool,
    /// The digests of what it changes.
    pub(crate) touched: BTreeSet<u32>,
    pub(crate) feed: Arc<Feed>,
    /// The time at which what it does happens.
    pub(crate) clock: Clock,
}

enum Open {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// A row of either driver.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

/// Where a statement runs: `&Db` takes a pooled connection, `&mut Tx` the open transaction.
pub trait Run: Send + Sized {
    /// The rows of a query.
    fn rows(
        self,
        sql: &'static str,
        binds: Vec<Bind>,
        access: Access,
    ) -> impl Future<Output = Result<Vec<Row>>> + Send;

    /// Runs a write and says how many rows it touched.
    fn execute(
        self,
        sql: &'static str,
        binds: Vec<Bind>,
    ) -> impl Future<Output = Result<u64>> + Send;

    /// Every record of a query.
    fn all<T: Record>(
        self,
        sql: &'static str,
        binds: Vec<Bind>,
    ) -> impl Future<Output = Result<Vec<T>>> + Send {
        async move { self.rows(sql, binds, Access::Read).await?.iter().map(T::read).collect() }
    }

    /// The record of a query that matches one at most.
    fn optional<T: Record>(
        self,
        sql: &'static str,
        binds: Vec<Bind>,
    ) -> impl Future<Output = Result<Option<T>>> + Send {
        async move { self.rows(sql, binds, Access::Read).await?.first().map(T::read).transpose() }
    }

    /// The record that a write with `RETURNING` touched, if it touched one.
    fn returning<T: Record>(
        self,
        sql: &'static str,
        binds: Vec<Bind>,
    ) -> impl Future<Output = Result<Option<T>>> + Send {
        async move { self.rows(sql, binds, Access::Write).await?.first().map(T::read).transpose() }
    }

    /// Every record that a write with `RETURNING` touched.
    fn returning_all<T: Record>(
        self,
        sql: &'static str,
        binds: Vec<Bind>,
    ) -> impl Future<Output = Result<Vec<T>>> + Send {
        async move { self.rows(sql, binds, Access::Write).await?.iter().map(T::read).collect() }
    }
}

/// Which of SQLite's two kinds of connections a statement needs.
#[derive(Clone, Copy)]
pub enum Access {
    /// One of those that can only read.
    Read,
    /// The one that writes.
    Write,
}

impl Db {
    /// Starts a write transaction.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin(&self) -> Result<Tx> {
        let open = self.feed.health.note_write(self.open_transaction().await, |_| false)?;
        let (feed, clock) = (Arc::clone(&self.feed), self.clock.clone());
        Ok(Tx { open, has_written: false, touched: BTreeSet::new(), feed, clock })
    }

    async fn open_transaction(&self) -> Result<Open> {
        Ok(match &self.pools {
            // Takes the write lock now: a read-then-write transaction cannot fail half way.
            Pools::Sqlite { write, .. } => Open::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Pools::Postgres(pool) => Open::Postgres(pool.begin().await?),
        })
    }

    fn over(pools: Pools) -> Self {
        Self { pools, feed: Arc::default(), clock: Clock::system() }
    }

    /// The same database, with the time at which what is done to it happens.
    #[must_use]
    pub fn at_the_time_of(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    pub(crate) fn feed(&self) -> &Feed {
        &self.feed
    }

    /// The same database, as another node sees it.
    #[cfg(test)]
    pub(crate) fn as_another_node(&self) -> Self {
        Self::over(self.pools.clone())
    }
}

impl Tx {
    /// Makes everything since [`Db::begin`] durable.
    ///
    /// # Errors
    /// When the database cannot; then nothing of it happened.
    pub async fn commit(mut self) -> Result<()> {
        self.tell().await?;
        let Self { open, has_written, touched, feed, .. } = self;
        let committed = match open {
            Open::Sqlite(tx) => tx.commit().await,
            Open::Postgres(tx) => tx.commit().await,
        };
        let committed = feed.health.note_write(committed.map_err(Error::from), |()| has_written);
        // Also when the answer was lost: it may have happened.
        for topic in touched {
            feed.epochs.count_up(topic);
        }
        committed
    }
}

/// The parameters of a statement, as a driver takes them.
macro_rules! arguments {
    ($name:ident, $arguments:ty) => {
        fn $name(binds: Vec<Bind>) -> Result<$arguments> {
            let mut arguments = <$arguments>::default();
            for bind in binds {
                match bind {
                    Bind::Text(value) => arguments.add(value),
                    Bind::Int(value) => arguments.add(value),
                    Bind::Bool(value) => arguments.add(value),
                    Bind::Bytes(value) => arguments.add(value),
                }
                .map_err(sqlx::Error::Encode)?;
            }
            Ok(arguments)
        }
    };
}
arguments!(sqlite, SqliteArguments);
arguments!(postgres, PgArguments);

impl Db {
    async fn rows_unnoted(
        &self,
        sql: &'static str,
        binds: Vec<Bind>,
        access: Access,
    ) -> Result<Vec<Row>> {
        Ok(match (&self.pools, access) {
            (Pools::Sqlite { read: pool, .. }, Access::Read)
            | (Pools::Sqlite { write: pool, .. }, Access::Write) => {
                let rows = sqlx::query_with(sql, sqlite(binds)?).fetch_all(pool).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            (Pools::Postgres(pool), _) => {
                let rows = sqlx::query_with(sql, postgres(binds)?).fetch_all(pool).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }
}

impl Run for &Db {
    async fn rows(self, sql: &'static str, binds: Vec<Bind>, access: Access) -> Result<Vec<Row>> {
        let rows = self.rows_unnoted(sql, binds, access).await;
        match access {
            Access::Read => rows,
            Access::Write => self.feed.health.note_write(rows, |rows| !rows.is_empty()),
        }
    }

    async fn execute(self, sql: &'static str, binds: Vec<Bind>) -> Result<u64> {
        let written = match &self.pools {
            Pools::Sqlite { write, .. } => {
                let done = sqlx::query_with(sql, sqlite(binds)?).execute(write).await;
                done.map(|done| done.rows_affected())
            }
            Pools::Postgres(pool) => {
                let done = sqlx::query_with(sql, postgres(binds)?).execute(pool).await;
                done.map(|done| done.rows_affected())
            }
        };
        self.feed.health.note_write(written.map_err(Error::from), |touched| *touched > 0)
    }
}

impl Run for &mut Tx {
    async fn rows(self, sql: &'static str, binds: Vec<Bind>, access: Access) -> Result<Vec<Row>> {
        let rows = match &mut self.open {
            Open::Sqlite(tx) => {
                let rows = sqlx::query_with(sql, sqlite(binds)?).fetch_all(&mut **tx).await;
                rows.map(|rows| rows.into_iter().map(Row::Sqlite).collect::<Vec<_>>())
            }
            Open::Postgres(tx) => {
                let rows = sqlx::query_with(sql, postgres(binds)?).fetch_all(&mut **tx).await;
                rows.map(|rows| rows.into_iter().map(Row::Postgres).collect())
            }
        };
        let rows = self.feed.health.note_write(rows.map_err(Error::from), |_| false)?;
        self.has_written |= matches!(access, Access::Write) && !rows.is_empty();
        Ok(rows)
    }

    async fn execute(self, sql: &'static str, binds: Vec<Bind>) -> Result<u64> {
        let done = match &mut self.open {
            Open::Sqlite(tx) => {
                let done = sqlx::query_with(sql, sqlite(binds)?).execute(&mut **tx).await;
                done.map(|done| done.rows_affected())
            }
            Open::Postgres(tx) => {
                let done = sqlx::query_with(sql, postgres(binds)?).execute(&mut **tx).await;
                done.map(|done| done.rows_affected())
            }
        };
        let touched = self.feed.health.note_write(done.map_err(Error::from), |_| false)?;
        self.has_written |= touched > 0;
        Ok(touched)
    }
}

/// What can stand in a column, on both drivers alike.
pub(crate) trait Column:
    for<'r> sqlx::Decode<'r, Sqlite>
    + sqlx::Type<Sqlite>
    + for<'r> sqlx::Decode<'r, Postgres>
    + sqlx::Type<Postgres>
{
}
impl<T> Column for T where
    T: for<'r> sqlx::Decode<'r, Sqlite>
        + sqlx::Type<Sqlite>
        + for<'r> sqlx::Decode<'r, Postgres>
        + sqlx::Type<Postgres>
{
}

impl Row {
    /// The value of a column.
    pub(crate) fn get<T: Column>(&self, column: &'static str) -> Result<T> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }
}

#[cfg(test)]
mod tests;
