//! What happened to a connection, as those who administer are told of it.

use std::time::Duration;

use astralform_domain::AuthRequest;
use astralform_simulator::hostile::Trouble;
use astralform_testkit::{HostileProvider, TestServer};
use serde_json::{Value, json};

use crate::refreshing::{LIFE, account, connected, read, reads, strict};

/// Returns where the history of alice's one connection is, with what follows its address.
async fn history(server: &TestServer, more: &str) -> String {
    let listed = server.agent("alice").get("/v1/connections").await.body;
    let id = listed["data"][0]["id"].as_str().unwrap();
    server.project(&format!("/connections/{id}/history?environment=test{more}"))
}

async fn rows(server: &TestServer) -> Vec<Value> {
    let listed = server.admin().get(&history(server, "").await).await;
    assert_eq!(listed.status, 200, "{listed:?}");
    assert_eq!(listed.body["next_cursor"], Value::Null);
    listed.body["data"].as_array().unwrap().clone()
}

/// Returns the rows in short, the latest first.
pub(crate) async fn told(server: &TestServer) -> Vec<String> {
    let word = |row: &Value, at: &str| row.pointer(at).and_then(Value::as_str).map(str::to_owned);
    let mut told = Vec::new();
    for row in rows(server).await {
        let details = ["/old_status", "/new_status", "/reason", "/refresh_failure"];
        let prompt = ["/prompt/reason", "/prompt/status", "/prompt/failure"];
        let details = details.iter().chain(&prompt).filter_map(|at| word(&row, at));
        let details: Vec<_> = details.collect();
        told.push(format!(
            "{} {} {}",
            row["type"].as_str().unwrap(),
            details.join(" "),
            row["times"]
        ));
    }
    told
}

const BEGIN: [&str; 2] = ["prompted not_connected completed 1", "status_changed active 1"];

#[tokio::test]
async fn refreshes_are_one_row_until_one_fails() {
    let (provider, server) = connected(strict()).await;
    assert_eq!(told(&server).await, BEGIN);
    for trouble in [None, None, Some(Trouble::TooMany), None] {
        server.clock.advance(LIFE);
        if let Some(trouble) = trouble {
            provider.hostile.trouble(trouble);
        }
        assert_eq!(reads(&server).await, "completed", "{trouble:?}");
    }
    let expected =
        ["refreshed  2", "not_refreshed unavailable 1", "refreshed  2", BEGIN[0], BEGIN[1]];
    assert_eq!(told(&server).await, expected);
    let rows = rows(&server).await;
    let span = |row: &Value| (row["at"].clone(), row["last_at"].clone());
    let (first, last) = span(&rows[2]);
    assert!(first.as_str() < last.as_str() && last.as_str() < rows[0]["at"].as_str(), "{rows:?}");

    let first = server.admin().get(&history(&server, "&limit=2").await).await.body;
    assert_eq!(first["data"], json!(rows[..2]));
    let next = format!("&limit=3&cursor={}", first["next_cursor"].as_str().unwrap());
    let next = server.admin().get(&history(&server, &next).await).await.body;
    assert_eq!((&next["data"], &next["next_cursor"]), (&json!(rows[2..]), &Value::Null));
}

#[tokio::test]
async fn an_answer_that_never_came_and_a_refusal_stand_before_what_they_led_to() {
    let (provider, server) = connected(strict()).await;
    server.clock.advance(LIFE);
    provider.hostile.trouble(Trouble::DropAfter);
    assert_eq!(reads(&server).await, "auth_required");
    let lost = [
        "prompted needs_reauth pending 1",
        "status_changed active needs_reauth refresh_outcome_unknown 1",
        "not_refreshed rejected 1",
        "not_refreshed no_answer 1",
        BEGIN[0],
        BEGIN[1],
    ];
    assert_eq!(told(&server).await, lost);

    server.connect("alice", HostileProvider::READ).await;
    let again = told(&server).await;
    assert_eq!(
        again[..2],
        ["status_changed needs_reauth active 1", "prompted needs_reauth completed 1"]
    );
    assert_eq!(again[2..], lost[1..]);

    server.clock.advance(LIFE);
    provider.hostile.revoke(&account(&provider));
    assert_eq!(reads(&server).await, "auth_required");
    let ended = told(&server).await;
    let expected =
        ["status_changed active needs_reauth refresh_rejected 1", "not_refreshed rejected 1"];
    assert_eq!(ended[1..3], expected);
}

#[tokio::test]
async fn a_prompt_that_nobody_answers_is_one_row_however_often_it_is_made() {
    let (provider, server) = connected(strict()).await;
    server.clock.advance(LIFE);
    provider.hostile.revoke(&account(&provider));
    for times in 1..=3 {
        let asked = read(&server).await;
        assert_eq!(told(&server).await[0], format!("prompted needs_reauth pending {times}"));
        let newest = rows(&server).await.remove(0);
        assert_eq!(newest["prompt"]["auth_request_id"], json!(asked.auth_request()));
        server.clock.advance(AuthRequest::PHASE + Duration::from_secs(1));
        server.app.engine().janitor.sweep().await.unwrap();
        assert_eq!(told(&server).await[0], format!("prompted needs_reauth expired {times}"));
    }
    assert_eq!(told(&server).await.len(), 5);
}

#[tokio::test]
async fn only_a_connection_of_the_project_and_environment_has_a_history() {
    let (_, server) = connected(strict()).await;
    let here = history(&server, "").await;
    let unknown = "/connections/conn_01J00000000000000000000000/history?environment=test";
    for (address, status) in [
        (here.clone(), 200),
        (here.replace("=test", "=live"), 404),
        (server.project(unknown), 404),
        (format!("{here}&cursor=next"), 400),
        (format!("{here}&cursor=1.2"), 200),
    ] {
        assert_eq!(server.admin().get(&address).await.status, status, "{address}");
    }
    let management = server.app.management();
    let other = management.provisioning.provision("Other team", "Other project").await.unwrap();
    let there = here.replace(&server.tenant.project.to_string(), &other.project.to_string());
    assert_eq!(server.admin().get(&there).await.status, 404);
}
