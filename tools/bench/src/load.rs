//! The load: one thread, raw keep-alive connections, every answer checked.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::Semaphore, task::JoinSet};

use crate::{Result, figures::Latencies, http::Connection};

/// What is sent where, in rotation.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) requests: Vec<Vec<u8>>,
    /// What the body of every good answer starts with.
    pub(crate) good: &'static str,
}

/// When a closed loop ends: after so long, or so many requests.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) time: Duration,
    pub(crate) requests: usize,
}

/// How fast an open loop sends, whatever comes back.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) per_second: u32,
    pub(crate) time: Duration,
}

/// How long the last answers of a run are waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many requests of an open loop can be under way; the others wait, and their wait counts.
pub(crate) const OPEN_CONNECTIONS: usize = 64;

/// What the connections of a run share.
struct Run {
    target: Rc<Target>,
    start: Instant,
    next: Cell<usize>,
    latencies: RefCell<Vec<Duration>>,
}

/// Sends the next request of each connection as soon as it has the answer.
pub(crate) async fn closed(
    target: &Rc<Target>,
    connections: usize,
    limit: Limit,
) -> Result<Latencies> {
    let opened = open_all(target.address, connections).await?;
    let run = Run::new(target, Instant::now());
    let mut tasks = JoinSet::new();
    for mut connection in opened {
        let run = Rc::clone(&run);
        tasks.spawn_local(async move {
            let mut sent = Instant::now();
            while sent.duration_since(run.start) < limit.time {
                let Some(number) = run.take(limit.requests) else { break };
                run.send(&mut connection, number).await?;
                let answered = Instant::now();
                run.latencies.borrow_mut().push(answered - sent);
                sent = answered;
            }
            Ok(())
        });
    }
    run.finished(tasks, limit.time).await
}

/// Sends requests at fixed times. A latency counts from when its request was due, so that an answer
/// that comes late delays no measurement after it (no coordinated omission).
pub(crate) async fn open(target: &Rc<Target>, pace: Pace) -> Result<Latencies> {
    let interval = Duration::from_secs(1) / pace.per_second;
    let count = usize::try_from(pace.time.as_nanos() / interval.as_nanos())?;
    let opened = open_all(target.address, OPEN_CONNECTIONS).await?;
    let run = Run::new(target, Instant::now() + Duration::from_millis(20));
    let pacer = Pacer::start(run.start, interval, count)?;
    let mut tasks = JoinSet::new();
    for mut connection in opened {
        let run = Rc::clone(&run);
        let due = Arc::clone(&pacer.due);
        tasks.spawn_local(async move {
            loop {
                due.acquire().await?.forget();
                let Some(number) = run.take(count) else { return Ok(()) };
                let intended = run.start + interval * u32::try_from(number)?;
                run.send(&mut connection, number).await?;
                run.latencies.borrow_mut().push(intended.elapsed());
            }
        });
    }
    run.finished(tasks, pace.time).await
}

async fn open_all(address: SocketAddr, count: usize) -> Result<Vec<Connection>> {
    let mut opened = Vec::with_capacity(count);
    for _ in 0..count {
        opened.push(Connection::open(address).await?);
    }
    Ok(opened)
}

impl Run {
    fn new(target: &Rc<Target>, start: Instant) -> Rc<Self> {
        let latencies = RefCell::new(Vec::with_capacity(1 << 20));
        Rc::new(Self { target: Rc::clone(target), start, next: Cell::new(0), latencies })
    }

    /// Returns the number of the next request, of so many.
    fn take(&self, most: usize) -> Option<usize> {
        let number = self.next.get();
        self.next.set(number + 1);
        (number < most).then_some(number)
    }

    async fn send(&self, connection: &mut Connection, number: usize) -> Result<()> {
        let Target { requests, good, .. } = &*self.target;
        let answer = connection.exchange(&requests[number % requests.len()]).await?;
        if answer.status == 200 && answer.body.starts_with(good.as_bytes()) {
            return Ok(());
        }
        let body = String::from_utf8_lossy(answer.body);
        Err(format!("a request was answered with {}: {body}", answer.status).into())
    }

