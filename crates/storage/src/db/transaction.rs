//! Write transactions. Each has one connection, and nothing in it waits for a second one.

use std::{collections::BTreeSet, sync::Arc};

use astralform_domain::{Actor, Clock, Timestamp};
use sqlx::{Sqlite, Transaction};

use super::{
    AccessMode, Db, Pools, Row, Run, limited,
    line::PostgresConnection,
    one_connection::{self, Mark},
    postgres, sqlite,
    work::{RequestMark, Work},
};
use crate::{Result, bind::Bind, changes::Feed};

/// An open write transaction; dropping it rolls back.
pub struct Tx {
    pub(super) open: Open,
    actor: Actor,
    has_written: bool,
    /// Whether the audit log has an entry of what it does, or need not have one.
    pub(crate) is_recorded: bool,
    /// The request that it belongs to.
    pub(crate) request: RequestMark,
    /// The digests of what it changes.
    pub(crate) touched: BTreeSet<u32>,
    pub(crate) feed: Arc<Feed>,
    /// The clock that dates what it does.
    pub(crate) clock: Clock,
    _mark: Mark,
    _work: Work,
}

pub(super) enum Open {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(PostgresConnection),
}

impl Db {
    /// Starts a write transaction of an actor. Each of its statements may take a few seconds.
    ///
    /// Nothing is changed by nobody:
    ///
    /// ```compile_fail,E0061
    /// # async fn change(db: &astralform_storage::Db) {
    /// let tx = db.begin().await;
    /// # }
    /// ```
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin(&self, actor: Actor) -> Result<Tx> {
        one_connection::check("BEGIN");
        let open = self.feed.health.note_write(self.open_transaction().await, |_| false)?;
        let feed = Arc::clone(&self.feed);
        let clock = self.clock.clone();
        let touched = BTreeSet::new();
        let work = match open {
            Open::Sqlite(_) => Work::begin(),
            Open::Postgres(_) => Work::elsewhere(),
        };
        let has_written = false;
        let mark = Mark::set();
        let is_recorded = actor == Actor::Product;
        let request = RequestMark::current();
        Ok(Tx {
            open,
            actor,
            has_written,
            is_recorded,
            request,
            touched,
            feed,
            clock,
            _mark: mark,
            _work: work,
        })
    }

    /// Starts a write transaction of an actor whose statements read or change any number of rows,
    /// and may take minutes.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin_long(&self, actor: Actor) -> Result<Tx> {
        let mut tx = self.begin(actor).await?;
        if let Open::Postgres(line) = &mut tx.open {
            line.take_long().await?;
        }
        Ok(tx)
    }

    async fn open_transaction(&self) -> Result<Open> {
        Ok(match &self.pools {
            // Takes the write lock now: a read-then-write transaction cannot fail half way.
            Pools::Sqlite { write, .. } => {
                Open::Sqlite(limited(write.begin_with("BEGIN IMMEDIATE")).await?)
            }
            Pools::Postgres(lines) => {
                let mut line = lines.take().await?;
                line.begin("BEGIN").await?;
                Open::Postgres(line)
            }
        })
    }
}

impl Open {
    async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => limited(tx.commit()).await,
            Self::Postgres(line) => line.commit().await,
        }
    }
}

impl Tx {
    /// Returns the time by the clock that dates what is done.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns who makes the changes of this transaction.
    pub fn actor(&self) -> Actor {
        self.actor
    }

    /// Makes everything since [`Db::begin`] durable, of which the audit log needs no entry: what
    /// callers do all day, and steps on the way to what is recorded.
    ///
    /// # Errors
    /// When the database cannot; then nothing of it happened.
    pub async fn commit_unrecorded(mut self) -> Result<()> {
        self.is_recorded = true;
        self.commit().await
    }

    /// Makes everything since [`Db::begin`] durable. Who changes anything has recorded it before
    /// ([`audit::append`](crate::audit::append)); in tests, one that has not is a panic.
    ///
    /// # Errors
    /// When the database cannot; then nothing of it happened.
    pub async fn commit(mut self) -> Result<()> {
        debug_assert!(
            self.is_recorded || !self.has_written,
            "the audit log has no entry of what {} changes",
            self.actor
        );
        self.tell().await?;
        let Self { open, has_written, touched, feed, .. } = self;
        let committed = feed.health.note_write(open.commit().await, |()| has_written);
        // Also when the answer was lost: it may have happened.
        for topic in touched {
            feed.epochs.count_up(topic);
        }
        committed
    }
}

impl Run for &mut Tx {
    async fn rows(
        self,
        sql: &'static str,
        binds: Vec<Bind>,
        access: AccessMode,
    ) -> Result<Vec<Row>> {
        let rows = match &mut self.open {
            Open::Sqlite(tx) => {
                let rows = limited(sqlx::query_with(sql, sqlite(binds)?).fetch_all(&mut **tx));
                rows.await.map(|rows| rows.into_iter().map(Row::Sqlite).collect::<Vec<_>>())
            }
            Open::Postgres(line) => {
                let rows = line.fetch_all(sql, postgres(binds)?).await;
                rows.map(|rows| rows.into_iter().map(Row::Postgres).collect())
            }
        };
        let rows = self.feed.health.note_write(rows, |_| false)?;
        self.has_written |= matches!(access, AccessMode::Write) && !rows.is_empty();
        Ok(rows)
    }

    async fn execute(self, sql: &'static str, binds: Vec<Bind>) -> Result<u64> {
        let done = match &mut self.open {
            Open::Sqlite(tx) => {
                let done = limited(sqlx::query_with(sql, sqlite(binds)?).execute(&mut **tx));
                done.await.map(|done| done.rows_affected())
            }
            Open::Postgres(line) => line.execute(sql, postgres(binds)?).await,
        };
        let touched = self.feed.health.note_write(done, |_| false)?;
        self.has_written |= touched > 0;
        Ok(touched)
    }
}
