//! A cache that knows how much it holds, and whether what it holds is still so.

use std::{hash::Hash, sync::Arc, time::Duration};

use astralform_domain::limits::Limit;
use astralform_storage::{Db, LATE, Stamp, Topic};
use quick_cache::{Weighter, sync::Cache as QuickCache};
use tokio::time::timeout;

use crate::Fault;

/// A value whose bytes can be counted.
pub(crate) trait Weigh {
    /// Returns how many bytes it takes.
    fn weight(&self) -> usize;

    /// Returns whether it is worth its place: an empty one is read again as quickly.
    fn is_worth_keeping(&self) -> bool {
        true
    }
}

/// Things of one kind with a total weight; the ones least used make way.
pub(crate) struct CacheMap<K, V>(QuickCache<K, Entry<V>, ByWeight>);

/// A thing with the stamp it was read under.
struct Entry<V> {
    stamp: Stamp,
    value: Arc<V>,
    weight: u64,
}

/// Weighs things as they were weighed when they came.
#[derive(Clone)]
struct ByWeight;

/// For how long a thing is kept that no caller asks for: those that are asked for are read again
/// more often.
pub(crate) const DROPPED_AFTER: Duration = Duration::from_mins(1);

/// What a thing takes besides itself: its key, its place in the cache and its allocation.
const OVERHEAD: usize = 192;

impl<K, V> Weighter<K, Entry<V>> for ByWeight {
    fn weight(&self, _: &K, entry: &Entry<V>) -> u64 {
        entry.weight
    }
}

impl<V> Clone for Entry<V> {
    fn clone(&self) -> Self {
        Self { stamp: self.stamp, value: Arc::clone(&self.value), weight: self.weight }
    }
}

impl<V: Weigh> Entry<V> {
    fn new(stamp: Stamp, value: &Arc<V>) -> Self {
        let weight = OVERHEAD + value.weight();
        Self { stamp, value: Arc::clone(value), weight: weight.try_into().unwrap_or(u64::MAX) }
    }
}

impl<K: Hash + Eq + Clone, V: Weigh> CacheMap<K, V> {
    /// Returns an empty one for things of so many bytes together.
    pub(crate) fn new(at_most: Limit) -> Self {
        const USUAL: usize = 512;
        Self(QuickCache::with_weighter(at_most.count() / USUAL, at_most.value, ByWeight))
    }

    /// Forgets what was read longer ago.
    pub(crate) fn drop_older_than(&self, age: Duration) {
        self.0.retain(|_, entry| entry.stamp.age() < age);
    }

    /// Forgets what does not pass a test.
    pub(crate) fn retain(&self, passes: impl Fn(&V) -> bool) {
        self.0.retain(|_, entry| passes(&entry.value));
    }

    /// Returns how many things there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether a thing is kept under `key`.
    pub(crate) fn has(&self, key: &K) -> bool {
        self.0.peek(key).is_some()
    }

    /// Returns what is kept under `key`, or else what `read` finds; an absence is not kept. What is
    /// only too old is used all the same while the database is down or late.
    pub(crate) async fn get(
        &self,
        db: &Db,
        key: K,
        topics: &[Topic<'_>],
        read: impl Future<Output = Result<Option<V>, Fault>>,
    ) -> Result<Option<Arc<V>>, Fault> {
        let known = self.0.get(&key);
        if let Some(entry) = &known
            && db.holds(&entry.stamp)
        {
            return Ok(Some(Arc::clone(&entry.value)));
        }
        let stamp = db.stamp(topics);
        let found = match known.filter(|old| db.is_unchanged(&old.stamp)) {
            None => read.await?.map(Arc::new),
            Some(old) if db.is_late() => return Ok(Some(old.value)),
            Some(old) => match timeout(LATE, read).await {
                Ok(Err(fault)) if !fault.is_unavailable() => return Err(fault),
                Ok(Ok(found)) => found.map(Arc::new),
                Ok(Err(_)) | Err(_) if db.is_unchanged(&old.stamp) => return Ok(Some(old.value)),
                Ok(Err(fault)) => return Err(fault),
                Err(_) => return Err(astralform_storage::Error::TimedOut.into()),
            },
        };
        if let (Some(stamp), Some(found)) =
            (stamp, found.as_ref().filter(|it| it.is_worth_keeping()))
        {
            self.0.insert(key, Entry::new(stamp, found));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
