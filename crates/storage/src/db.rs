//! The one module that names a database driver; `open` below it opens one.
//!
//! Every statement of this crate is written once, in the SQL that SQLite and PostgreSQL share.
//! `all` and `optional` read; `execute` and `returning` write. On SQLite they take different
//! connections: one writer, whose queue is fair, and a pool that can only read.

mod clock;
pub(crate) mod copy;
mod greet;
mod health;
mod line;
pub(crate) mod made;
mod one_connection;
mod open;
mod transaction;
mod work;

use std::{sync::Arc, time::Duration};

use astralform_domain::Clock;
use sqlx::{
    Arguments as _, Postgres, Row as _, Sqlite, SqlitePool,
    postgres::{PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
};

use crate::{Error, Result, bind::Bind, changes::Feed, row::Record};

pub(crate) use clock::ClockOffset;
pub(crate) use health::Health;
pub use health::LATE;
use line::PostgresPool;
use transaction::Open;
pub use transaction::Tx;
use work::Work;
pub use work::{RequestMark, charged_to};

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
    Postgres(PostgresPool),
}

/// What the target of each log line that holds a statement begins with: the driver's name.
pub const STATEMENTS_LOGGED_BY: &str = "sqlx";

/// How long a statement on SQLite may take: its writer may wait for another process.
const SQLITE_STATEMENT: Duration = Duration::from_secs(30);

/// A row of either driver.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

/// Where a statement runs: `&Db` takes a pooled connection, `&mut Tx` the open transaction.
pub trait Run: Send + Sized {
    /// Returns the rows of a query.
    fn rows(
        self,
        sql: &'static str,
        binds: Vec<Bind>,
        access: AccessMode,
    ) -> impl Future<Output = Result<Vec<Row>>> + Send;

    /// Runs a write and returns how many rows it touched.
    fn execute(
        self,
        sql: &'static str,
        binds: Vec<Bind>,
    ) -> impl Future<Output = Result<u64>> + Send;

    /// Returns every record of a query.
    fn all<T: Record>(
        self,
        sql: &'static str,
        binds: Vec<Bind>,
    ) -> impl Future<Output = Result<Vec<T>>> + Send {
        async move { self.rows(sql, binds, AccessMode::Read).await?.iter().map(T::read).collect() }
    }

    /// Returns the record of a query that matches one at most.
    fn optional<T: Record>(
        self,
        sql: &'static str,
        binds: Vec<Bind>,
    ) -> impl Future<Output = Result<Option<T>>> + Send {
        async move {
            let rows = self.rows(sql, binds, AccessMode::Read).await?;
            rows.first().map(T::read).transpose()
        }
    }

    /// Returns the record that a write with `RETURNING` touched, if it touched one.
    fn returning<T: Record>(
        self,
        sql: &'static str,
        binds: Vec<Bind>,
    ) -> impl Future<Output = Result<Option<T>>> + Send {
        async move {
            let rows = self.rows(sql, binds, AccessMode::Write).await?;
            rows.first().map(T::read).transpose()
        }
    }

    /// Returns every record that a write with `RETURNING` touched.
    fn returning_all<T: Record>(
        self,
        sql: &'static str,
        binds: Vec<Bind>,
    ) -> impl Future<Output = Result<Vec<T>>> + Send {
        async move { self.rows(sql, binds, AccessMode::Write).await?.iter().map(T::read).collect() }
    }
}

/// Which of SQLite's two kinds of connections a statement needs.
#[derive(Clone, Copy)]
pub enum AccessMode {
    /// One of those that can only read.
    Read,
    /// The one that writes.
    Write,
}

impl Db {
    fn over(pools: Pools) -> Self {
        Self { pools, feed: Arc::default(), clock: Clock::system() }
    }

    /// Returns the database with `clock` as the time of what is done to it.
    #[must_use]
    pub fn at_the_time_of(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Returns the database with the clock of another one.
    #[must_use]
    pub(crate) fn at_the_clock_of(self, other: &Self) -> Self {
        self.at_the_time_of(other.clock.clone())
    }

    /// Returns whether it is for one server at a time.
    pub fn is_for_one(&self) -> bool {
        matches!(self.pools, Pools::Sqlite { .. })
    }

    pub(crate) fn feed(&self) -> &Feed {
        &self.feed
    }

    #[cfg(test)]
    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.pools, Pools::Sqlite { .. })
    }

    /// Returns the database as a node of that clock sees it.
    #[cfg(test)]
    pub(crate) fn as_another_node_at(&self, clock: Clock) -> Self {
        Self { feed: Arc::new(Feed::at(clock)), ..self.clone() }
    }

    /// Returns the database as another node sees it.
    #[cfg(test)]
    pub(crate) fn as_another_node(&self) -> Self {
        Self::over(self.pools.clone())
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

/// Waits for a statement on SQLite, within its limit.
async fn limited<T>(done: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
    let done = tokio::time::timeout(SQLITE_STATEMENT, Box::pin(done)).await;
    Ok(done.map_err(|_| Error::TimedOut)??)
}

impl Db {
    async fn rows_unnoted(
        &self,
        sql: &'static str,
        binds: Vec<Bind>,
        access: AccessMode,
    ) -> Result<Vec<Row>> {
        one_connection::check(sql);
        Ok(match (&self.pools, access) {
            (Pools::Sqlite { read: pool, .. }, AccessMode::Read)
            | (Pools::Sqlite { write: pool, .. }, AccessMode::Write) => {
                let query = sqlx::query_with(sql, sqlite(binds)?);
                let rows = limited(Box::pin(async {
                    let mut line = pool.acquire().await?;
                    let _work = Work::begin();
                    query.fetch_all(&mut *line).await
                }));
                rows.await?.into_iter().map(Row::Sqlite).collect()
            }
            (Pools::Postgres(lines), _) => {
                let rows = lines.take().await?.fetch_all(sql, postgres(binds)?).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }
}

impl Run for &Db {
    async fn rows(
        self,
        sql: &'static str,
        binds: Vec<Bind>,
        access: AccessMode,
    ) -> Result<Vec<Row>> {
        let rows = self.rows_unnoted(sql, binds, access).await;
        match access {
            AccessMode::Read => rows,
            AccessMode::Write => self.feed.health.note_write(rows, |rows| !rows.is_empty()),
        }
    }

    async fn execute(self, sql: &'static str, binds: Vec<Bind>) -> Result<u64> {
        one_connection::check(sql);
        let written = match &self.pools {
            Pools::Sqlite { write, .. } => {
                let query = sqlx::query_with(sql, sqlite(binds)?);
                let done = limited(Box::pin(async {
                    let mut line = write.acquire().await?;
                    let _work = Work::begin();
                    query.execute(&mut *line).await
                }));
                done.await.map(|done| done.rows_affected())
            }
            Pools::Postgres(lines) => match lines.take().await {
                Ok(mut line) => line.execute(sql, postgres(binds)?).await,
                Err(error) => Err(error),
            },
        };
        self.feed.health.note_write(written, |touched| *touched > 0)
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
    /// Returns the value of a column.
    pub(crate) fn get<T: Column>(&self, column: &'static str) -> Result<T> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }
}

#[cfg(test)]
mod dead_lines;
#[cfg(test)]
mod tests;
