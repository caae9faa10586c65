//! Whether the database answers and takes what is written, and since when without a break.

use std::{
    pin::pin,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use astralform_domain::{Actor, Timestamp};
use tokio::time::timeout;

use super::Db;
use crate::Result;

/// How long the database may take for a small read before it counts as late.
pub const LATE: Duration = Duration::from_millis(250);

/// The state of the database, as this node sees it.
#[derive(Default)]
pub(crate) struct Health {
    /// Whether the last write failed by the database's fault.
    is_stuck: AtomicBool,
    /// Whether it did not answer in time when it was asked for changes.
    is_late: AtomicBool,
    /// Since when it has been heard without a silence or a failed write.
    sound_since: Mutex<Option<Timestamp>>,
}

impl Health {
    /// Notes how a write went. One that had nothing to write goes well on a full disk too.
    pub(crate) fn note_write<T>(
        &self,
        written: Result<T>,
        has_written: impl FnOnce(&T) -> bool,
    ) -> Result<T> {
        match &written {
            Ok(what) if has_written(what) => self.is_stuck.store(false, Ordering::SeqCst),
            Err(error) if error.is_unavailable() => {
                self.is_stuck.store(true, Ordering::SeqCst);
                *self.since() = None;
            }
            Ok(_) | Err(_) => {}
        }
        written
    }

    /// Notes that it was heard, after a silence or not.
    pub(crate) fn heard(&self, now: Timestamp, after_silence: bool) {
        let mut since = self.since();
        if !self.takes_writes() {
            *since = None;
        } else if after_silence || since.is_none() {
            *since = Some(now);
        }
    }

    /// Waits for a read, and notes while it is waited for whether it is late.
    pub(crate) async fn note_delay<T>(&self, read: impl Future<Output = Result<T>>) -> Result<T> {
        let mut read = pin!(read);
        let in_time = timeout(LATE, &mut read).await;
        self.is_late.store(!matches!(in_time, Ok(Ok(_))), Ordering::SeqCst);
        match in_time {
            Ok(done) => done,
            Err(_) => read.await,
        }
    }

    pub(crate) fn takes_writes(&self) -> bool {
        !self.is_stuck.load(Ordering::SeqCst)
    }

    fn since(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.sound_since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Db {
    /// Returns whether the database is not answering in time at present.
    pub fn is_late(&self) -> bool {
        self.feed.health.is_late.load(Ordering::SeqCst)
    }

    /// Checks whether the database takes writes. Writes only where the last write was not taken.
    ///
    /// # Errors
    /// When it still does not.
    pub async fn check_writing(&self) -> Result<()> {
        if self.feed.health.takes_writes() {
            return Ok(());
        }
        let mut tx = self.begin(Actor::Product).await?;
        crate::meta::touch(&mut tx).await?;
        tx.commit().await
    }

    /// Returns for how long the database has answered this node and taken every write without a
    /// break; zero while it does not answer, or does not take writes.
    pub fn sound_for(&self) -> Duration {
        let since = if self.feed.epochs.is_hearing(Instant::now()) {
            *self.feed.health.since()
        } else {
            None
        };
        since.map_or(Duration::ZERO, |since| since.until(self.clock.now()))
    }
}
