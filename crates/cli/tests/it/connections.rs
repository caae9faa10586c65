//! Connections from a shell: listed, counted, revoked, with the provider's receipts.

use std::path::Path;

use astralform_testkit::Browser;
use serde_json::{Value, json};

use crate::program::{Running, run, said};

const SERVE: [&str; 6] =
    ["serve", "--listen", "127.0.0.1:0", "--sandbox", "--sandbox-listen", "127.0.0.1:0"];

/// Who has an account at the simulated service: one person's tokens are ended together.
const PEOPLE: [&str; 2] = ["Ada Lovelace", "Grace Hopper"];

/// A server with connected accounts of these users, and who administers it.
struct World {
    folder: tempfile::TempDir,
    base: String,
    made: Value,
    _server: Running,
}

impl World {
    async fn with(end_users: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = run(folder.path(), &["bootstrap", "--email", "ada@example.com", "--json"]);
        assert!(made.status.success(), "{}", said(&made));
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        let server = Running::start(folder.path(), &SERVE, true);
        let started = server.json();
        let base = started["fields"]["public_url"].as_str().unwrap();
        let base = base.trim_end_matches('/').to_owned();
        let world = Self { folder, base, made, _server: server };
        let connectors = format!("/v1/projects/{}/connectors", world.text("project_id"));
        let sandboxed = json!({"connector": "slack", "environment": "test", "sandbox": true});
        world.post(&connectors, "admin_token", "", sandboxed).await;
        for (end_user, person) in end_users.iter().zip(PEOPLE) {
            let asked = world.call(end_user).await;
            let link = asked["auth_request"]["url"].as_str().unwrap();
            let browser = Browser::new();
            let page = browser.to_provider(link).await.choose(person);
            assert_eq!(browser.click(&page, "Allow").await.outcome(), "completed");
        }
        world
    }

    fn text(&self, name: &str) -> &str {
        self.made[name].as_str().unwrap()
    }

    async fn post(&self, path: &str, token: &str, end_user: &str, body: Value) -> Value {
        let request = reqwest::Client::new().post(format!("{}{path}", self.base));
        let request = request.bearer_auth(self.text(token)).header("x-end-user-id", end_user);
        request.json(&body).send().await.unwrap().json().await.unwrap()
    }

    async fn call(&self, end_user: &str) -> Value {
        self.post("/v1/tools/slack_list_channels/call", "test_api_key", end_user, json!({})).await
    }

    /// Runs `astralform connections …` to its end; says whether it went well, and what it said.
    fn connections(&self, arguments: &[&str]) -> (bool, String) {
        let access = ["--url", &self.base, "--token", self.text("admin_token")];
        let all = [&["connections"][..], arguments, &access].concat();
        let output = run(Path::new(self.folder.path()), &all);
        (output.status.success(), said(&output))
    }
}

