//! One refresh of a token at a time in this process, and all who want it wait for that one.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use astralform_domain::Timestamp;
use astralform_storage::refreshes::RefreshKey;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

use super::{ASKED_EVERY, Cause, Hindrance, Later, RefreshEnd};

/// What those who wait look at; nothing before the end.
pub(super) type EndReceiver = watch::Receiver<Option<RefreshEnd>>;
pub(super) type EndSender = watch::Sender<Option<RefreshEnd>>;

/// All refreshes of this process.
#[derive(Default)]
pub(crate) struct InFlight {
    known: Mutex<HashMap<RefreshKey, RefreshState>>,
    /// For each host, the permits for refreshes and identity checks.
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
    ended: Notify,
    is_stopping: AtomicBool,
}

enum RefreshState {
    UnderWay(EndReceiver),
    /// It failed, and there is no use in asking the database before that moment.
    Paused(Instant, Later),
    /// The provider was asked about a refusal, and is not to be asked about another before that
    /// moment.
    AskedLately(Timestamp),
}

/// What a caller finds that wants a token refreshed.
pub(super) enum Joined {
    /// It is under way.
    Wait(EndReceiver),
    /// It failed a moment ago.
    Paused(Later),
    /// It is theirs to do.
    Start(EndSender, EndReceiver),
}

/// The longest pause for another node's refresh that is remembered; after a longer one it is looked
/// at again.
const GLANCE: Duration = Duration::from_secs(1);

/// The most refreshes that one process has under way with one host.
const AT_A_HOST: usize = 32;

impl InFlight {
    pub(super) fn join(&self, key: &RefreshKey, cause: Cause, now: Timestamp) -> Joined {
        let mut known = lock(&self.known);
        match known.get(key) {
            Some(RefreshState::UnderWay(receiver)) => return Joined::Wait(receiver.clone()),
            Some(RefreshState::Paused(until, later)) => {
                let left = until.saturating_duration_since(Instant::now());
                if !left.is_zero() {
                    return Joined::Paused(Later { after: Some(left), ..*later });
                }
            }
            // What a clock that was ahead has noted does not count.
            Some(RefreshState::AskedLately(until))
                if cause == Cause::Refusal && *until > now && *until <= now.after(ASKED_EVERY) =>
            {
                let why = Hindrance::AskedLately;
                let after = Some(now.until(*until));
                return Joined::Paused(Later { why, after });
            }
            Some(RefreshState::AskedLately(_)) | None => {}
        }
        let (sender, receiver) = watch::channel(None);
        known.insert(key.clone(), RefreshState::UnderWay(receiver.clone()));
        Joined::Start(sender, receiver)
    }

    /// Ends the refresh; after a failure no other starts before the pause is over.
    pub(super) fn finish(&self, key: &RefreshKey, end: Option<&RefreshEnd>, now: Timestamp) {
        let mut known = lock(&self.known);
        let paused = match end {
            Some(RefreshEnd::Later(Later { why: Hindrance::AskedLately, after: Some(after) })) => {
                Some(RefreshState::AskedLately(now.after(*after)))
            }
            // What a node that is gone has left may be taken over before its lease is over.
            Some(RefreshEnd::Later(Later { why: Hindrance::OtherNode, after: Some(after) }))
                if *after > GLANCE =>
            {
                None
            }
            Some(RefreshEnd::Later(later @ Later { after: Some(after), .. })) => {
                Some(RefreshState::Paused(Instant::now() + *after, *later))
            }
            _ => None,
        };
        match (known.entry(key.clone()), paused) {
            (Entry::Occupied(mut entry), Some(paused)) => drop(entry.insert(paused)),
            (Entry::Occupied(entry), None) => drop(entry.remove()),
            (Entry::Vacant(_), _) => {}
        }
        drop(known);
        self.ended.notify_waiters();
    }

    /// Returns a place among those that go to a host at a time.
    pub(crate) async fn host_permit(&self, host: &str) -> OwnedSemaphorePermit {
        let permit = {
            let mut hosts = lock(&self.hosts);
            let permit = hosts.entry(host.to_owned());
            Arc::clone(permit.or_insert_with(|| Arc::new(Semaphore::new(AT_A_HOST))))
        };
        permit.acquire_owned().await.expect("the semaphore is never closed")
    }

    /// Forgets pauses that are over.
    pub(super) fn tidy(&self, now: Timestamp) {
        let instant = Instant::now();
        lock(&self.known).retain(|_, refresh| match refresh {
            RefreshState::UnderWay(_) => true,
            RefreshState::Paused(until, _) => *until > instant,
            RefreshState::AskedLately(until) => *until > now,
        });
    }

    /// Returns how many are under way.
    pub(super) fn under_way(&self) -> usize {
        lock(&self.known)
            .values()
            .filter(|refresh| matches!(refresh, RefreshState::UnderWay(_)))
            .count()
    }

