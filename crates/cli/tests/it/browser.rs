//! A real browser, as the user's own: Chromium clicks through the demo.

use std::path::Path;

use astralform_testkit::{node, peers_folder};
use serde_json::Value;

use crate::demo::{call, start};

/// Clicks through a link and keeps pictures of each page in `screenshots/{name}`.
fn click_through(link: &str, name: &str, more: &[&str]) -> Value {
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../screenshots").join(name);
    let script = peers_folder().join("../browser/connect.mjs");
    let mut command = node();
    command.arg(script).args(["--url", link, "--screenshots"]).arg(&pictures).args(more);
    let output = command.output().expect("the script runs");
    assert!(output.status.success(), "{output:?}");
    assert!(pictures.join("3-result.png").exists());
    serde_json::from_slice(&output.stdout).expect("one line of JSON")
}

#[tokio::test]
async fn chromium_connects_without_complaint_and_without_leaving_the_machine() {
    let (_demo, facts) = start();
    let asked = call(&facts).await;
    let seen = click_through(asked["auth_request"]["url"].as_str().unwrap(), "connect", &[]);
    assert_eq!(seen["outcome"], "completed", "{seen}");
    assert_eq!(seen["console_errors"], serde_json::json!([]));
    assert_eq!(seen["external_requests"], serde_json::json!([]));
    assert_eq!(call(&facts).await["status"], "completed");
}

#[tokio::test]
async fn chromium_declines_without_javascript() {
    let (_demo, facts) = start();
    let asked = call(&facts).await;
    let link = asked["auth_request"]["url"].as_str().unwrap();
    let seen = click_through(link, "decline", &["--decision", "deny", "--no-javascript"]);
    assert_eq!(seen["outcome"], "declined", "{seen}");
    assert_eq!(call(&facts).await["status"], "auth_required");
}
