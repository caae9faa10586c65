//! Opening, migrating and closing a database.

use std::{
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    str::FromStr as _,
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, Connection as _, SqlSafeStr as _, SqlStr, SqliteConnection,
    migrate::{Migration, MigrationType, Migrator},
    pool::PoolOptions,
    postgres::PgConnectOptions,
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{AccessMode, Db, Pools, PostgresPool, Run as _, greet::greet};
use crate::Result;

const READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;
/// How long one of SQLite's readers is waited for.
const ACQUIRE: Duration = Duration::from_secs(10);
/// What a connection to SQLite keeps of the file, in KiB, negated as SQLite wants it. It never gives
/// any of it back, and the system keeps the file too.
const READER_CACHE: &str = "-256";
const WRITER_CACHE: &str = "-512";
/// A log's writer keeps the pages of a few thousand end users, each of which it would else write and
/// read again for each line.
const LOG_WRITER_CACHE: &str = "-16384";
/// How long SQLite's writer waits for another process, such as a backup, that holds the file: longer
/// than any has to.
const BUSY: Duration = Duration::from_secs(15);
/// How long callers wait for the writer, which may wait for that process.
const ACQUIRE_WRITER: Duration = Duration::from_secs(20);

impl Db {
    /// The version of the schema that this program writes: as many as there are migrations.
    #[expect(clippy::cast_possible_wrap, reason = "there are few migrations")]
    pub const NEWEST_SCHEMA: i64 = Self::MIGRATIONS.len() as i64;

    /// What each migration is called and does, the first one first. Copies take the tables from here.
    pub(super) const MIGRATIONS: &[(&str, &str)] =
        &[("init", include_str!("../../migrations/0001_init.sql"))];

    /// Opens the SQLite file at `path`, created when there is none.
    ///
    /// # Errors
    /// When the file cannot be opened or is not a database.
    pub async fn open_sqlite(path: &Path) -> Result<Self> {
        let options = sqlite_file(path).synchronous(SqliteSynchronous::Full);
        let writing = options.clone().pragma("cache_size", WRITER_CACHE);
        Self::open_file(writing, options).await
    }

    /// Opens a SQLite file for a log, made for its owner alone where there is none. What it was
    /// given survives the end of the process, and a power failure may take the last of it; it gives
    /// back the room of what is removed.
    ///
    /// # Errors
    /// When the file cannot be opened or is not a database.
    pub(crate) async fn open_sqlite_log(path: &Path) -> Result<Self> {
        let made = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        made.map_err(sqlx::Error::Io)?;
        let options = sqlite_file(path).synchronous(SqliteSynchronous::Normal);
        let writing = options.clone().auto_vacuum(SqliteAutoVacuum::Incremental);
        let writing = writing.pragma("cache_size", LOG_WRITER_CACHE);
        Self::open_file(writing, options).await
    }

    async fn open_file(
        writing: SqliteConnectOptions,
        reading: SqliteConnectOptions,
    ) -> Result<Self> {
        let write = pool(1).acquire_timeout(ACQUIRE_WRITER);
        let write = write.after_release(|connection, _| Box::pin(is_sound(connection)));
        let write = write.connect_with(writing).await?;
        let reading = reading.read_only(true).pragma("cache_size", READER_CACHE);
        let read = pool(READERS).connect_with(reading).await?;
        Ok(Self::over(Pools::Sqlite { read, write }))
    }

    /// Connects to the PostgreSQL database at `url`.
    ///
    /// # Errors
    /// When the address is not one, no server answers there, or a pooler is in between that lends
    /// another connection for each transaction.
    pub async fn connect_postgres(url: &str) -> Result<Self> {
        // Poolers do not know the setting, and we store no fractions.
        let options = PgConnectOptions::from_str(url)?.extra_float_digits(None);
        greet(&options).await?;
        let db = Self::over(Pools::Postgres(
            PostgresPool::connect(options, POSTGRES_CONNECTIONS).await?,
        ));
        db.measure_clock().await?;
        Ok(db)
    }

    /// Connects to a schema of its own, for one test.
    ///
    /// # Panics
    /// When the database does not do it.
    #[cfg(any(test, feature = "testing"))]
    #[expect(clippy::unwrap_used, reason = "a test that cannot start fails")]
    pub async fn connect_to_fresh_schema(url: &str) -> Self {
        let options = PgConnectOptions::from_str(&Self::fresh_schema(url).await).unwrap();
        Self::over(Pools::Postgres(PostgresPool::connect(options, test_lines()).await.unwrap()))
    }

    /// Makes a schema, for one test, and returns the address at which it is the only one.
    ///
    /// # Panics
    /// When the database does not do it.
    #[cfg(any(test, feature = "testing"))]
    #[expect(clippy::unwrap_used, reason = "a test that cannot start fails")]
    pub async fn fresh_schema(url: &str) -> String {
        let fresh = astralform_domain::Entropy::system().bytes::<8>();
        let schema = format!("test_{:016x}", u64::from_be_bytes(fresh));
        let admin: sqlx::PgPool = pool(1).connect(url).await.unwrap();
        let create = AssertSqlSafe(format!("CREATE SCHEMA {schema}"));
        sqlx::query(create).execute(&admin).await.unwrap();
        admin.close().await;
        let joint = if url.contains('?') { '&' } else { '?' };
        format!("{url}{joint}options=-c%20search_path%3D{schema}")
    }

    /// Connects to the same PostgreSQL schema once more, as another node does.
    ///
    /// # Panics
    /// When the database does not do it, or is SQLite's.
    #[cfg(any(test, feature = "testing"))]
    #[expect(clippy::unwrap_used, reason = "a test that cannot start fails")]
    pub async fn another_pool(&self) -> Self {
        let Pools::Postgres(known) = &self.pools else { panic!("SQLite is for one server alone") };
        let options = known.pool().connect_options().as_ref().clone();
        Self::over(Pools::Postgres(PostgresPool::connect(options, test_lines()).await.unwrap()))
    }

    #[cfg(test)]
    pub(super) fn idle_lines(&self) -> usize {
        match &self.pools {
            Pools::Postgres(lines) => lines.pool().num_idle(),
            Pools::Sqlite { read, .. } => read.num_idle(),
        }
    }

    /// Returns the file that it is, where it is SQLite's.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        match &self.pools {
            Pools::Sqlite { write, .. } => Some(write.connect_options().get_filename().to_owned()),
            Pools::Postgres(_) => None,
        }
    }

    /// Brings the schema up to this version.
    ///
    /// # Errors
    /// When a migration fails, or the database was written by a newer version.
    pub async fn migrate(&self) -> Result<()> {
        self.apply(Self::MIGRATIONS, "_sqlx_migrations").await
    }

    /// Brings the schema of the call log up to this version.
    ///
    /// # Errors
    /// As of [`Self::migrate`].
    pub(crate) async fn migrate_calls(&self, migrations: &[(&str, &'static str)]) -> Result<()> {
        self.apply(migrations, "_sqlx_call_migrations").await
    }

    async fn apply(&self, migrations: &[(&str, &'static str)], table: &'static str) -> Result<()> {
        let numbered = (1..).zip(migrations);
        let migrations = numbered.map(|(version, (name, sql))| {
            let sql = self.partitioned(sql);
            Migration::new(version, (*name).to_owned().into(), MigrationType::Simple, sql, false)
        });
        let mut migrator = Migrator::with_migrations(migrations.collect());
        migrator.dangerous_set_table_name(table);
        match &self.pools {
            Pools::Sqlite { write, .. } => migrator.run(write).await?,
            Pools::Postgres(lines) => migrator.run(lines.pool()).await?,
        }
        Ok(())
    }

    /// Returns a migration as this database understands it: only PostgreSQL has partitions.
    fn partitioned(&self, sql: &'static str) -> SqlStr {
        match &self.pools {
            Pools::Sqlite { .. } => SqlStr::from_static(sql),
            Pools::Postgres(_) => {
                AssertSqlSafe(sql.replace("); -- by ", ") PARTITION BY ")).into_sql_str()
            }
        }
    }

    /// Returns the version of the schema.
    ///
    /// # Errors
    /// When there is none yet.
    pub async fn schema_version(&self) -> Result<i64> {
        const SQL: &str = "SELECT MAX(version) AS version FROM _sqlx_migrations";
        let rows = self.rows(SQL, Vec::new(), AccessMode::Read).await?;
        rows.first().map_or(Ok(0), |row| row.int("version"))
    }

    /// Closes every connection, once its work is done.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Pools::Postgres(lines) => lines.pool().close().await,
        }
    }
}

fn sqlite_file(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .pragma("journal_size_limit", "16777216")
}

/// Returns whether a connection has left its transaction. SQLite ends one by itself when the disk
/// is full or broken, and the rollback that follows fails; the driver would take the connection to
/// be in a transaction for ever.
async fn is_sound(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        connection.ping().await?; // behind the rollback that waits in its queue
    }
    Ok(!connection.is_in_transaction())
}

/// Returns how many lines a test has to PostgreSQL: `ASTRALFORM_TEST_LINES=1` shows that nothing
/// needs two.
#[cfg(any(test, feature = "testing"))]
#[expect(clippy::disallowed_methods, reason = "tests are told by the environment how to run")]
fn test_lines() -> u32 {
    std::env::var("ASTRALFORM_TEST_LINES").ok().and_then(|lines| lines.parse().ok()).unwrap_or(8)
}

/// Describes a pool whose connections stay open: checking one before each use would cost a round
/// trip, and a broken one says so by itself.
fn pool<D: sqlx::Database>(connections: u32) -> PoolOptions<D> {
    PoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}
