//! Connections to PostgreSQL, none of which can hang its caller.
//!
//! A connection may be dead without a word: a firewall has forgotten it, or the server behind it
//! stands still. So no statement is waited for without a limit. One that takes longer closes its
//! line, and puts all lines under suspicion that were opened before: they are replaced by fresh ones
//! instead of being used. A line that is given back is proven first, within a limit as well.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use sqlx::{
    PgPool, Postgres,
    pool::{PoolConnection, PoolConnectionMetadata, PoolOptions},
    postgres::{PgArguments, PgConnectOptions, PgConnection, PgRow},
};
use tokio::{runtime::Handle, time::timeout};

use crate::{Error, Result};

/// How long a statement may take.
const STATEMENT: Duration = Duration::from_secs(5);
/// How long a statement may take that reads or changes any number of rows.
const LONG_STATEMENT: Duration = Duration::from_mins(2);
/// How long a line is waited for, one that has to be opened included.
const ACQUIRE: Duration = Duration::from_secs(5);
/// How long a line may take to be proven when it is given back.
const PROVE: Duration = Duration::from_secs(5);

/// What the server does for its ends of the lines, where it knows the setting: it notices within
/// half a minute that a client is gone, and after ten seconds lets go of the locks of one that stands
/// still.
const SETTINGS: &str = "
    SELECT set_config(wanted.name, wanted.setting, false)
    FROM (VALUES ('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'),
                 ('tcp_keepalives_count', '3'), ('tcp_user_timeout', '25000'),
                 ('client_connection_check_interval', '10000'),
                 ('idle_in_transaction_session_timeout', '10000')) AS wanted (name, setting)
    WHERE EXISTS (SELECT 1 FROM pg_settings WHERE pg_settings.name = wanted.name)";

/// The lines to a PostgreSQL database.
#[derive(Clone)]
pub(super) struct PostgresPool {
    pool: PgPool,
    suspicion: Arc<Suspicion>,
}

/// The moment before which no line was opened that is still used.
#[derive(Default)]
struct Suspicion(Mutex<Option<Instant>>);

impl Suspicion {
    fn rouse(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn spares(&self, age: Duration) -> bool {
        let roused = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        roused.is_none_or(|roused| age < roused.elapsed())
    }
}

/// A line in use. Dropped, it is rolled back where it is in a transaction, and given back.
pub(super) struct PostgresConnection {
    /// Nothing once a statement has taken too long.
    taken: Option<PoolConnection<Postgres>>,
    suspicion: Arc<Suspicion>,
    is_in_transaction: bool,
    /// How long each statement may take.
    pub(super) limit: Duration,
    /// Whether statements stay prepared: the same text always means the same.
    pub(super) is_preparing: bool,
}

impl PostgresPool {
    /// Opens the first of at most `most` lines.
    pub(super) async fn connect(options: PgConnectOptions, most: u32) -> Result<Self> {
        let suspicion = Arc::<Suspicion>::default();
        let known = Arc::clone(&suspicion);
        // Lines stay open: proving one before each use would cost a round trip.
        let pool = PoolOptions::new()
            .max_connections(most)
            .acquire_timeout(ACQUIRE)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_connect(|line, _| Box::pin(set_up(line)))
            .before_acquire(move |_, PoolConnectionMetadata { age, .. }| {
                let is_spared = known.spares(age);
                Box::pin(async move { Ok(is_spared) })
            });
        Ok(Self { pool: pool.connect_with(options).await?, suspicion })
    }

    pub(super) async fn take(&self) -> Result<PostgresConnection> {
        // The driver's futures are large, and those of callers contain them.
        let taken = Some(Box::pin(self.pool.acquire()).await?);
        let suspicion = Arc::clone(&self.suspicion);
        Ok(PostgresConnection {
            taken,
            suspicion,
            is_in_transaction: false,
            limit: STATEMENT,
            is_preparing: true,
        })
    }

    /// Returns the driver's pool, for what is done before anything is served.
    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }
}

async fn set_up(line: &mut PgConnection) -> sqlx::Result<()> {
    let set = sqlx::query(SETTINGS).persistent(false).execute(line);
    timeout(STATEMENT, set).await.map_err(|_| sqlx::Error::PoolTimedOut)?.map(drop)
}

impl PostgresConnection {
    pub(super) async fn fetch_all(
        &mut self,
        sql: impl sqlx::SqlSafeStr,
        arguments: PgArguments,
    ) -> Result<Vec<PgRow>> {
        let limit = self.limit;
        let is_preparing = self.is_preparing;
        let rows =
            sqlx::query_with(sql, arguments).persistent(is_preparing).fetch_all(self.open()?);
        let rows = timeout(limit, Box::pin(rows)).await;
        self.within_limit(rows)
    }

    pub(super) async fn execute(
        &mut self,
        sql: impl sqlx::SqlSafeStr,
        arguments: PgArguments,
    ) -> Result<u64> {
        let limit = self.limit;
        let is_preparing = self.is_preparing;
        let done = sqlx::query_with(sql, arguments).persistent(is_preparing).execute(self.open()?);
        let done = timeout(limit, Box::pin(done)).await;
        Ok(self.within_limit(done)?.rows_affected())
    }

    /// Begins a transaction by the statement that is given.
    pub(super) async fn begin(&mut self, begin: &'static str) -> Result<()> {
        self.is_in_transaction = true;
        self.execute(begin, PgArguments::default()).await.map(drop)
    }

    /// Lets statements of the open transaction take minutes, and as much time pass between them: a
    /// file that a backup is written to, or read from, may stall.
    pub(super) async fn take_long(&mut self) -> Result<()> {
        const IDLE: &str =
            "SELECT set_config('idle_in_transaction_session_timeout', '600000', true)";
        self.limit = LONG_STATEMENT;
        self.execute(IDLE, PgArguments::default()).await.map(drop)
    }

    pub(super) async fn commit(mut self) -> Result<()> {
        self.execute("COMMIT", PgArguments::default()).await?;
        self.is_in_transaction = false;
        Ok(())
    }

    fn open(&mut self) -> Result<&mut PgConnection> {
        self.taken.as_deref_mut().ok_or(Error::TimedOut)
    }

    /// Closes the line where a statement took too long.
    fn within_limit<T>(
        &mut self,
        done: Result<sqlx::Result<T>, tokio::time::error::Elapsed>,
    ) -> Result<T> {
        if let Ok(done) = done {
            return Ok(done?);
        }
        self.suspicion.rouse();
        drop(self.taken.take().map(PoolConnection::detach));
        Err(Error::TimedOut)
    }
}

impl Drop for PostgresConnection {
    fn drop(&mut self) {
        let Some(taken) = self.taken.take() else { return };
        let Ok(runtime) = Handle::try_current() else {
            drop(taken.detach());
            return;
        };
        let suspicion = Arc::clone(&self.suspicion);
        let is_in_transaction = self.is_in_transaction;
        runtime.spawn(async move {
            if !give_back(taken, is_in_transaction).await {
                suspicion.rouse();
            }
        });
    }
}

/// Gives a line back once it is proven; closes it where that takes too long. Returns whether it is
/// still good.
async fn give_back(mut line: PoolConnection<Postgres>, is_in_transaction: bool) -> bool {
    if is_in_transaction {
        let rolled_back = sqlx::query("ROLLBACK").execute(&mut *line);
        if !matches!(timeout(PROVE, rolled_back).await, Ok(Ok(_))) {
            drop(line.detach());
            return false;
        }
    }
    timeout(PROVE, line.return_to_pool()).await.is_ok()
}