#[tokio::test]
async fn b6_connections_are_counted_revoked_and_accounted_for_from_a_shell() {
    let world = World::with(&["alice", "bob"]).await;
    let (went, listed) = world.connections(&["list"]);
    assert!(went && listed.lines().count() == 3, "{listed}");
    let head: Vec<_> = listed.lines().next().unwrap().split("  ").map(str::trim).collect();
    assert!(head.starts_with(&["ID"]) && head.ends_with(&["LAST USED"]), "{listed}");
    let column = listed.find("CONNECTOR").unwrap();
    assert!(listed.lines().skip(1).all(|line| line[column..].starts_with("slack  ")), "{listed}");
    let alice = listed.lines().find(|line| line.contains("alice")).unwrap();
    let cells: Vec<_> = alice.split_whitespace().collect();
    assert_eq!(cells[1..5], ["test", "slack", "active", "alice"], "{listed}");

    let (went, counted) = world.connections(&["revoke", "--all", "--dry-run"]);
    assert!(
        went && counted.contains("test  slack  2 connections, 3 s at the provider"),
        "{counted}"
    );
    let (went, refused) = world.connections(&["revoke", "--all"]);
    assert!(!went && refused.contains("say --yes"), "{refused}");
    assert_eq!(world.call("alice").await["status"], "completed");

    let id = listed.lines().find(|line| line.contains("alice")).unwrap();
    let id = id.split_whitespace().next().unwrap();
    let (went, one) = world.connections(&["revoke", id]);
    assert!(went && one.contains("at the provider: provider_confirmed"), "{one}");
    let (went, again) = world.connections(&["revoke", id]);
    assert!(!went && again.contains("no such connection"), "{again}");
    assert_eq!(world.call("alice").await["status"], "auth_required");
    assert_eq!(world.call("bob").await["status"], "completed");

    let more = ["revoke", "--all", "--connector", "slack", "--yes", "--wait", "25"];
    let (went, all) = world.connections(&more);
    assert!(went && all.contains("1 connection revoked"), "{all}");
    assert!(all.contains("pending 0  provider_confirmed 2"), "{all}");
    assert_eq!(world.call("bob").await["status"], "auth_required");
    let (went, table) = world.connections(&["receipts", "--csv"]);
    assert!(went && table.lines().count() == 3, "{table}");
    assert_eq!(table.matches("provider_confirmed").count(), 2, "{table}");
}

#[tokio::test]
async fn a_shell_is_told_what_happened_to_a_connection() {
    let world = World::with(&["alice"]).await;
    let (_, listed) = world.connections(&["list", "--json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let id = listed["id"].as_str().unwrap();
    let (went, told) = world.connections(&["history", id]);
    let mut lines = told.lines();
    let head = lines.next().unwrap().split("  ").map(str::trim).filter(|cell| !cell.is_empty());
    let expected = ["FIRST", "LAST", "TIMES", "WHAT", "WHY", "AUTH REQUEST"];
    assert_eq!(head.collect::<Vec<_>>(), expected, "{told}");
    let rows: Vec<_> = lines.map(|line| line.split_whitespace().skip(2).collect()).collect();
    let [prompt, made]: [Vec<_>; 2] = rows.try_into().unwrap();
    assert_eq!(prompt[..4], ["1", "prompt", "completed", "not_connected"], "{told}");
    assert!(went && prompt[4].starts_with("areq_"), "{told}");
    assert_eq!(made, ["1", "active", "-", "-"], "{told}");

    assert!(world.connections(&["revoke", id]).0);
    let (went, told) = world.connections(&["history", id, "--environment", "test", "--json"]);
    let rows: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(went && rows.len() == 3, "{told}");
    let last = (&rows[0]["old_status"], &rows[0]["new_status"], &rows[0]["reason"]);
    assert_eq!(last, (&json!("active"), &json!("revoked"), &json!("admin_revoked")));
    let (went, refused) = world.connections(&["history", id, "--environment", "live"]);
    assert!(!went && refused.contains("there is no connection of that id"), "{refused}");
}

#[tokio::test]
async fn a_shell_is_told_what_is_wrong() {
    let world = World::with(&[]).await;
    for (arguments, expected) in [
        (&["list", "--since", "soon"][..], "is no time"),
        (&["list", "--project", "Another"], "no such project"),
        (&["list", "--status", "broken"], "the server refused (400)"),
        (&["history", "conn_01JAAAAAAAAAAAAAAAAAAAAAAA"], "no connection of that id"),
        (&["history", "conn_1"], "an id that starts with conn_"),
        (&["revoke"], "required"),
        (&["revoke", "conn_01JAAAAAAAAAAAAAAAAAAAAAAA"], "no such connection"),
    ] {
        let (went, said) = world.connections(arguments);
        assert!(!went && said.contains(expected), "{arguments:?}: {said}");
    }
    let token = ["connections", "list", "--url", "http://192.0.2.1:8787", "--token", "pat_x"];
    let refused = said(&run(world.folder.path(), &token));
    assert!(refused.contains("in plain text"), "{refused}");
}