    /// Returns whether no refresh is sent any more.
    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Waits until none is under way, or the time is up; says how many are left.
    pub(super) async fn settled(&self, at_most: Duration) -> usize {
        let all_ended = async {
            loop {
                let ended = self.ended.notified();
                if self.under_way() == 0 {
                    return;
                }
                ended.await;
            }
        };
        let _ = tokio::time::timeout(at_most, all_ended).await;
        self.under_way()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use astralform_domain::{Clock, ConnectionId, Entropy};

    use super::*;
    use crate::refresh::Hindrance;

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    fn key() -> RefreshKey {
        let connection = ConnectionId::new(&Clock::system(), &Entropy::system());
        RefreshKey { connection, kind: "default".to_owned() }
    }

    #[tokio::test]
    async fn r1_all_wait_for_the_one_who_came_first() {
        let in_flight = InFlight::default();
        let key = key();
        let Joined::Start(sender, _) = in_flight.join(&key, Cause::Age, NOW) else {
            panic!("nobody was there")
        };
        let Joined::Wait(mut receiver) = in_flight.join(&key, Cause::Age, NOW) else {
            panic!("somebody is there")
        };
        assert!(
            matches!(in_flight.join(&self::key(), Cause::Age, NOW), Joined::Start(..)),
            "another token"
        );
        sender.send_replace(Some(RefreshEnd::Over));
        in_flight.finish(&key, Some(&RefreshEnd::Over), NOW);
        receiver.changed().await.unwrap();
        assert!(matches!(*receiver.borrow(), Some(RefreshEnd::Over)));
        assert!(
            matches!(in_flight.join(&key, Cause::Age, NOW), Joined::Start(..)),
            "the next refresh"
        );
    }

    #[tokio::test]
    async fn r4_after_a_failure_nobody_starts_until_the_pause_is_over() {
        let in_flight = InFlight::default();
        let key = key();
        assert!(matches!(in_flight.join(&key, Cause::Age, NOW), Joined::Start(..)));
        let after = Some(Duration::from_millis(30));
        let later = RefreshEnd::Later(Later { why: Hindrance::Provider, after });
        in_flight.finish(&key, Some(&later), NOW);
        assert!(matches!(in_flight.join(&key, Cause::Age, NOW), Joined::Paused(_)));
        tokio::time::sleep(Duration::from_millis(40)).await;
        in_flight.tidy(NOW);
        assert!(matches!(in_flight.join(&key, Cause::Age, NOW), Joined::Start(..)));
    }

    /// F10: callers are told when a dead node's lease is over, and its refresh is taken over
    /// before.
    #[tokio::test]
    async fn r1_that_a_node_is_gone_keeps_nobody_from_taking_its_refresh_over() {
        let in_flight = InFlight::default();
        let key = key();
        assert!(matches!(in_flight.join(&key, Cause::Age, NOW), Joined::Start(..)));
        let after = Some(Duration::from_mins(1));
        let later = RefreshEnd::Later(Later { why: Hindrance::OtherNode, after });
        in_flight.finish(&key, Some(&later), NOW);
        assert!(matches!(in_flight.join(&key, Cause::Age, NOW), Joined::Start(..)));
    }

    #[tokio::test]
    async fn r4_that_a_provider_was_asked_about_a_refusal_does_not_keep_a_token_from_ending() {
        let in_flight = InFlight::default();
        let key = key();
        assert!(matches!(in_flight.join(&key, Cause::Refusal, NOW), Joined::Start(..)));
        let after = Some(Duration::from_mins(1));
        let later = RefreshEnd::Later(Later { why: Hindrance::AskedLately, after });
        in_flight.finish(&key, Some(&later), NOW);
        assert!(matches!(in_flight.join(&key, Cause::Refusal, NOW), Joined::Paused(_)));
        assert!(matches!(in_flight.join(&key, Cause::Age, NOW), Joined::Start(..)));
        for start in [NOW.after(ASKED_EVERY), NOW.before(Duration::from_secs(1))] {
            in_flight.finish(&key, Some(&later), NOW);
            assert!(matches!(in_flight.join(&key, Cause::Refusal, start), Joined::Start(..)));
        }
    }

    #[tokio::test]
    async fn b7_whoever_stops_waits_for_what_is_under_way() {
        let in_flight = Arc::new(InFlight::default());
        let key = key();
        assert!(matches!(in_flight.join(&key, Cause::Age, NOW), Joined::Start(..)));
        assert_eq!(in_flight.settled(Duration::from_millis(10)).await, 1);
        let waiting = tokio::spawn({
            let in_flight = Arc::clone(&in_flight);
            async move { in_flight.settled(Duration::from_secs(20)).await }
        });
        in_flight.finish(&key, Some(&RefreshEnd::Over), NOW);
        assert_eq!(waiting.await.unwrap(), 0);
    }
}
