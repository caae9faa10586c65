use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;
use tokio::net::TcpListener;

use crate::harness::Harness;

/// A service's official client for Node, unmodified, which reads a line and answers with one.
///
/// It is waited for on pipes, so the tests need a runtime that serves on a thread of its own.
pub(crate) struct Peer {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts one of the scripts in `tests/peers`, which is told where the service is.
    pub(crate) fn start(script: &str, address: &str) -> Self {
        let mut command = node();
        command.arg(folder().join(script)).arg(address);
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.expect("the official client starts");
        let stdin = child.stdin.take().expect("a piped stdin");
        let stdout = BufReader::new(child.stdout.take().expect("a piped stdout"));
        Self { child, stdin, stdout }
    }

    /// Returns what it answers to a line.
    #[track_caller]
    pub(crate) fn ask(&mut self, line: &Value) -> Value {
        writeln!(self.stdin, "{line}").expect("the official client listens");
        let mut reply = String::new();
        self.stdout.read_line(&mut reply).expect("a line");
        serde_json::from_str(&reply).unwrap_or_else(|_| panic!("no reply to {line}"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the folder of the peers.
pub(crate) fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers");
    folder.canonicalize().expect("the peers")
}

/// Runs their Node.
pub(crate) fn node() -> Command {
    let node = folder().join("node_modules/node/bin/node");
    assert!(
        node.exists(),
        "the peers are not installed: run `scripts/check` once, or `npm ci` in tests/peers"
    );
    Command::new(node)
}

/// Returns a simulator that is served, and its address.
pub(crate) async fn served() -> (Harness, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let harness = Harness::at(&url);
    tokio::spawn(axum::serve(listener, harness.simulator.router()).into_future());
    (harness, url)
}
