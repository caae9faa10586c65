//! Processes that end with us.

use std::{
    net::SocketAddr,
    process::{self, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{Result, http::Connection};

/// A process that is ended when this is dropped.
pub(crate) struct Child {
    name: &'static str,
    process: process::Child,
    started: Instant,
}

const PATIENCE: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(1);

impl Child {
    pub(crate) fn start(name: &'static str, command: &mut Command) -> Result<Self> {
        let started = Instant::now();
        let process = command.stdin(Stdio::null()).spawn();
        let process = process.map_err(|error| format!("{name} cannot be started: {error}"))?;
        Ok(Self { name, process, started })
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until it accepts connections.
    pub(crate) async fn listens(&mut self, address: SocketAddr) -> Result<()> {
        self.until(|| async { Connection::open(address).await.is_ok() }).await.map(|_| ())
    }

    /// Waits until it says yes to a request; how long that was after its start.
    pub(crate) async fn answers(
        &mut self,
        address: SocketAddr,
        request: &[u8],
    ) -> Result<Duration> {
        self.until(|| async {
            let Ok(mut connection) = Connection::open(address).await else { return false };
            connection.exchange(request).await.is_ok_and(|answer| answer.status == 200)
        })
        .await
    }

    /// Waits until it has ended by itself, with success.
    pub(crate) async fn ends(&mut self, within: Duration) -> Result<()> {
        let since = Instant::now();
        loop {
            match self.process.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("{} has ended: {status}", self.name).into()),
                None if since.elapsed() > within => {
                    return Err(format!("{} does not end", self.name).into());
                }
                None => tokio::time::sleep(10 * STEP).await,
            }
        }
    }

    async fn until<F: Future<Output = bool>>(&mut self, ready: impl Fn() -> F) -> Result<Duration> {
        while !ready().await {
            if self.has_ended() {
                return Err(format!("{} has ended by itself", self.name).into());
            }
            if self.started.elapsed() > PATIENCE {
                return Err(format!("{} is not ready after {PATIENCE:?}", self.name).into());
            }
            tokio::time::sleep(STEP).await;
        }
        Ok(self.started.elapsed())
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.process.try_wait(), Ok(None))
    }
}

/// Asked first: a master that is killed leaves its workers behind.
impl Drop for Child {
    fn drop(&mut self) {
        const GRACE: Duration = Duration::from_secs(5);
        let asked = Instant::now();
        if !self.has_ended() {
            let id = self.process.id().to_string();
            let _ = Command::new("kill").args(["-TERM", &id]).stderr(Stdio::null()).status();
        }
        while !self.has_ended() && asked.elapsed() < GRACE {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
