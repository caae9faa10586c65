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

use super::{ASKED_EVERY, Cause, Hindrance, Landing, Later};

/// What those who wait look at; nothing before the landing.
pub(super) type Board = watch::Receiver<Option<Landing>>;
pub(super) type Announcer = watch::Sender<Option<Landing>>;

/// All refreshes of this process.
#[derive(Default)]
pub(crate) struct Flights {
    known: Mutex<HashMap<RefreshKey, Flight>>,
    /// How many refreshes go to one host at a time.
    lanes: Mutex<HashMap<String, Arc<Semaphore>>>,
    landed: Notify,
    is_stopping: AtomicBool,
}

enum Flight {
    Up(Board),
    /// It failed, and there is no use in asking the database before that moment.
    Paused(Instant, Later),
    /// The provider was asked about a refusal, and is not to be asked about another before that
    /// moment.
    Asked(Timestamp),
}

/// What somebody finds who wants a token refreshed.
pub(super) enum Boarding {
    /// It is under way.
    Wait(Board),
    /// It failed a moment ago.
    Paused(Later),
    /// It is theirs to do.
    Start(Announcer, Board),
}

/// How long nobody looks again at what another node has in hand.
const GLANCE: Duration = Duration::from_secs(1);

/// The most refreshes that one process has under way with one host.
const LANE: usize = 32;

impl Flights {
    pub(super) fn board(&self, key: &RefreshKey, cause: Cause, now: Timestamp) -> Boarding {
        let mut known = lock(&self.known);
        match known.get(key) {
            Some(Flight::Up(board)) => return Boarding::Wait(board.clone()),
            Some(Flight::Paused(until, later)) => {
                let left = until.saturating_duration_since(Instant::now());
                if !left.is_zero() {
                    return Boarding::Paused(Later { after: Some(left), ..*later });
                }
            }
            // What a clock that was ahead has noted does not count.
            Some(Flight::Asked(until))
                if cause == Cause::Refusal && *until > now && *until <= now.after(ASKED_EVERY) =>
            {
                let why = Hindrance::AskedLately;
                let after = Some(now.until(*until));
                return Boarding::Paused(Later { why, after });
            }
            Some(Flight::Asked(_)) | None => {}
        }
        let (announcer, board) = watch::channel(None);
        known.insert(key.clone(), Flight::Up(board.clone()));
        Boarding::Start(announcer, board)
    }

    /// Ends the flight; after a failure nobody starts another before the pause is over.
    pub(super) fn land(&self, key: &RefreshKey, landing: Option<&Landing>, now: Timestamp) {
        let mut known = lock(&self.known);
        let paused = match landing {
            Some(Landing::Later(Later { why: Hindrance::AskedLately, after: Some(after) })) => {
                Some(Flight::Asked(now.after(*after)))
            }
            // What a node that is gone has left may be taken over before its lease is over.
            Some(Landing::Later(Later { why: Hindrance::OtherNode, after: Some(after) }))
                if *after > GLANCE =>
            {
                None
            }
            Some(Landing::Later(later @ Later { after: Some(after), .. })) => {
                Some(Flight::Paused(Instant::now() + *after, *later))
            }
            _ => None,
        };
        match (known.entry(key.clone()), paused) {
            (Entry::Occupied(mut entry), Some(paused)) => drop(entry.insert(paused)),
            (Entry::Occupied(entry), None) => drop(entry.remove()),
            (Entry::Vacant(_), _) => {}
        }
        drop(known);
        self.landed.notify_waiters();
    }

    /// Returns a place among those that go to a host at a time.
    pub(crate) async fn lane(&self, host: &str) -> OwnedSemaphorePermit {
        let lane = {
            let mut lanes = lock(&self.lanes);
            let lane = lanes.entry(host.to_owned());
            Arc::clone(lane.or_insert_with(|| Arc::new(Semaphore::new(LANE))))
        };
        lane.acquire_owned().await.expect("a lane is never closed")
    }

    /// Forgets pauses that are over.
    pub(super) fn tidy(&self, now: Timestamp) {
        let instant = Instant::now();
        lock(&self.known).retain(|_, flight| match flight {
            Flight::Up(_) => true,
            Flight::Paused(until, _) => *until > instant,
            Flight::Asked(until) => *until > now,
        });
    }

