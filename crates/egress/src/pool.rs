//! Open connections that wait for their next request.
//!
//! A connection has no task of its own: the task that uses it drives it (`exchange`), and while it
//! waits no task does. What happened to it meanwhile is found when it is taken out.

use std::{
    cell::Cell,
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep};
use url::{Position, Url};

use crate::exchange::HttpConnection;

/// How many wait on each shelf for one place.
const MOST_PER_PLACE: usize = 64;
/// A connection is registered with the event loop of the thread that opened it, so each thread has
/// a shelf, as long as there are shelves enough.
const SHELVES: usize = 64;

/// The connections that wait.
#[derive(Clone)]
pub(super) struct Pool([Arc<Shelf>; SHELVES]);

/// Where a connection waits that is still in use.
pub(super) struct Home {
    shelf: Arc<Shelf>,
    place: String,
}

/// The connections of one thread that wait.
struct Shelf {
    /// How long a connection waits for its next request.
    patience: Duration,
    /// How many wait on all shelves, and how many may.
    total: Arc<Total>,
    waiting: Mutex<IdleConnections>,
}

struct Total {
    count: AtomicUsize,
    most: usize,
}

#[derive(Default)]
struct IdleConnections {
    by_place: HashMap<String, VecDeque<(Instant, HttpConnection)>>,
    /// Whether a task closes what has waited too long.
    is_swept: bool,
}

/// Returns where a request's connection leads: scheme, host and port.
pub(super) fn place(url: &Url) -> &str {
    &url[..Position::BeforePath]
}

impl Pool {
    /// Returns a pool in which a connection waits so long for its next request, and so many wait at
    /// most.
    pub(super) fn new(patience: Duration, most: usize) -> Self {
        let total = Arc::new(Total { count: AtomicUsize::new(0), most });
        Self(std::array::from_fn(|_| {
            let total = Arc::clone(&total);
            Arc::new(Shelf { patience, total, waiting: Mutex::default() })
        }))
    }

    /// Returns the open connection that has waited for the shortest time.
    pub(super) fn take(&self, place: &str) -> Option<HttpConnection> {
        let idle = self.own();
        let mut waiting = idle.lock();
        let queue = waiting.by_place.get_mut(place)?;
        std::iter::from_fn(|| queue.pop_back())
            .inspect(|_| idle.total.leave(1))
            .take_while(|(since, _)| since.elapsed() < idle.patience)
            .find_map(|(_, connection)| connection.still_open())
    }

    /// Has a connection wait for its next request on the shelf of this thread.
    pub(super) fn put(&self, to: &str, connection: HttpConnection) {
        self.own().put(to, connection);
    }

    /// Returns where a connection to a place will wait that was opened or taken on this thread.
    pub(super) fn home(&self, place: &str) -> Home {
        Home { shelf: Arc::clone(self.own()), place: place.to_owned() }
    }

    /// Returns the shelf of this thread.
    fn own(&self) -> &Arc<Shelf> {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static THREAD: Cell<usize> = Cell::new(THREADS.fetch_add(1, Ordering::Relaxed));
        }
        &self.0[THREAD.get() % SHELVES]
    }
}

impl Home {
    /// Has a connection wait there for its next request.
    pub(super) fn put(&self, connection: HttpConnection) {
        self.shelf.put(&self.place, connection);
    }
}

impl Shelf {
    /// Has a connection wait for its next request. Where so many wait already, the one that was
    /// used least recently on this shelf is closed.
    fn put(self: &Arc<Self>, to: &str, connection: HttpConnection) {
        let mut waiting = self.lock();
        let now = Instant::now();
        let queue = waiting.by_place.get_mut(to);
        if queue.as_ref().is_some_and(|queue| queue.len() >= MOST_PER_PLACE) {
            return;
        }
        if let Some(queue) = queue {
            queue.push_back((now, connection));
        } else {
            waiting.by_place.insert(to.to_owned(), VecDeque::from([(now, connection)]));
        }
        if self.total.enter() {
            waiting.close_least_recent();
            self.total.leave(1);
        }
        if !std::mem::replace(&mut waiting.is_swept, true) {
            tokio::spawn(sweep(Arc::downgrade(self), self.patience));
        }
    }

    fn lock(&self) -> MutexGuard<'_, IdleConnections> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Total {
    /// Counts one more, and returns whether that is one too many.
    fn enter(&self) -> bool {
        self.count.fetch_add(1, Ordering::Relaxed) >= self.most
    }

    fn leave(&self, how_many: usize) {
        self.count.fetch_sub(how_many, Ordering::Relaxed);
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        let waiting = self.waiting.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.total.leave(waiting.by_place.values().map(VecDeque::len).sum());
    }
}

