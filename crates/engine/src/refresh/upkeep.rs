//! What is refreshed without anybody asking, and what a start finds.

use std::{fs, time::Duration};

use astralform_storage::refreshes::{self, RefreshKey};

use crate::{Engine, Fault, chain};

/// How many refreshes are started at a time.
const AT_ONCE: i64 = 100;
/// With so many under way, no more are started without need.
const ENOUGH: usize = 100;
/// For how long a connection that nobody uses is kept fresh.
const IN_USE: Duration = Duration::from_hours(7 * 24);

impl Engine {
    /// Takes up what this node left undone when it ended, however it ended. To be called once,
    /// before anything else.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn recover(&self) -> Result<(), Fault> {
        self.replay().await?;
        let mut tx = self.db.begin().await?;
        let left = refreshes::let_go(&mut tx, &self.node).await?;
        tx.commit().await?;
        if left > 0 {
            tracing::warn!(refreshes = left, "refreshes were under way when this node ended");
        }
        self.take_up_abandoned().await
    }

    /// Refreshes what will be needed soon, and goes on with what nobody goes on with. To be called
    /// every second or so.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keep_fresh(&self) -> Result<(), Fault> {
        self.flights.tidy();
        self.take_up_abandoned().await?;
        if self.flights.up() >= ENOUGH {
            return Ok(());
        }
        let now = self.clock.now();
        let due = refreshes::due(&self.db, now, now.before(IN_USE), AT_ONCE).await?;
        for wanted in due {
            self.set_off(wanted);
        }
        Ok(())
    }

    /// Sends no refresh any more: this node is about to stop.
    pub fn stop_refreshing(&self) {
        self.flights.stop();
    }

    /// Waits until no refresh is under way on this node; says how many are left after `at_most`.
    pub async fn finish_refreshes(&self, at_most: Duration) -> usize {
        self.flights.settled(at_most).await
    }

    async fn take_up_abandoned(&self) -> Result<(), Fault> {
        // Until it does, nobody knows since when: nothing of others is taken over.
        self.db.check_writing().await?;
        for wanted in refreshes::abandoned(&self.db, self.claimant(), AT_ONCE).await? {
            self.set_off(wanted);
        }
        Ok(())
    }

    /// Brings answers from files into the database.
    async fn replay(&self) -> Result<(), Fault> {
        for (path, spooled) in self.spool.all() {
            let connection = spooled.connection_id.parse().ok();
            if let (Some(connection), Some(answer)) = (connection, spooled.answer()) {
                let key = RefreshKey { connection, kind: spooled.kind };
                let taken =
                    refreshes::take_answer(&self.db, &key, spooled.generation, &answer).await?;
                tracing::warn!(connection.id = %key.connection, taken, "an answer was in a file");
            }
            if let Err(error) = fs::remove_file(&path) {
                let path = path.display().to_string();
                tracing::error!(path, error = chain(&error), "a kept answer cannot be removed");
            }
        }
        Ok(())
    }
}
