//! Requests as bytes, for those that no client sends.

use std::{net::SocketAddr, time::Duration};

use astralform_testkit::TestServer;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
};

/// What a test waits at most for something that should happen at once, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn address(server: &TestServer) -> SocketAddr {
    let host = server.base.host_str().unwrap();
    let port = server.base.port().unwrap();
    format!("{host}:{port}").parse().unwrap()
}

/// An open connection.
pub(crate) struct Line(tokio::net::TcpStream);

impl Line {
    pub(crate) async fn open(to: SocketAddr) -> Self {
        Self(TcpSocket::new_v4().unwrap().connect(to).await.unwrap())
    }

    pub(crate) async fn send(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).await.unwrap();
    }

    /// Returns the next answer, head and body; its length is said in its head.
    pub(crate) async fn answer(&mut self) -> String {
        let mut read = Vec::new();
        let whole = async {
            while !is_whole(&read) {
                if self.0.read_buf(&mut read).await.unwrap_or_default() == 0 {
                    break;
                }
            }
        };
        tokio::time::timeout(PATIENCE, whole).await.expect("an answer");
        String::from_utf8(read).unwrap()
    }

    /// Returns whether the other end closes.
    pub(crate) async fn closes(mut self) -> bool {
        let read = tokio::time::timeout(PATIENCE, self.0.read_u8()).await;
        read.expect("it closes").is_err()
    }
}

fn is_whole(read: &[u8]) -> bool {
    let text = String::from_utf8_lossy(read);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().unwrap())
    });
    length.is_some_and(|length| body.len() >= length)
}

/// Returns the answer to a request on a connection of its own.
pub(crate) async fn answer(to: SocketAddr, request: &str) -> String {
    let mut line = Line::open(to).await;
    line.send(request).await;
    line.answer().await
}
