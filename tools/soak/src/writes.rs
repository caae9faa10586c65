use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    Result,
    client::{Client, Outcome},
    fill::end_user,
    load::{Ongoing, each},
};

/// Writes that go on without end, and the book of those that were acknowledged.
pub(crate) struct Writes {
    book: Book,
    ongoing: Ongoing,
    started: Instant,
}

/// What was acknowledged.
#[derive(Clone, Default)]
pub(crate) struct Book(Arc<Mutex<Acknowledged>>);

#[derive(Default)]
struct Acknowledged {
    /// Tokens of sessions that were opened.
    sessions: Vec<String>,
    /// Idempotency keys of writes at the provider that completed, and who wrote.
    keys: Vec<(String, String)>,
    unacknowledged: usize,
    /// When the one before was acknowledged, and the longest time without any.
    last: Option<Instant>,
    longest_gap: Duration,
}

/// What has become of it.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) acknowledged: usize,
    pub(crate) per_second: usize,
    pub(crate) lost: usize,
    /// How many were answered with something else, or not at all.
    pub(crate) unacknowledged: usize,
    pub(crate) longest_gap: Duration,
}

const WRITERS: usize = 24;
/// So that a long run stays countable.
const PACE: Duration = Duration::from_millis(20);

impl Writes {
    /// Those for whom something is written at the provider; their connections have to be there.
    pub(crate) const END_USERS: std::ops::Range<usize> = 1_000_000..1_000_020;

    /// Starts to write, whether the product is there or not.
    pub(crate) fn start(client: &Client, at: SocketAddr) -> Self {
        let book = Book::default();
        let client = client.clone();
        let written = book.clone();
        let ongoing = Ongoing::start(WRITERS, move |number| {
            let client = client.clone();
            let written = written.clone();
            async move {
                written.write(&client, at, number).await;
                tokio::time::sleep(PACE).await;
            }
        });
        Self { book, ongoing, started: Instant::now() }
    }

    /// Stops, and looks for everything that was acknowledged.
    pub(crate) async fn stop(self, client: &Client, at: SocketAddr) -> Result<Kept> {
        self.ongoing.stop().await;
        let seconds = self.started.elapsed().as_secs().max(1);
        let Acknowledged { sessions, keys, unacknowledged, longest_gap, .. } =
            std::mem::take(&mut *self.book.lock());
        let sessions = Arc::new(sessions);
        let keys = Arc::new(keys);
        let again = client.clone();
        let client = client.clone();
        let looked_for = Arc::clone(&sessions);
        let known = each(sessions.len(), 32, move |number| {
            let client = client.clone();
            let sessions = Arc::clone(&looked_for);
            async move { client.knows_session(at, &sessions[number]).await.unwrap_or(false) }
        });
        let lost = known.await.into_iter().filter(|known| !known).count();
        let acknowledged = sessions.len() + keys.len();
        let client = again;
        let number = keys.len();
        let repeated = each(number, 16, move |number| {
            let client = client.clone();
            let keys = Arc::clone(&keys);
            async move {
                let (end_user, key) = &keys[number];
                client.write(at, end_user, key).await == Outcome::Completed
            }
        });
        let lost = lost + repeated.await.into_iter().filter(|completed| !completed).count();
        let per_second = acknowledged / usize::try_from(seconds)?;
        Ok(Kept { acknowledged, per_second, lost, unacknowledged, longest_gap })
    }
}

impl Book {
    /// Writes once, now this and now that, and notes it when it was acknowledged.
    async fn write(&self, client: &Client, at: SocketAddr, number: usize) {
        if number % 8 < 7 {
            let token = client.open_session(at, &end_user(number)).await;
            self.lock().note(token, Acknowledged::sessions);
            return;
        }
        let span = Writes::END_USERS;
        let name = end_user(span.start + number % span.len());
        let key = format!("key-{number}");
        let completed = client.write(at, &name, &key).await == Outcome::Completed;
        self.lock().note(completed.then_some((name, key)), Acknowledged::keys);
    }

    fn lock(&self) -> MutexGuard<'_, Acknowledged> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Acknowledged {
    fn sessions(&mut self) -> &mut Vec<String> {
        &mut self.sessions
    }

    fn keys(&mut self) -> &mut Vec<(String, String)> {
        &mut self.keys
    }

    fn note<T>(&mut self, written: Option<T>, list: fn(&mut Self) -> &mut Vec<T>) {
        let Some(written) = written else {
            self.unacknowledged += 1;
            return;
        };
        let now = Instant::now();
        let gap = self.last.map_or(Duration::ZERO, |last| now - last);
        self.longest_gap = self.longest_gap.max(gap);
        self.last = Some(now);
        list(self).push(written);
    }
}

/// Returns whether an outcome may come while the product is away or its database is.
pub(crate) fn is_passing(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Unanswered(_) | Outcome::Unreachable | Outcome::Failed(_) | Outcome::Refused(503)
    )
}
