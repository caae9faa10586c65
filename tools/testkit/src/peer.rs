use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

/// A program that nobody here wrote, running beside the test. Dropping it ends it.
pub struct Peer {
    child: Child,
    /// What it said of itself when it was ready.
    pub ready: Value,
}

/// Returns the folder of the pinned peers.
pub fn peers_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers")
}

/// Returns the pinned Node.
pub fn node() -> Command {
    let binary = peers_folder().join("node_modules/node/bin/node");
    assert!(
        binary.exists(),
        "the peers are not installed: run `scripts/check` once, or `npm ci` in tests/peers"
    );
    Command::new(binary)
}

impl Peer {
    /// Starts a script of the peers folder and waits for the one JSON line it says when ready.
    pub fn start(script: &str, settings: &[(&str, &str)]) -> Self {
        let mut command = node();
        command.arg(peers_folder().join(script)).envs(settings.iter().copied());
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.expect("the peer starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a piped stdout");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let ready = serde_json::from_str(&line);
        Self { child, ready: ready.unwrap_or_else(|_| panic!("{script} said {line:?}")) }
    }

    /// Returns one of the addresses it said.
    pub fn address(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.ready))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
