//! What is to be ended at a provider survives the server that was asked to end it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use astralform_testkit::{Browser, marked::MarkedProvider, marked::REFRESH_TOKEN};
use serde_json::{Value, json};

use crate::{
    canary::write_connector,
    program::{Running, run, said},
};

const SERVE: [&str; 7] = [
    "serve",
    "--listen",
    "127.0.0.1:0",
    "--catalog",
    "catalog",
    "--allow-private-networks",
    "127.0.0.0/8",
];

/// Longer than a provider that failed once is left alone.
const PATIENCE: Duration = Duration::from_mins(1);

fn start(folder: &Path) -> (Running, String) {
    let server = Running::start(folder, &SERVE, true);
    let line = server.json();
    let base = line["fields"]["public_url"].as_str().unwrap().trim_end_matches('/').to_owned();
    (server, base)
}

async fn post(base: &str, path: &str, token: &Value, body: Value) -> Value {
    let request = reqwest::Client::new().post(format!("{base}{path}"));
    let request = request.bearer_auth(token.as_str().unwrap()).header("x-end-user-id", "alice");
    request.json(&body).send().await.unwrap().json().await.unwrap()
}

fn connections(folder: &Path, base: &str, made: &Value, arguments: &[&str]) -> String {
    let access = ["--url", base, "--token", made["admin_token"].as_str().unwrap()];
    let output = run(folder, &[&["connections"][..], arguments, &access].concat());
    assert!(output.status.success(), "{}", said(&output));
    said(&output)
}

#[tokio::test]
async fn b6_a_token_waits_for_its_provider_in_the_outbox_of_a_server_that_was_killed() {
    let provider = MarkedProvider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_connector(folder, &provider);
    let made = run(folder, &["bootstrap", "--email", "ada@example.com", "--json"]);
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let (server, base) = start(folder);
    let credentials = json!({"client_id": "marked-app", "client_secret": "CANARY-secret"});
    let enable = json!({"connector": "marked", "environment": "test", "credentials": credentials});
    let path = format!("/v1/projects/{}/connectors", made["project_id"].as_str().unwrap());
    post(&base, &path, &made["admin_token"], enable).await;
    let call = "/v1/tools/marked_notes/call";
    let asked = post(&base, call, &made["test_api_key"], json!({})).await;
    let link = asked["auth_request"]["url"].as_str().unwrap();
    assert_eq!(Browser::new().to_provider(link).await.outcome(), "completed");

    provider.refuse_to_revoke(true);
    let revoke = ["revoke", "--all", "--yes", "--wait", "0"];
    let revoked = connections(folder, &base, &made, &revoke);
    assert!(revoked.contains("1 connection revoked"), "{revoked}");
    server.kill();

    let (_server, base) = start(folder);
    let asked = post(&base, call, &made["test_api_key"], json!({})).await;
    assert_eq!(asked["status"], "auth_required", "{asked}");
    let receipts = || connections(folder, &base, &made, &["receipts"]);
    assert!(receipts().contains("  pending  "), "{}", receipts());
    provider.refuse_to_revoke(false);
    let began = Instant::now();
    while !receipts().contains("  provider_confirmed  ") {
        assert!(began.elapsed() < PATIENCE, "{}", receipts());
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    assert_eq!(provider.shown("token"), [REFRESH_TOKEN]);
}
