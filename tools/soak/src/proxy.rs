use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinHandle,
};

use crate::Result;

/// A TCP proxy that forgets lines, as a firewall does, or holds answers back. Dropping it ends it.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    /// Counts how often all lines were forgotten. A line belongs to the count it was opened in.
    era: AtomicU64,
    /// How long an answer is held back, in milliseconds.
    delay: AtomicU64,
}

/// One direction of a line.
struct Way {
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    era: u64,
    /// Whether answers go this way, which are held back when the proxy is told to.
    is_back: bool,
}

/// Bytes that come so soon after others belong to the same answer.
const SAME_ANSWER: Duration = Duration::from_millis(50);

impl Proxy {
    pub(crate) async fn start(to: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = Arc::<State>::default();
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                // A line that breaks off concerns no other.
                tokio::spawn(async move { state.join(near, to).await });
            }
        });
        Ok(Self { address, state, task })
    }

    /// Forgets every line that is open: nothing is forwarded on it any more, in either direction,
    /// and neither end is told. New lines work.
    pub(crate) fn forget_lines(&self) {
        self.state.era.fetch_add(1, Ordering::SeqCst);
    }

    /// Holds each answer back for so long, from now on.
    pub(crate) fn delay(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.state.delay.store(millis, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    #[expect(clippy::disallowed_methods, reason = "it stands between the product and its database")]
    async fn join(self: Arc<Self>, near: TcpStream, to: SocketAddr) -> Result<()> {
        let era = self.era.load(Ordering::SeqCst);
        let far = TcpStream::connect(to).await?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        let ((near_reads, near_writes), (far_reads, far_writes)) =
            (near.into_split(), far.into_split());
        let out = Way { from: near_reads, to: far_writes, era, is_back: false };
        let back = Way { from: far_reads, to: near_writes, era, is_back: true };
        // Where one direction ends, so does the line.
        tokio::select! {
            ended = self.forward(out) => ended,
            ended = self.forward(back) => ended,
        }
    }

    async fn forward(&self, mut way: Way) -> Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        let mut last = Instant::now();
        loop {
            let read = way.from.read(&mut buffer).await?;
            self.wait_if_forgotten(&way).await;
            if read == 0 {
                return Ok(());
            }
            let delay = Duration::from_millis(self.delay.load(Ordering::SeqCst));
            if way.is_back && last.elapsed() > SAME_ANSWER {
                tokio::time::sleep(delay).await;
                self.wait_if_forgotten(&way).await;
            }
            way.to.write_all(&buffer[..read]).await?;
            last = Instant::now();
        }
    }

    /// Never returns where the line was forgotten.
    async fn wait_if_forgotten(&self, way: &Way) {
        if way.era < self.era.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a server that says back what it hears.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut reads, mut writes) = stream.into_split();
                    tokio::io::copy(&mut reads, &mut writes).await
                });
            }
        });
        address
    }

    #[expect(clippy::disallowed_methods, reason = "a test calls its own server")]
    async fn line(proxy: &Proxy) -> TcpStream {
        TcpStream::connect(proxy.address).await.unwrap()
    }

    async fn says_back(line: &mut TcpStream, within: Duration) -> bool {
        line.write_all(b"hello").await.unwrap();
        let mut heard = [0; 5];
        let heard = tokio::time::timeout(within, line.read_exact(&mut heard)).await;
        heard.is_ok_and(|read| read.is_ok())
    }

    #[tokio::test]
    async fn forgotten_lines_carry_nothing_and_new_ones_work() {
        const PATIENCE: Duration = Duration::from_secs(20);
        let proxy = Proxy::start(echo().await).await.unwrap();
        let mut old = line(&proxy).await;
        assert!(says_back(&mut old, PATIENCE).await);
        proxy.forget_lines();
        assert!(!says_back(&mut old, Duration::from_millis(200)).await);
        assert!(says_back(&mut line(&proxy).await, PATIENCE).await);
    }

    #[tokio::test]
    async fn answers_are_held_back_as_long_as_it_is_told_to() {
        const DELAY: Duration = Duration::from_millis(300);
        let proxy = Proxy::start(echo().await).await.unwrap();
        let mut line = line(&proxy).await;
        tokio::time::sleep(2 * SAME_ANSWER).await;
        proxy.delay(DELAY);
        let began = Instant::now();
        assert!(says_back(&mut line, Duration::from_secs(20)).await);
        assert!(began.elapsed() >= DELAY);
    }
}
