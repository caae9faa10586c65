//! From nothing to a tool call: `bootstrap`, `serve --sandbox`, and the management API.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

use astralform_testkit::{Browser, free_address};
use serde_json::{Value, json};

use crate::program::{Running, run, said};

const SERVE: [&str; 6] =
    ["serve", "--listen", "127.0.0.1:0", "--sandbox", "--sandbox-listen", "127.0.0.1:0"];

pub(crate) fn bootstrap(folder: &Path) -> Value {
    let output = run(folder, &["bootstrap", "--email", "Ada@Example.com", "--json"]);
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Returns where a server that runs is reached, from the line in which it says so.
pub(crate) fn address(server: &Running) -> String {
    server.json()["fields"]["public_url"].as_str().unwrap().trim_end_matches('/').to_owned()
}

pub(crate) async fn post(url: String, token: &Value, body: Value) -> (u16, Value) {
    let request = reqwest::Client::new().post(url).bearer_auth(token.as_str().unwrap());
    let answer = request.header("x-end-user-id", "alice").json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn call(base: &str, made: &Value) -> Value {
    let url = format!("{base}/v1/tools/slack_list_channels/call");
    post(url, &made["test_api_key"], json!({})).await.1
}

/// Returns every file and folder below a folder that others may read or write.
fn shown_to_others(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut shown = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            shown.extend(shown_to_others(&path));
        }
        if metadata.permissions().mode() & 0o077 != 0 {
            shown.push(path);
        }
    }
    shown
}

#[tokio::test]
async fn f21_whatever_a_server_writes_is_its_users_alone() {
    let folder = tempfile::tempdir().unwrap();
    bootstrap(folder.path());
    let database = folder.path().join("data/astralform.db");
    let of_an_earlier_version = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(&database, of_an_earlier_version).unwrap();
    let server = Running::start(folder.path(), &SERVE, true);
    address(&server);
    assert!(database.exists());
    assert_eq!(shown_to_others(folder.path()), Vec::<std::path::PathBuf>::new());
    assert!(server.terminate().success());
}

#[tokio::test]
async fn two_commands_and_one_request_lead_to_a_tool_call_without_an_app_of_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let made = bootstrap(folder.path());
    let server = Running::start(folder.path(), &SERVE, true);
    let base = address(&server);
    let project = made["project_id"].as_str().unwrap();
    let connectors = format!("{base}/v1/projects/{project}/connectors");
    let wanted = json!({"connector": "slack", "environment": "test", "sandbox": true});
    let (status, enabled) = post(connectors, &made["admin_token"], wanted).await;
    assert_eq!((status, &enabled["status"]), (201, &json!("ready")), "{enabled}");

    let asked = call(&base, &made).await;
    let link = asked["auth_request"]["url"].as_str().unwrap();
    assert_eq!(Browser::new().connect(link, "Allow").await.outcome(), "completed");
    assert_eq!(call(&base, &made).await["status"], "completed");
    assert!(server.terminate().success());
}

#[tokio::test]
async fn what_was_sandboxed_is_asked_for_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let made = bootstrap(folder.path());
    let project = made["project_id"].as_str().unwrap();
    let wanted = json!({"connector": "slack", "environment": "test", "sandbox": true});
    // The simulator is at the same address each time, since secrets are bound to it.
    let port = free_address().to_string();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--sandbox", "--sandbox-listen", &port];
    for round in 0..2 {
        let server = Running::start(folder.path(), &serve, true);
        let base = address(&server);
        if round == 0 {
            let connectors = format!("{base}/v1/projects/{project}/connectors");
            post(connectors, &made["admin_token"], wanted.clone()).await;
        }
        let asked = call(&base, &made).await;
        let expected = ["not_connected", "needs_reauth"][round];
        assert_eq!(asked["auth_request"]["reason"], expected, "{asked}");
        let link = asked["auth_request"]["url"].as_str().unwrap();
        assert_eq!(Browser::new().connect(link, "Allow").await.outcome(), "completed");
        assert_eq!(call(&base, &made).await["status"], "completed");
    }
}

#[tokio::test]
async fn a_sandboxed_key_goes_on_paying_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let made = bootstrap(folder.path());
    let project = made["project_id"].as_str().unwrap();
    let port = free_address().to_string();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--sandbox", "--sandbox-listen", &port];
    for round in 0..2 {
        let server = Running::start(folder.path(), &serve, true);
        let base = address(&server);
        if round == 0 {
            let connectors = format!("{base}/v1/projects/{project}/connectors");
            let wanted = json!({"connector": "tavily", "environment": "test", "sandbox": true});
            post(connectors, &made["admin_token"], wanted).await;
        }
        let tool = format!("{base}/v1/tools/tavily_usage/call");
        let (status, answered) = post(tool, &made["test_api_key"], json!({})).await;
        assert_eq!((status, &answered["status"]), (200, &json!("completed")), "{answered}");
    }
}

