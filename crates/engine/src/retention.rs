//! Nothing that is stored grows for ever: what was kept for its term is removed.

use std::time::Duration;

use astralform_storage::retention::{self, ALL};
use tokio::time::Instant;

use crate::{Engine, Fault, chain};

/// How many rows are removed in one transaction.
const BATCH: i64 = 500;
/// How long one turn takes, where there is so much to remove.
const TURN: Duration = Duration::from_secs(3);
/// How long nobody else takes a turn.
const BETWEEN: Duration = Duration::from_secs(4);

impl Engine {
    /// Takes a turn of removing rows whose term is over, unless another node has had one just now.
    /// To be called every few seconds.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn prune_in_turn(&self) -> Result<(), Fault> {
        if retention::take_turn(&self.db, BETWEEN).await? {
            self.prune().await;
        }
        Ok(())
    }

    /// Removes rows whose term is over: a batch of each table, and again of those that have more,
    /// so that no table waits for another. What fails is tried again in the next turn.
    pub async fn prune(&self) {
        let until = Instant::now() + TURN;
        let now = self.clock.now();
        let mut left: Vec<_> = ALL.iter().collect();
        while !left.is_empty() && Instant::now() < until {
            let mut with_more = Vec::new();
            for rule in left {
                match rule.prune(&self.db, now, BATCH).await {
                    Ok(removed) if removed >= BATCH.unsigned_abs() => with_more.push(rule),
                    Ok(_) => {}
                    Err(error) => {
                        let table = rule.table;
                        let error = chain(&error);
                        tracing::warn!(table, error, "old rows are not removed yet");
                    }
                }
            }
            left = with_more;
        }
    }
}
