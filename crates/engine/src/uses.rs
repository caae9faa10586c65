//! When connections were used: noted in memory by calls, in the database now and then.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use astralform_domain::{ConnectionId, Timestamp};
use astralform_storage::connection_uses;

use crate::{Fault, base::Base};

/// What was used since it was last written down.
#[derive(Default)]
pub(crate) struct Uses(Mutex<HashMap<ConnectionId, LastUse>>);

struct LastUse {
    at: Timestamp,
    written: Option<Timestamp>,
}

/// How far behind the database may be: a connection that is used all the time is written down as
/// often as this.
const BEHIND: Duration = Duration::from_mins(1);

impl LastUse {
    fn is_behind(&self, now: Timestamp, is_last: bool) -> bool {
        self.written.is_none_or(|at| at < self.at && (is_last || at.after(BEHIND) <= now))
    }
}

impl Uses {
    pub(crate) fn note(&self, connection: ConnectionId, at: Timestamp) {
        let mut known = self.lock();
        known.entry(connection).or_insert(LastUse { at, written: None }).at = at;
    }

    /// Returns what is to be written down at `now`; all of it where `is_last`.
    fn unwritten(&self, now: Timestamp, is_last: bool) -> Vec<(ConnectionId, Timestamp)> {
        let known = self.lock();
        let behind = known.iter().filter(|(_, known)| known.is_behind(now, is_last));
        let mut behind: Vec<_> = behind.map(|(id, known)| (*id, known.at)).collect();
        // Two nodes that write in the same order never wait for each other.
        behind.sort_by_key(|(id, _)| id.to_bytes());
        behind
    }

    /// Remembers what was written down, and forgets what was not used since for long.
    fn written(&self, uses: &[(ConnectionId, Timestamp)], now: Timestamp) {
        let mut known = self.lock();
        for (id, at) in uses {
            if let Some(known) = known.get_mut(id) {
                known.written = Some(*at);
            }
        }
        known.retain(|_, known| known.written != Some(known.at) || known.at.after(BEHIND) > now);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ConnectionId, LastUse>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When connections were last used.
#[derive(Clone)]
pub struct ConnectionUses {
    base: Arc<Base>,
    uses: Arc<Uses>,
}

impl ConnectionUses {
    pub(crate) fn new(base: &Arc<Base>, uses: &Arc<Uses>) -> Self {
        Self { base: Arc::clone(base), uses: Arc::clone(uses) }
    }

    /// Writes down which connections were used; all of them where `is_last`, else those that were
    /// not written down lately. To be called every few seconds, and at the end.
    ///
    /// # Errors
    /// When the database does not answer; then nothing is forgotten.
    pub async fn write_uses(&self, is_last: bool) -> Result<(), Fault> {
        let now = self.base.now();
        let uses = self.uses.unwritten(now, is_last);
        if uses.is_empty() {
            return Ok(());
        }
        let mut tx = self.base.begin().await?;
        for (connection, at) in &uses {
            connection_uses::note(&mut tx, *connection, *at).await?;
        }
        tx.commit().await?;
        self.uses.written(&uses, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use astralform_domain::{Clock, Entropy};

    use super::*;

    #[test]
    fn a_connection_in_use_is_written_down_now_and_then_and_at_the_end() {
        let id = ConnectionId::new(&Clock::system(), &Entropy::system());
        let [start, soon, later] = [0, 5, 61].map(Timestamp::from_secs);
        let uses = Uses::default();
        uses.note(id, start);
        assert_eq!(uses.unwritten(start, false), [(id, start)]);
        assert_eq!(uses.unwritten(start, false), [(id, start)], "nothing was written");
        uses.written(&[(id, start)], start);
        assert_eq!(uses.unwritten(start, true), []);
        uses.note(id, soon);
        assert_eq!(uses.unwritten(soon, false), [], "it was written a moment ago");
        assert_eq!(uses.unwritten(soon, true), [(id, soon)]);
        assert_eq!(uses.unwritten(later, false), [(id, soon)]);
        uses.written(&[(id, soon)], later);
        assert!(uses.lock().is_empty() || uses.unwritten(later, true).is_empty());
    }
}
