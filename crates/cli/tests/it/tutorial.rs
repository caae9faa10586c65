//! The tutorial, as its readers go through it: what it has them do works, and prints what it shows.

mod page;

use std::{
    path::Path,
    process::{Command, Output, Stdio},
    sync::Arc,
};

use astralform_domain::{Clock, Entropy};
use astralform_http::{Limits, serve};
use astralform_simulator::{Simulator, SimulatorOptions};
use page::{Block, blocks};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    installation::told,
    program::Running,
    setup::{address, bootstrap},
};

/// Where the page has its server.
const SERVER_OF_THE_PAGE: &str = "http://127.0.0.1:8787";

/// What is printed in front of each block.
const BEGINS: &str = "== block";

/// A stand-in of Slack that is not the server's own, with an app.
struct Slack {
    endpoints: Value,
    client_id: String,
    client_secret: String,
}

impl Slack {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let clock = Clock::system();
        let entropy = Entropy::system();
        let simulator = Simulator::new(SimulatorOptions {
            clock: Arc::new(move || clock.now().as_micros()),
            random: Arc::new(move |bytes| entropy.fill(bytes)),
            public_url: base.clone(),
        });
        let redirect_uri = "https://example.com/callback";
        let app = simulator.slack().register_fresh_app("Live", redirect_uri).unwrap();
        let never = std::future::pending();
        tokio::spawn(serve(listener, simulator.router(), Limits::for_tests(), never));
        let endpoints = json!({
            "authorize_url": format!("{base}/slack/oauth/v2/authorize"),
            "token_url": format!("{base}/slack/api/oauth.v2.access"),
            "api_base_url": format!("{base}/slack/api"),
        });
        Self { endpoints, client_id: app.client_id, client_secret: app.client_secret }
    }
}

/// Returns the commands of all blocks, for one shell.
fn script(blocks: &[Block]) -> String {
    let begin = "set -euo pipefail\ntrap 'touch stop; wait' EXIT\n".to_owned();
    blocks.iter().fold(begin, |script, Block { line, commands, .. }| {
        format!("{script}echo '{BEGINS} {line}'\n{commands}")
    })
}

/// Runs commands as a reader who has set the variables that the page names.
fn run(folder: &Path, script: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new("timeout");
    command.args(["120", "bash", "-c", script]).current_dir(folder).env_clear();
    command.env("PATH", told("PATH").unwrap()).env("TMPDIR", folder);
    command.envs(variables.iter().copied()).stdin(Stdio::null()).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tutorial_works_as_it_is_written() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tutorial.md");
    let blocks = blocks(&std::fs::read_to_string(page).unwrap());
    let slack = Slack::start().await;
    let folder = tempfile::tempdir().unwrap();
    let made = bootstrap(folder.path());
    let serve =
        ["serve", "--listen", "127.0.0.1:0", "--sandbox", "--sandbox-listen", "127.0.0.1:0"];
    let loopback = ["--allow-private-networks", "127.0.0.0/8"];
    let server = Running::start(folder.path(), &[&serve[..], &loopback].concat(), true);
    let base = address(&server);
    let output = run(
        folder.path(),
        &script(&blocks),
        &[
            ("ASTRALFORM_URL", &base),
            ("ASTRALFORM_TOKEN", made["admin_token"].as_str().unwrap()),
            ("LIVE_CLIENT_ID", &slack.client_id),
            ("LIVE_CLIENT_SECRET", &slack.client_secret),
            ("SLACK_ENDPOINTS", &slack.endpoints.to_string()),
        ],
    );
    let printed = String::from_utf8_lossy(&output.stdout).replace(&base, SERVER_OF_THE_PAGE);
    let complaint = String::from_utf8_lossy(&output.stderr);
    for (block, printed) in blocks.iter().zip(printed.split(BEGINS).skip(1)) {
        let (_, printed) = printed.split_once('\n').unwrap();
        let Block { line, shown, .. } = block;
        assert!(
            block.shows(printed),
            "line {line} shows\n{shown}\nand it is\n{printed}\n{complaint}"
        );
    }
    assert!(output.status.success() && complaint.is_empty(), "{complaint}");
    assert_eq!(printed.matches(BEGINS).count(), blocks.len());
    assert!(server.terminate().success());
}
