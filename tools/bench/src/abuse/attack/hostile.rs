//! A provider that answers each request in another bad way.

use std::{cell::Cell, collections::BTreeMap, net::SocketAddr, rc::Rc, time::Duration};

use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, spawn_local},
};

use super::lanes::Book;
use crate::{Result, http};

/// The provider while it answers.
pub(super) struct Provider(JoinHandle<()>);

/// A bad way to answer.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// `100 Continue` without end.
    Continues,
    /// `103 Early Hints` with large headers, without end.
    Hints,
    /// HTTP 429, wait two seconds.
    TooMany,
    /// A body of a gigabyte.
    Huge,
    /// A body at a byte a second.
    Slow,
    /// A head without end.
    Head,
    /// Nothing.
    Hangs,
}

const WAYS: [Way; 7] =
    [Way::Continues, Way::Hints, Way::TooMany, Way::Huge, Way::Slow, Way::Head, Way::Hangs];
/// How long the longest answer goes on.
const LONGEST: Duration = Duration::from_mins(2);

impl Provider {
    pub(super) async fn start(address: SocketAddr, book: &Book) -> Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let number = Rc::new(Cell::new(0));
        let book = Rc::clone(book);
        Ok(Self(spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = Rc::clone(&number);
                let book = Rc::clone(&book);
                // A connection that breaks off concerns nobody else.
                spawn_local(async move { answer_all(stream, &number, &book).await.ok() });
            }
        })))
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn answer_all(mut stream: TcpStream, number: &Cell<usize>, book: &Book) -> Result<()> {
    let mut buffer = Vec::with_capacity(4096);
    while http::read(&mut stream, &mut buffer).await?.is_some() {
        // Refreshes are left without an answer.
        let is_refresh = buffer.windows(14).any(|window| window == b"refresh_token=");
        let way = if is_refresh { Way::Hangs } else { WAYS[number.get() % WAYS.len()] };
        number.set(number.get() + 1);
        let name = if is_refresh { "asked to refresh" } else { way.name() };
        {
            let mut book: std::cell::RefMut<'_, BTreeMap<_, _>> = book.borrow_mut();
            book.entry(format!("provider: {name}")).or_default().opened += 1;
        }
        let answered = tokio::time::timeout(LONGEST, way.answer(&mut stream)).await;
        answered.map_err(|_| "long enough")??;
    }
    Ok(())
}

impl Way {
    const fn name(self) -> &'static str {
        match self {
            Self::Continues => "endless 100",
            Self::Hints => "endless 103 with headers of 8 KB",
            Self::TooMany => "429",
            Self::Huge => "a body of 1 GB",
            Self::Slow => "a body at a byte a second",
            Self::Head => "an endless head",
            Self::Hangs => "nothing",
        }
    }

    async fn answer(self, stream: &mut TcpStream) -> Result<()> {
        const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
        match self {
            Self::Continues => forever(stream, b"HTTP/1.1 100 Continue\r\n\r\n", 1_000).await,
            Self::Hints => {
                let header = format!("X-Hint: {}\r\n", "h".repeat(8_000));
                let hint = format!("HTTP/1.1 103 Early Hints\r\n{header}\r\n");
                forever(stream, hint.as_bytes(), 8).await
            }
            Self::TooMany => {
                let answer = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 2\r\n\
                               Content-Length: 0\r\n\r\n";
                Ok(stream.write_all(answer).await?)
            }
            Self::Huge => {
                stream.write_all(OK).await?;
                stream.write_all(b"Content-Length: 1000000000\r\n\r\n").await?;
                forever(stream, b"x", 65_536).await
            }
            Self::Slow => {
                stream.write_all(OK).await?;
                stream.write_all(b"Content-Length: 1000000\r\n\r\n").await?;
                loop {
                    stream.write_all(b" ").await?;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            Self::Head => {
                stream.write_all(OK).await?;
                forever(stream, b"X-More: and more\r\n", 1_000).await
            }
            Self::Hangs => std::future::pending().await,
        }
    }
}

/// Sends the same again and again, so many times at once.
async fn forever(stream: &mut TcpStream, what: &[u8], at_once: usize) -> Result<()> {
    let chunk = what.repeat(at_once);
    loop {
        stream.write_all(&chunk).await?;
        // Others have their turn as well.
        tokio::task::yield_now().await;
    }
}
