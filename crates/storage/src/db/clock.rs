//! The time by the database's clock, which all nodes share.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use astralform_domain::{Clock, Timestamp};

use super::{AccessMode, Db, Open, Pools, Row, Run as _, Tx};
use crate::Result;

/// How often the clocks are compared.
const COMPARE: Duration = Duration::from_secs(30);

/// How far apart the clocks may be before that is logged.
const APART: Duration = Duration::from_secs(2);

/// How far the database's clock is ahead of this node's, in microseconds, and when that was
/// measured.
#[derive(Default)]
pub(crate) struct ClockOffset {
    micros: AtomicI64,
    measured: Mutex<Option<Instant>>,
}

impl ClockOffset {
    /// Returns the time that the database's clock shows, where this node's shows `now`.
    pub(crate) fn shared(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_micros(now.as_micros().saturating_add(self.micros.load(Ordering::SeqCst)))
    }

    fn is_due(&self) -> bool {
        let measured = *self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        measured.is_none_or(|measured| measured.elapsed() >= COMPARE)
    }

    fn note(&self, micros: i64) {
        self.micros.store(micros, Ordering::SeqCst);
        *self.measured.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        if micros.unsigned_abs() > u64::try_from(APART.as_micros()).unwrap_or(u64::MAX) {
            let milliseconds = micros / 1000;
            tracing::warn!(
                milliseconds,
                "the database's clock is ahead of this machine's by so much"
            );
        }
    }
}

impl Db {
    /// Compares this node's clock with the database's, where that is due. On SQLite they are one.
    pub(crate) async fn measure_clock(&self) -> Result<()> {
        let feed = self.feed();
        if matches!(self.pools, Pools::Sqlite { .. }) || !feed.offset.is_due() {
            return Ok(());
        }
        let before = feed.local_time();
        let theirs = self.clock().await?;
        let midway = before.as_micros().midpoint(feed.local_time().as_micros());
        feed.offset.note(theirs.as_micros().saturating_sub(midway));
        Ok(())
    }

    /// Returns how far the database's clock is ahead of this node's, in microseconds.
    pub fn clock_offset(&self) -> i64 {
        self.feed().offset.micros.load(Ordering::SeqCst)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns the time by the database's clock: on SQLite, which is in this process, the system's.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn clock(&self) -> Result<Timestamp> {
        match &self.pools {
            Pools::Sqlite { .. } => Ok(Clock::system().now()),
            Pools::Postgres(_) => {
                time(&self.rows(POSTGRES_CLOCK, Vec::new(), AccessMode::Read).await?)
            }
        }
    }
}

/// In microseconds since 1970, while the statement runs rather than when its transaction began.
const POSTGRES_CLOCK: &str =
    "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT AS now";

fn time(rows: &[Row]) -> Result<Timestamp> {
    rows.first().map_or(Err(sqlx::Error::RowNotFound.into()), |row| row.time("now"))
}

impl Tx {
    /// Returns the time by the database's clock.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn clock(&mut self) -> Result<Timestamp> {
        match &self.open {
            Open::Sqlite(_) => Ok(Clock::system().now()),
            Open::Postgres(_) => {
                time(&(&mut *self).rows(POSTGRES_CLOCK, Vec::new(), AccessMode::Read).await?)
            }
        }
    }
}
