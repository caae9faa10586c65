//! The other user: calls at a fixed rate, whatever comes back.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    Result,
    figures::Latencies,
    http::Connection,
    load::{OPEN_CONNECTIONS, Pace, Pacer},
};

/// The address that the other user calls from; nobody else does.
const FROM: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
const LATE: &str = "no answer in time";

/// Who calls what where.
pub(crate) struct Victim {
    pub(crate) address: SocketAddr,
    /// Sent in rotation.
    pub(crate) requests: Vec<Vec<u8>>,
    /// What the body of every good answer starts with.
    pub(crate) good: &'static str,
}

/// What became of the calls of a while.
#[derive(Default)]
pub(crate) struct Seen {
    latencies: Vec<Duration>,
    /// Answers that were not good, by status.
    refused: BTreeMap<u16, usize>,
    /// Calls that had no answer, by reason.
    broken: BTreeMap<String, usize>,
    /// Kept connections that were closed before a call went out on them; it was sent on another.
    reopened: usize,
}

/// Why a call had no answer, if it had none.
type Exchanged = std::result::Result<(), String>;

/// What the connections share.
struct Run {
    victim: Rc<Victim>,
    start: Instant,
    next: Cell<usize>,
    seen: RefCell<Seen>,
}

impl Victim {
    /// Calls at that pace. A latency counts from when its call was due, as in [`crate::load`].
    pub(crate) async fn call(self: &Rc<Self>, pace: Pace) -> Result<Seen> {
        let interval = Duration::from_secs(1) / pace.per_second;
        let count = usize::try_from(pace.time.as_nanos() / interval.as_nanos())?;
        let start = Instant::now() + Duration::from_millis(20);
        let victim = Rc::clone(self);
        let seen = RefCell::default();
        let run = Rc::new(Run { victim, start, next: Cell::new(0), seen });
        let pacer = Pacer::start(start, interval, count)?;
        let mut tasks = JoinSet::new();
        for _ in 0..OPEN_CONNECTIONS {
            let run = Rc::clone(&run);
            let due = Arc::clone(&pacer.due);
            tasks.spawn_local(async move { run.work(&due, interval, count).await });
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok(run.seen.take())
    }
}

impl Run {
    /// Makes calls as they come due, until there is none left.
    async fn work(&self, due: &Semaphore, interval: Duration, count: usize) -> Result<()> {
        let mut line = None;
        loop {
            due.acquire().await?.forget();
            let number = self.next.get();
            self.next.set(number + 1);
            if number >= count {
                return Ok(());
            }
            self.call(&mut line, number).await;
            let intended = self.start + interval * u32::try_from(number)?;
            self.seen.borrow_mut().latencies.push(intended.elapsed());
        }
    }

    /// Makes one call, on the connection that was kept or on a new one.
    async fn call(&self, line: &mut Option<Connection>, number: usize) {
        if let Some(kept) = line.as_mut() {
            match self.exchange(kept, number).await {
                Ok(()) => return,
                Err(why) if why == LATE => {
                    *line = None;
                    return self.note_broken(why);
                }
                // As every client has it: a kept connection may be closed when a call goes out.
                Err(_) => self.seen.borrow_mut().reopened += 1,
            }
        }
        *line = None;
        let opened =
            tokio::time::timeout(PATIENCE, Connection::open_from(FROM, self.victim.address));
        let mut fresh = match opened.await {
            Ok(Ok(fresh)) => fresh,
            Ok(Err(error)) => return self.note_broken(format!("not connected: {error}")),
            Err(_) => return self.note_broken("not connected in time".to_owned()),
        };
        match self.exchange(&mut fresh, number).await {
            Ok(()) => *line = Some(fresh),
            Err(why) => self.note_broken(why),
        }
    }

    async fn exchange(&self, line: &mut Connection, number: usize) -> Exchanged {
        let Victim { requests, good, .. } = &*self.victim;
        let exchanged = line.exchange(&requests[number % requests.len()]);
        let answer = match tokio::time::timeout(PATIENCE, exchanged).await {
            Ok(answer) => answer.map_err(|error| error.to_string())?,
            Err(_) => return Err(LATE.to_owned()),
        };
        let is_good = answer.status == 200 && answer.body.starts_with(good.as_bytes());
        if !is_good {
            *self.seen.borrow_mut().refused.entry(answer.status).or_default() += 1;
        }
        Ok(())
    }

    fn note_broken(&self, why: String) {
        *self.seen.borrow_mut().broken.entry(why).or_default() += 1;
    }
}

impl Seen {
    /// Returns how many calls there were.
    pub(crate) fn count(&self) -> usize {
        self.latencies.len()
    }

    /// Returns how many answers had a status of 500 and above.
    pub(crate) fn server_errors(&self) -> usize {
        self.refused.iter().filter(|(status, _)| **status >= 500).map(|(_, times)| times).sum()
    }

    /// Returns how many other calls went wrong: other answers, a failed tool, no answer at all.
    pub(crate) fn other_errors(&self) -> usize {
        let all: usize = self.refused.values().chain(self.broken.values()).sum();
        all - self.server_errors()
    }

    /// Returns what went wrong, and how often.
    pub(crate) fn troubles(&self) -> String {
        let refused = self.refused.iter().map(|(status, times)| format!("{times} × {status}"));
        let broken = self.broken.iter().map(|(why, times)| format!("{times} × {why}"));
        let mut all: Vec<_> = refused.chain(broken).collect();
        if self.reopened > 0 {
            all.push(format!("{} connections made anew", self.reopened));
        }
        if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
    }

    /// Returns the median and the 99th percentile, in milliseconds.
    pub(crate) fn percentiles(&self) -> (f64, f64) {
        let latencies = Latencies::new(self.latencies.clone(), Duration::from_secs(1));
        let millis = |percent| latencies.percentile(percent).as_secs_f64() * 1e3;
        (millis(50), millis(99))
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

    /// Returns a server that closes each connection after two answers, of which one in ten is a
    /// 503.
    async fn closing() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answered = Rc::new(Cell::new(0));
        spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                spawn_local(answer_twice(stream, Rc::clone(&answered)));
            }
        });
        address
    }

    async fn answer_twice(mut stream: TcpStream, answered: Rc<Cell<usize>>) {
        let mut buffer = [0; 1024];
        for _ in 0..2 {
            if stream.read(&mut buffer).await.unwrap() == 0 {
                return;
            }
            answered.set(answered.get() + 1);
            let status = if answered.get().is_multiple_of(10) { 503 } else { 200 };
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\nok");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn refusals_are_counted_and_a_closed_connection_is_made_anew() {
        let run = async {
            let requests = vec![b"GET / HTTP/1.1\r\n\r\n".to_vec()];
            let victim = Rc::new(Victim { address: closing().await, requests, good: "ok" });
            victim.call(Pace { per_second: 200, time: Duration::from_secs(1) }).await.unwrap()
        };
        let seen = LocalSet::new().run_until(run).await;
        assert_eq!((seen.count(), seen.server_errors(), seen.other_errors()), (200, 20, 0));
        assert!(seen.reopened > 0, "{}", seen.troubles());
    }

    #[tokio::test]
    async fn where_nobody_listens_every_call_is_broken() {
        let run = async {
            let address = crate::free_address().unwrap();
            let victim = Rc::new(Victim { address, requests: vec![b"x".to_vec()], good: "" });
            victim.call(Pace { per_second: 100, time: Duration::from_millis(200) }).await.unwrap()
        };
        let seen = LocalSet::new().run_until(run).await;
        assert_eq!((seen.server_errors(), seen.other_errors()), (0, seen.count()));
    }
}
