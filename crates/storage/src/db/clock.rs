//! The time by the database's clock, which all nodes share.

use astralform_domain::{Clock, Timestamp};

use super::{Access, Db, Open, Pools, Row, Run as _, Tx};
use crate::Result;

impl Db {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The time by the database's clock: on SQLite, which is in this process, the system's.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn clock(&self) -> Result<Timestamp> {
        match &self.pools {
            Pools::Sqlite { .. } => Ok(Clock::system().now()),
            Pools::Postgres(_) => time(&self.rows(POSTGRES_CLOCK, Vec::new(), Access::Read).await?),
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
    /// The time by the database's clock.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn clock(&mut self) -> Result<Timestamp> {
        match &self.open {
            Open::Sqlite(_) => Ok(Clock::system().now()),
            Open::Postgres(_) => {
                time(&(&mut *self).rows(POSTGRES_CLOCK, Vec::new(), Access::Read).await?)
            }
        }
    }
}