#[test]
fn bootstrap_prints_everything_once() {
    let folder = tempfile::tempdir().unwrap();
    let made = bootstrap(folder.path());
    for (name, prefix) in [
        ("member_id", "member_"),
        ("team_id", "team_"),
        ("project_id", "proj_"),
        ("agent", "default"),
        ("test_api_key", "sk_test_"),
        ("live_api_key", "sk_live_"),
        ("admin_token", "pat_"),
    ] {
        assert!(made[name].as_str().unwrap().starts_with(prefix), "{name} in {made}");
    }
    let again = run(folder.path(), &["bootstrap", "--email", "eve@example.com"]);
    assert!(!again.status.success());
    assert!(said(&again).contains("set up already: ada@example.com"), "{}", said(&again));
}

/// A `curl` command of instructions: its address, its headers and its body.
struct Curl {
    url: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

/// Returns the `curl` commands of instructions, as a shell reads them.
fn curls(instructions: &str) -> Vec<Curl> {
    let joined = instructions.replace("\\\n", " ");
    let lines = joined.lines().filter_map(|line| line.trim().strip_prefix("curl -s "));
    lines.map(|line| curl(&words(line))).collect()
}

fn words(line: &str) -> Vec<String> {
    let parts = line.split('\'').enumerate();
    let words = parts.flat_map(|(at, part)| match at % 2 {
        1 => vec![part.to_owned()],
        _ => part.split_whitespace().map(ToOwned::to_owned).collect(),
    });
    words.collect()
}

fn curl(words: &[String]) -> Curl {
    let mut read = Curl { url: String::new(), headers: Vec::new(), body: None };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-H" => {
                let (name, value) = words.next().unwrap().split_once(": ").unwrap();
                read.headers.push((name.to_owned(), value.to_owned()));
            }
            "-d" => read.body = words.next().cloned(),
            url => url.clone_into(&mut read.url),
        }
    }
    read
}

impl Curl {
    async fn run(self) -> Value {
        let client = reqwest::Client::new();
        let request = match self.body {
            Some(body) => client.post(self.url).body(body),
            None => client.get(self.url),
        };
        let headers = self.headers.iter();
        let request = headers.fold(request, |request, (name, value)| request.header(name, value));
        request.send().await.unwrap().json().await.unwrap()
    }
}

#[tokio::test]
async fn the_commands_that_bootstrap_prints_work_as_they_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    let listen = free_address().to_string();
    let name = "Acme Assistant";
    let set_up =
        ["bootstrap", "--email", "ada@example.com", "--project", name, "--listen", &listen];
    let printed = said(&run(folder.path(), &set_up));
    assert!(printed.contains("Acme Assistant") && printed.contains("astralform serve --sandbox"));
    let serve = ["serve", "--sandbox", "--sandbox-listen", "127.0.0.1:0", "--listen", &listen];
    let server = Running::start(folder.path(), &serve, true);
    let [enable, call] = curls(&printed).try_into().ok().expect("two commands");
    let enabled = enable.run().await;
    assert_eq!(enabled["status"], "ready", "{enabled}");
    let asked = call.run().await;
    let link = asked["auth_request"]["url"].as_str().unwrap();
    let page = reqwest::get(link).await.unwrap().text().await.unwrap();
    assert!(page.contains(name), "{page}");
    assert_eq!(Browser::new().connect(link, "Allow").await.outcome(), "completed");
    let call = curls(&printed).pop().unwrap();
    assert_eq!(call.run().await["status"], "completed");
    assert!(server.terminate().success());
}

#[tokio::test]
async fn the_commands_that_the_demo_prints_work_as_they_are_printed() {
    let mut command = crate::program::astralform(&std::env::temp_dir(), &["demo", "--port", "0"]);
    let mut demo = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufReader::new(demo.stdout.take().unwrap());
    let mut printed = String::new();
    while !printed.contains("always has a fresh one") {
        assert_ne!(std::io::BufRead::read_line(&mut lines, &mut printed).unwrap(), 0);
    }
    let [call, keyed, manage] = curls(&printed).try_into().ok().expect("three commands");
    assert_eq!(call.run().await["status"], "auth_required");
    assert_eq!(keyed.run().await["status"], "completed");
    let listed = manage.run().await;
    assert!(listed["data"].as_array().is_some_and(|all| all.len() > 3), "{listed}");
    demo.kill().unwrap();
    demo.wait().unwrap();
}

#[test]
fn bootstrap_refuses_a_name_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["", " ", "a\nb", &"x".repeat(101)] {
        let set_up = ["bootstrap", "--email", "ada@example.com", "--project", name];
        let refused = run(folder.path(), &set_up);
        assert!(said(&refused).contains("1 to 100 characters"), "{}", said(&refused));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn bootstrap_refuses_what_is_no_address_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let refused = run(folder.path(), &["bootstrap", "--email", "ada"]);
    assert!(said(&refused).contains("an email address was expected"), "{}", said(&refused));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn migrate_makes_a_database_that_a_server_takes() {
    let folder = tempfile::tempdir().unwrap();
    let migrated = run(folder.path(), &["migrate"]);
    assert!(said(&migrated).contains("schema version 1"), "{}", said(&migrated));
    assert!(Running::start(folder.path(), &SERVE, true).terminate().success());
}

#[test]
fn the_simulated_services_are_for_this_machine_alone() {
    let folder = tempfile::tempdir().unwrap();
    let open = ["serve", "--sandbox", "--sandbox-listen", "0.0.0.0:0"];
    let refused = run(folder.path(), &open);
    assert!(said(&refused).contains("must be a loopback address"), "{}", said(&refused));
}
