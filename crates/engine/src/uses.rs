//! When connections, API keys and admin tokens were used: noted in memory by requests, in the
//! database now and then.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use astralform_domain::{Actor, AdminTokenId, ApiKeyId, ConnectionId, Timestamp};
use astralform_storage::{admin_tokens, api_keys, connection_uses};

use crate::{Fault, base::Base};

/// What was used since it was last written down.
#[derive(Default)]
pub(crate) struct Uses {
    pub(crate) connections: LastUses<ConnectionId>,
    pub(crate) api_keys: LastUses<ApiKeyId>,
    pub(crate) admin_tokens: LastUses<AdminTokenId>,
}

/// When the things of one kind were last used.
pub(crate) struct LastUses<Id>(Mutex<HashMap<Id, LastUse>>);

struct LastUse {
    at: Timestamp,
    written: Option<Timestamp>,
}

/// How far behind the database may be: what is used all the time is written down as often as this.
const BEHIND: Duration = Duration::from_mins(1);

impl LastUse {
    fn is_behind(&self, now: Timestamp, is_last: bool) -> bool {
        self.written.is_none_or(|at| at < self.at && (is_last || at.after(BEHIND) <= now))
    }
}

impl<Id> Default for LastUses<Id> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<Id: Copy + Eq + Hash + Ord> LastUses<Id> {
    pub(crate) fn note(&self, id: Id, at: Timestamp) {
        self.lock().entry(id).or_insert(LastUse { at, written: None }).at = at;
    }

    /// Returns what is to be written down at `now`; all of it where `is_last`.
    fn unwritten(&self, now: Timestamp, is_last: bool) -> Vec<(Id, Timestamp)> {
        let known = self.lock();
        let behind = known.iter().filter(|(_, known)| known.is_behind(now, is_last));
        let mut behind: Vec<_> = behind.map(|(id, known)| (*id, known.at)).collect();
        // Two nodes that write in the same order never wait for each other.
        behind.sort_unstable();
        behind
    }

    /// Remembers what was written down, and forgets what was not used since for long.
    fn written(&self, uses: &[(Id, Timestamp)], now: Timestamp) {
        let mut known = self.lock();
        for (id, at) in uses {
            if let Some(known) = known.get_mut(id) {
                known.written = Some(*at);
            }
        }
        known.retain(|_, known| known.written != Some(known.at) || known.at.after(BEHIND) > now);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Id, LastUse>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When what opens the product was last used.
#[derive(Clone)]
pub struct RecentUses {
    base: Arc<Base>,
    uses: Arc<Uses>,
}

impl RecentUses {
    pub(crate) fn new(base: &Arc<Base>, uses: &Arc<Uses>) -> Self {
        Self { base: Arc::clone(base), uses: Arc::clone(uses) }
    }

    /// Writes down what was used; all of it where `is_last`, else what was not written down lately.
    /// To be called every few seconds, and at the end.
    ///
    /// # Errors
    /// When the database does not answer; then nothing is forgotten.
    pub async fn write_uses(&self, is_last: bool) -> Result<(), Fault> {
        let now = self.base.now();
        let Uses { connections, api_keys, admin_tokens } = &*self.uses;
        let used_connections = connections.unwritten(now, is_last);
        let used_keys = api_keys.unwritten(now, is_last);
        let used_tokens = admin_tokens.unwritten(now, is_last);
        if used_connections.is_empty() && used_keys.is_empty() && used_tokens.is_empty() {
            return Ok(());
        }
        let mut tx = self.base.begin(Actor::Product).await?;
        for (id, at) in &used_connections {
            connection_uses::note(&mut tx, *id, *at).await?;
        }
        for (id, at) in &used_keys {
            api_keys::note_use(&mut tx, *id, *at).await?;
        }
        for (id, at) in &used_tokens {
            admin_tokens::note_use(&mut tx, *id, *at).await?;
        }
        tx.commit().await?;
        connections.written(&used_connections, now);
        api_keys.written(&used_keys, now);
        admin_tokens.written(&used_tokens, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use astralform_domain::{Clock, Entropy};

    use super::*;

    #[test]
    fn what_is_in_use_is_written_down_now_and_then_and_at_the_end() {
        let id = ConnectionId::new(&Clock::system(), &Entropy::system());
        let [start, soon, later] = [0, 5, 61].map(Timestamp::from_secs);
        let uses = LastUses::default();
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