impl IdleConnections {
    /// Closes the connections that have waited too long, and returns how many they were.
    fn sweep(&mut self, patience: Duration) -> usize {
        let mut closed = 0;
        self.by_place.retain(|_, queue| {
            let before = queue.len();
            queue.retain(|(since, _)| since.elapsed() < patience);
            closed += before - queue.len();
            !queue.is_empty()
        });
        self.is_swept = !self.by_place.is_empty();
        closed
    }

    /// Closes the connection that has waited for the longest time.
    fn close_least_recent(&mut self) {
        let queues = self.by_place.values_mut().filter(|queue| !queue.is_empty());
        let oldest = queues.min_by_key(|queue| queue.front().map(|(since, _)| *since));
        if let Some(queue) = oldest {
            queue.pop_front();
        }
    }
}

/// Sweeps a shelf until nothing is on it.
async fn sweep(swept: Weak<Shelf>, patience: Duration) {
    loop {
        sleep(patience / 2).await;
        let Some(shelf) = swept.upgrade() else { return };
        let mut waiting = shelf.lock();
        let closed = waiting.sweep(patience);
        shelf.total.leave(closed);
        if !waiting.is_swept {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, duplex},
        time::timeout,
    };

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(20);
    const PLENTY: usize = 1_000;

    /// Returns a connection that the other end holds open for ever.
    async fn connection() -> HttpConnection {
        let (ours, theirs) = duplex(64);
        tokio::spawn(async move {
            std::future::pending::<()>().await;
            drop(theirs);
        });
        HttpConnection::over(Box::new(ours)).await.unwrap()
    }

    #[tokio::test]
    async fn the_last_one_put_back_is_the_first_one_taken_and_each_is_taken_once() {
        let pool = Pool::new(LONG, PLENTY);
        assert!(pool.take("http://a").is_none());
        pool.put("http://a", connection().await);
        pool.put("http://b", connection().await);
        assert!(pool.take("http://c").is_none());
        assert!(pool.take("http://a").is_some() && pool.take("http://a").is_none());
        assert!(pool.take("http://b").is_some());
    }

    #[tokio::test]
    async fn what_the_other_end_has_closed_is_not_taken() {
        let pool = Pool::new(LONG, PLENTY);
        let (ours, theirs) = duplex(64);
        pool.put("http://a", connection().await);
        pool.put("http://a", HttpConnection::over(Box::new(ours)).await.unwrap());
        drop(theirs);
        assert!(pool.take("http://a").is_some(), "the one before it is");
        assert!(pool.take("http://a").is_none());
    }

    #[tokio::test]
    async fn so_many_wait_for_one_place_and_no_more() {
        let pool = Pool::new(LONG, PLENTY);
        for _ in 0..=MOST_PER_PLACE {
            pool.put("http://a", connection().await);
        }
        let taken = std::iter::from_fn(|| pool.take("http://a")).count();
        assert_eq!(taken, MOST_PER_PLACE);
    }

    #[tokio::test]
    async fn f5_of_all_that_wait_the_least_recently_used_makes_way() {
        let pool = Pool::new(LONG, 3);
        for host in ["http://a", "http://b", "http://c", "http://a"] {
            pool.put(host, connection().await);
        }
        let left = |host| std::iter::from_fn(|| pool.take(host)).count();
        assert_eq!((left("http://a"), left("http://b"), left("http://c")), (1, 1, 1));
        for number in 0..50 {
            pool.put(&format!("http://{number}"), connection().await);
        }
        assert!(pool.take("http://46").is_none());
        let lasting = (47..50).filter(|number| pool.take(&format!("http://{number}")).is_some());
        assert_eq!(lasting.count(), 3, "those of the end");
    }

    #[tokio::test]
    async fn f5_what_is_taken_or_swept_makes_room() {
        let pool = Pool::new(SHORT, 1);
        for _ in 0..3 {
            pool.put("http://a", connection().await);
            assert!(pool.take("http://a").is_some());
        }
        pool.put("http://a", connection().await);
        sleep(3 * SHORT).await;
        assert_eq!(pool.own().total.count.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn what_has_waited_too_long_is_closed_though_nobody_asks_for_it() {
        let pool = Pool::new(SHORT, PLENTY);
        for _ in 0..2 {
            let (ours, mut theirs) = duplex(64);
            pool.put("http://a", HttpConnection::over(Box::new(ours)).await.unwrap());
            let before = Instant::now();
            let read = timeout(LONG, theirs.read_u8()).await.expect("it is closed");
            assert!(read.is_err() && before.elapsed() >= SHORT);
        }
    }

    #[tokio::test]
    async fn what_has_waited_too_long_is_not_taken() {
        let pool = Pool::new(Duration::ZERO, PLENTY);
        pool.put("http://a", connection().await);
        assert!(pool.take("http://a").is_none());
    }
}