    async fn finished(&self, mut tasks: JoinSet<Result<()>>, time: Duration) -> Result<Latencies> {
        let all = async {
            while let Some(ended) = tasks.join_next().await {
                ended??;
            }
            Ok::<_, crate::Error>(self.start.elapsed())
        };
        let elapsed = tokio::time::timeout(time + PATIENCE, all).await??;
        Ok(Latencies::new(self.latencies.take(), elapsed))
    }
}

/// A thread that says when requests are due; tokio's own timers tick only every millisecond.
pub(crate) struct Pacer {
    pub(crate) due: Arc<Semaphore>,
    stop: Arc<AtomicBool>,
}

impl Pacer {
    pub(crate) fn start(start: Instant, interval: Duration, count: usize) -> Result<Self> {
        let due = Arc::new(Semaphore::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let pacer = Self { due: Arc::clone(&due), stop: Arc::clone(&stop) };
        let count = u32::try_from(count)?;
        std::thread::Builder::new().name("pacer".to_owned()).spawn(move || {
            for number in 0..count {
                let intended = start + interval * number;
                std::thread::sleep(intended.saturating_duration_since(Instant::now()));
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                due.add_permits(1);
            }
            // Every connection finds that nothing is left.
            due.add_permits(OPEN_CONNECTIONS);
        })?;
        Ok(pacer)
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
        task::{LocalSet, spawn_local},
    };

    use super::*;

    /// Returns a server that stalls once, at the first request, and is quick otherwise.
    async fn stalling(stall: Duration) -> Rc<Target> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let free_at = Rc::new(Cell::new(None));
        spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                spawn_local(answer_all(stream, stall, Rc::clone(&free_at)));
            }
        });
        let requests = vec![b"GET / HTTP/1.1\r\n\r\n".to_vec()];
        Rc::new(Target { address, requests, good: "ok" })
    }

    async fn answer_all(
        mut stream: TcpStream,
        stall: Duration,
        free_at: Rc<Cell<Option<Instant>>>,
    ) {
        let mut buffer = [0; 1024];
        while stream.read(&mut buffer).await.unwrap() > 0 {
            let until = free_at.get().unwrap_or(Instant::now() + stall);
            free_at.set(Some(until));
            tokio::time::sleep_until(until.into()).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_stall_counts_for_every_request_that_was_due_while_it_lasted() {
        let stall = Duration::from_millis(400);
        let pace = Pace { per_second: 1_000, time: Duration::from_secs(1) };
        let run = async { open(&stalling(stall).await, pace).await.unwrap() };
        let latencies = LocalSet::new().run_until(run).await;
        assert_eq!(latencies.count(), 1_000);
        assert!(latencies.percentile(99) >= Duration::from_millis(350));
        // Of the 400 requests due during the stall, half waited for more than 200 ms of it.
        assert!(latencies.percentile(85) >= Duration::from_millis(150));
    }

    #[tokio::test]
    async fn a_closed_loop_ends_after_so_many_requests() {
        let limit = Limit { time: Duration::from_secs(10), requests: 50 };
        let run =
            async { closed(&stalling(Duration::ZERO).await, 4, limit).await.unwrap().count() };
        assert_eq!(LocalSet::new().run_until(run).await, 50);
    }

    #[tokio::test]
    async fn a_bad_answer_ends_the_run() {
        let limit = Limit { time: Duration::from_secs(10), requests: 5 };
        let run = async {
            let Target { address, requests, .. } =
                Rc::into_inner(stalling(Duration::ZERO).await).unwrap();
            let target = Rc::new(Target { address, requests, good: "no" });
            closed(&target, 1, limit).await.err().unwrap().to_string()
        };
        assert_eq!(LocalSet::new().run_until(run).await, "a request was answered with 200: ok");
    }
}
