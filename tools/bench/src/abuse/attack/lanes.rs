use std::{
    cell::RefCell,
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

use crate::{
    Result,
    http::{Connection, dial},
};

/// A request as it goes out.
pub(super) type Request = Rc<[u8]>;

/// The request of that number.
pub(super) type Requests = Rc<dyn Fn(usize) -> Request>;

/// Connections that do the same.
pub(super) struct Lane {
    /// What it is called in the report.
    pub(super) name: &'static str,
    pub(super) connections: usize,
    /// From how many addresses they come.
    pub(super) addresses: u8,
    pub(super) act: Act,
}

/// What each connection of a lane does, over and over.
#[derive(Clone)]
pub(super) enum Act {
    /// Sends a request and waits for its answer.
    Ask(Requests),
    /// Sends a request on a new connection each time, and waits for its answer.
    AskAnew(Requests),
    /// Sends all of a request but its last byte, and waits.
    Withhold(Request),
    /// Sends a request, waits so long and hangs up.
    HangUp(Requests, Duration),
    /// Opens a connection and says nothing.
    Idle,
    /// Sends a byte of a head each second.
    Drip,
}

/// What came of a lane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Connections that were opened.
    pub(crate) opened: usize,
    /// Answers, by the first digit of their status, and those with 429.
    pub(crate) answers: BTreeMap<String, usize>,
    /// What ended otherwise.
    pub(crate) broken: usize,
}

pub(super) type Book = Rc<RefCell<BTreeMap<String, Counts>>>;

/// One connection of a lane.
struct Attacker {
    lane: &'static str,
    from: Ipv4Addr,
    to: SocketAddr,
    book: Book,
}

/// The first address of loopback that attackers come from.
const FIRST: u8 = 64;
/// The pause of a connection that was refused, so that refusals cost the attacker something.
const REFUSED: Duration = Duration::from_millis(20);
const HEAD: &[u8] = b"GET /v1/tools HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ";

/// Starts every connection. They end when what is returned is dropped.
pub(super) fn start(to: SocketAddr, lanes: Vec<Lane>, book: &Book) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for Lane { name, connections, addresses, act } in lanes {
        for first in 0..connections {
            let last = u8::try_from(first % usize::from(addresses)).unwrap_or(0);
            let from = Ipv4Addr::new(127, 0, 0, FIRST + last);
            let attacker = Attacker { lane: name, from, to, book: Rc::clone(book) };
            let act = act.clone();
            tasks.spawn_local(async move { attacker.attack(&act, first, connections).await });
        }
    }
    tasks
}

impl Attacker {
    /// Goes on without end. Requests are numbered, those of each connection for itself.
    async fn attack(&self, act: &Act, first: usize, step: usize) {
        let mut number = first;
        loop {
            if self.act(act, &mut number, step).await.is_err() {
                self.note(|counts| counts.broken += 1);
            }
            tokio::time::sleep(REFUSED).await;
        }
    }

    /// Goes on until the connection ends.
    async fn act(&self, act: &Act, number: &mut usize, step: usize) -> Result<()> {
        match act {
            Act::Ask(requests) => {
                let mut line = Connection::open_from(self.from, self.to).await?;
                self.note(|counts| counts.opened += 1);
                loop {
                    *number += step;
                    let status = line.exchange(&requests(*number)).await?.status;
                    self.note(|counts| counts.answered(status));
                }
            }
            Act::AskAnew(requests) => {
                *number += step;
                let mut stream = self.open().await?;
                stream.write_all(&requests(*number)).await?;
                let status = status(&mut stream).await?;
                self.note(|counts| counts.answered(status));
                Ok(())
            }
            Act::Withhold(request) => {
                let mut stream = self.open().await?;
                stream.write_all(&request[..request.len() - 1]).await?;
                let status = status(&mut stream).await?;
                self.note(|counts| counts.answered(status));
                Ok(())
            }
            Act::HangUp(requests, after) => {
                *number += step;
                let mut stream = self.open().await?;
                stream.write_all(&requests(*number)).await?;
                tokio::time::sleep(*after).await;
                Ok(())
            }
            Act::Idle => {
                let mut stream = self.open().await?;
                stream.read_u8().await?;
                Ok(())
            }
            Act::Drip => {
                let mut stream = self.open().await?;
                for byte in HEAD.iter().chain(std::iter::repeat(&b'x')) {
                    stream.write_all(&[*byte]).await?;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Ok(())
            }
        }
    }

    /// Opens a connection that leaves no trace in the system when it is closed: else its addresses
    /// would soon have no port left.
    async fn open(&self) -> Result<TcpStream> {
        let stream = dial(self.from, self.to).await?;
        stream.set_zero_linger()?;
        self.note(|counts| counts.opened += 1);
        Ok(stream)
    }

    fn note(&self, how: impl FnOnce(&mut Counts)) {
        how(self.book.borrow_mut().entry(self.lane.to_owned()).or_default());
    }
}

impl Counts {
    fn answered(&mut self, status: u16) {
        let class = if status == 429 { "429".to_owned() } else { format!("{}xx", status / 100) };
        *self.answers.entry(class).or_default() += 1;
    }
}

/// Reads the status of an answer, and nothing else of it.
async fn status(stream: &mut TcpStream) -> Result<u16> {
    let mut start = [0; 12];
    stream.read_exact(&mut start).await?;
    Ok(std::str::from_utf8(&start[9..])?.parse()?)
}
