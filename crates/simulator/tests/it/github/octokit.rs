use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::setting::{APP, Setting};
use crate::harness::{Harness, SECRET};

/// GitHub's official client for Node, unmodified, and the served simulator it takes for GitHub.
///
/// It is waited for on pipes, so the tests need a runtime that serves on a thread of its own.
pub(super) struct Octokit {
    pub(super) setting: Setting,
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Octokit {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let setting = Setting::of(Harness::at(&url), |_| {});
        let router = setting.harness.simulator.router();
        tokio::spawn(axum::serve(listener, router).into_future());
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers");
        let node = peers.join("node_modules/node/bin/node");
        assert!(node.exists(), "the peers are not installed: run `npm ci` in tests/peers");
        let mut command = Command::new(node);
        command.arg(peers.join("github-rest.mjs")).arg(format!("{url}/github"));
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.expect("the official client starts");
        let stdin = child.stdin.take().expect("a piped stdin");
        let stdout = BufReader::new(child.stdout.take().expect("a piped stdout"));
        Self { setting, child, stdin, stdout }
    }

    /// Calls the client's own method of that name.
    pub(super) fn call(&mut self, token: &str, method: &str, arguments: &Value) -> Value {
        self.ask(&json!({ "call": method, "auth": token, "arguments": arguments }))
    }

    /// Lets the client page through a method.
    pub(super) fn pages(&mut self, token: &str, method: &str, arguments: &Value) -> Value {
        self.ask(&json!({ "pages": method, "auth": token, "arguments": arguments }))
    }

    /// Sends a request of the client as the app, with its secret.
    pub(super) fn as_app(&mut self, route: &str, token: &str) -> Value {
        let arguments = json!({ "client_id": APP, "access_token": token });
        self.ask(&json!({ "request": route, "basic": [APP, SECRET], "arguments": arguments }))
    }

    fn ask(&mut self, line: &Value) -> Value {
        writeln!(self.stdin, "{line}").expect("the official client listens");
        let mut reply = String::new();
        self.stdout.read_line(&mut reply).expect("a line");
        serde_json::from_str(&reply).unwrap_or_else(|_| panic!("no reply to {line}"))
    }
}

impl Drop for Octokit {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