    /// Returns how many are under way.
    pub(super) fn up(&self) -> usize {
        lock(&self.known).values().filter(|flight| matches!(flight, Flight::Up(_))).count()
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
        let all_landed = async {
            loop {
                let landed = self.landed.notified();
                if self.up() == 0 {
                    return;
                }
                landed.await;
            }
        };
        let _ = tokio::time::timeout(at_most, all_landed).await;
        self.up()
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
        let flights = Flights::default();
        let key = key();
        let Boarding::Start(announcer, _) = flights.board(&key, Cause::Age, NOW) else {
            panic!("nobody was there")
        };
        let Boarding::Wait(mut board) = flights.board(&key, Cause::Age, NOW) else {
            panic!("somebody is there")
        };
        assert!(
            matches!(flights.board(&self::key(), Cause::Age, NOW), Boarding::Start(..)),
            "another token"
        );
        announcer.send_replace(Some(Landing::Over));
        flights.land(&key, Some(&Landing::Over), NOW);
        board.changed().await.unwrap();
        assert!(matches!(*board.borrow(), Some(Landing::Over)));
        assert!(
            matches!(flights.board(&key, Cause::Age, NOW), Boarding::Start(..)),
            "the next flight"
        );
    }

    #[tokio::test]
    async fn r4_after_a_failure_nobody_starts_until_the_pause_is_over() {
        let flights = Flights::default();
        let key = key();
        assert!(matches!(flights.board(&key, Cause::Age, NOW), Boarding::Start(..)));
        let after = Some(Duration::from_millis(30));
        let later = Landing::Later(Later { why: Hindrance::Provider, after });
        flights.land(&key, Some(&later), NOW);
        assert!(matches!(flights.board(&key, Cause::Age, NOW), Boarding::Paused(_)));
        tokio::time::sleep(Duration::from_millis(40)).await;
        flights.tidy(NOW);
        assert!(matches!(flights.board(&key, Cause::Age, NOW), Boarding::Start(..)));
    }

    /// F10: callers are told when a dead node's lease is over, and its refresh is taken over before.
    #[tokio::test]
    async fn r1_that_a_node_is_gone_keeps_nobody_from_taking_its_refresh_over() {
        let flights = Flights::default();
        let key = key();
        assert!(matches!(flights.board(&key, Cause::Age, NOW), Boarding::Start(..)));
        let after = Some(Duration::from_mins(1));
        let later = Landing::Later(Later { why: Hindrance::OtherNode, after });
        flights.land(&key, Some(&later), NOW);
        assert!(matches!(flights.board(&key, Cause::Age, NOW), Boarding::Start(..)));
    }

    #[tokio::test]
    async fn r4_that_a_provider_was_asked_about_a_refusal_does_not_keep_a_token_from_ending() {
        let flights = Flights::default();
        let key = key();
        assert!(matches!(flights.board(&key, Cause::Refusal, NOW), Boarding::Start(..)));
        let after = Some(Duration::from_mins(1));
        let later = Landing::Later(Later { why: Hindrance::AskedLately, after });
        flights.land(&key, Some(&later), NOW);
        assert!(matches!(flights.board(&key, Cause::Refusal, NOW), Boarding::Paused(_)));
        assert!(matches!(flights.board(&key, Cause::Age, NOW), Boarding::Start(..)));
        for start in [NOW.after(ASKED_EVERY), NOW.before(Duration::from_secs(1))] {
            flights.land(&key, Some(&later), NOW);
            assert!(matches!(flights.board(&key, Cause::Refusal, start), Boarding::Start(..)));
        }
    }

    #[tokio::test]
    async fn b7_whoever_stops_waits_for_what_is_under_way() {
        let flights = Arc::new(Flights::default());
        let key = key();
        assert!(matches!(flights.board(&key, Cause::Age, NOW), Boarding::Start(..)));
        assert_eq!(flights.settled(Duration::from_millis(10)).await, 1);
        let waiting = tokio::spawn({
            let flights = Arc::clone(&flights);
            async move { flights.settled(Duration::from_secs(20)).await }
        });
        flights.land(&key, Some(&Landing::Over), NOW);
        assert_eq!(waiting.await.unwrap(), 0);
    }
}
