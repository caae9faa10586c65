//! The first contact with a PostgreSQL database: one that is away is reported within a second, and
//! one behind a pooler that we cannot work with is refused.

use std::time::Duration;

use sqlx::{
    ConnectOptions as _, Connection as _, PgConnection, Row as _, postgres::PgConnectOptions,
};
use tokio::time::{Instant, sleep, timeout};

use crate::{Error, Result};

/// How long a database is waited for that is away.
const PATIENCE: Duration = Duration::from_secs(5);
/// How soon it is reported that the database is away.
const TELL: Duration = Duration::from_millis(900);
const PAUSE: Duration = Duration::from_millis(200);

/// Makes sure that PostgreSQL answers, and that a connection to us is one connection to it.
pub(super) async fn greet(options: &PgConnectOptions) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    let mut one = wait_for(options, end).await?;
    let mut other = wait_for(options, end).await?;
    let pooled = timeout(PATIENCE, is_pooled(&mut one, &mut other)).await;
    let _ = timeout(TELL, async { one.close().await.and(other.close().await) }).await;
    match pooled {
        Ok(Ok(false)) => Ok(()),
        Ok(Ok(true)) => Err(Error::Pooled),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Error::TimedOut),
    }
}

/// Connects, as long as the database may be about to start.
async fn wait_for(options: &PgConnectOptions, end: Instant) -> Result<PgConnection> {
    let mut told = false;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let mut connecting = std::pin::pin!(timeout(left, Box::pin(options.connect())));
        let connected = if let Ok(connected) = timeout(TELL, &mut connecting).await {
            connected
        } else {
            tell(options, &mut told, "it says nothing");
            connecting.await
        };
        let error = match connected {
            Ok(Ok(line)) => return Ok(line),
            Ok(Err(error)) => Error::Driver(error),
            Err(_) => return Err(Error::TimedOut),
        };
        if !error.is_unavailable() || end.saturating_duration_since(Instant::now()) < PAUSE {
            return Err(error);
        }
        tell(options, &mut told, &crate::error::chain(&error));
        sleep(PAUSE).await;
    }
}

fn tell(options: &PgConnectOptions, told: &mut bool, error: &str) {
    if !std::mem::replace(told, true) {
        let host = options.get_host();
        let port = options.get_port();
        let seconds = PATIENCE.as_secs();
        tracing::warn!(
            host,
            port,
            error,
            "the database does not answer; it is waited for, {seconds} s at most"
        );
    }
}

/// Returns whether a pooler lends us another connection for each transaction. Then two idle lines of
/// ours are served by the same backend, or one of them by several.
async fn is_pooled(one: &mut PgConnection, other: &mut PgConnection) -> sqlx::Result<bool> {
    const ROUNDS: usize = 4;
    let first = backend(one).await?;
    for _ in 0..ROUNDS {
        if backend(other).await? == first || backend(one).await? != first {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the process that serves a line now. Asked in one message: prepared statements are what such
/// poolers get wrong.
async fn backend(line: &mut PgConnection) -> sqlx::Result<i32> {
    sqlx::raw_sql("SELECT pg_backend_pid() AS backend").fetch_one(line).await?.try_get("backend")
}
