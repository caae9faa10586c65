//! What a developer's backend is told of its users' connections, and how.

mod delivery;
mod events;
mod settings;

use std::{io::Write as _, process::Stdio};

use astralform_domain::Timestamp;
use astralform_testkit::{Received, Receiver, Reply, TestServer, node, peers_folder};
use serde_json::{Value, json};

const TOOL: &str = "slack_list_channels";

/// A webhook of the environment under test, with its secret.
struct Hook {
    path: String,
    secret: String,
}

impl Hook {
    async fn create(server: &TestServer, receiver: &Receiver) -> Self {
        let made = create(server, &receiver.url).await;
        assert_eq!(made.status, 201, "{made:?}");
        let id = made.body["webhook"]["id"].as_str().unwrap();
        let secret = made.body["secret"].as_str().unwrap().to_owned();
        Self { path: server.project(&format!("/webhooks/{id}")), secret }
    }

    fn at(&self, rest: &str) -> String {
        format!("{}{rest}?environment=test", self.path)
    }

    async fn shown(&self, server: &TestServer) -> Value {
        server.admin().get(&self.at("")).await.body
    }

    /// Returns the latest first.
    async fn deliveries(&self, server: &TestServer) -> Vec<Value> {
        let listed = server.admin().get(&self.at("/deliveries")).await;
        listed.body["data"].as_array().unwrap().clone()
    }
}

async fn create(server: &TestServer, url: &str) -> Reply {
    let path = server.project("/webhooks?environment=test");
    server.admin().post(&path, json!({"url": url})).await
}

/// Returns what the reference implementation says of a webhook.
fn verified(server: &TestServer, secret: &str, arrived: &Received) -> Result<Value, String> {
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers = names.map(|name| (name.to_owned(), json!(arrived.header(name))));
    let headers = serde_json::Map::from_iter(headers);
    let now = seconds(server.clock.now());
    let given = json!({"secret": secret, "now": now, "headers": headers, "body": arrived.text});
    let mut command = node();
    command.arg(peers_folder().join("standardwebhooks.mjs"));
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = spawned.unwrap();
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let said = child.wait_with_output().unwrap().stdout;
    let said: Value = serde_json::from_slice(&said).unwrap();
    match said["refused"].as_str() {
        Some(why) => Err(why.to_owned()),
        None => Ok(said["verified"].clone()),
    }
}

fn seconds(time: Timestamp) -> i64 {
    time.as_micros() / 1_000_000
}

/// Ends Alice's token at the provider, and a call finds out.
async fn token_dies(server: &TestServer) {
    server.slack().revoke_all();
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    assert_eq!(asked.outcome(), "auth_required");
}
