//! The call log: a line for each tool call, and what there was on each day.

use std::time::Duration;

use astralform_simulator::{Fault, Times};
use astralform_testkit::{Agent, Reply, TestServer};
use serde_json::{Value, json};

use crate::raw::{Line, address};

const LIST: &str = "slack_list_channels";
const SEND: &str = "slack_send_message";

async fn calls(server: &TestServer, query: &str) -> Vec<Value> {
    server.write_calls().await;
    let environment = server.tenant.environment;
    let listed = server.project(&format!("/calls?environment={environment}&{query}"));
    let listed = server.admin().get(&listed).await;
    assert_eq!(listed.status, 200, "{listed:?}");
    listed.body["data"].as_array().unwrap().clone()
}

async fn usage(server: &TestServer, query: &str) -> Reply {
    server.write_calls().await;
    let environment = server.tenant.environment;
    let shown = server.project(&format!("/usage?environment={environment}&{query}"));
    server.admin().get(&shown).await
}

fn ends(calls: &[Value]) -> Vec<(&str, &str)> {
    calls
        .iter()
        .map(|call| {
            (call["outcome"].as_str().unwrap(), call["reason"].as_str().unwrap_or_default())
        })
        .collect()
}

/// Calls a tool a second later than whatever was before.
async fn call(server: &TestServer, end_user: &str, tool: &str, arguments: Value) -> Reply {
    server.clock.advance(Duration::from_secs(1));
    server.agent(end_user).call(tool, arguments).await
}

#[tokio::test]
async fn every_call_has_a_line_that_says_how_it_went() {
    let server = TestServer::start().await;
    let connection = server.connect("alice", LIST).await;
    let done = call(&server, "alice", LIST, json!({})).await;
    assert_eq!(done.outcome(), "completed");
    server.slack().inject("conversations.list", Fault::Status(500), Times::Always).ok().unwrap();
    let failed = call(&server, "alice", LIST, json!({})).await;
    assert_eq!(failed.outcome(), "failed");
    server.slack().clear_faults();
    let sent = json!({"channel": "C0000000001", "text": "CANARY"});
    call(&server, "alice", SEND, sent).await;
    let shown = calls(&server, &format!("tool={SEND}")).await;
    assert_eq!(shown[0]["summary"], "channel=C0000000001 text.length=6", "{shown:?}");
    let invalid = call(&server, "alice", LIST, json!({"limit": 0})).await;
    assert_eq!(invalid.code(), "invalid_arguments");
    assert_eq!(call(&server, "alice", "slack_fly", json!({})).await.code(), "unknown_tool");
    let all = calls(&server, "").await;
    assert_eq!(
        ends(&all),
        [
            ("refused", "unknown_tool"),
            ("refused", "invalid_arguments"),
            ("failed", "not_found"),
            ("failed", "provider_unavailable"),
            ("completed", ""),
            ("auth_required", "not_connected"),
        ]
    );
    let line = &all[4];
    assert_eq!(line["id"], done.body["call_id"]);
    assert_eq!((&line["connector"], &line["tool"]), (&json!("slack"), &json!(LIST)));
    assert_eq!(line["end_user_id"], "alice");
    assert_eq!(line["connection_id"], json!(connection));
    assert_eq!((&line["provider_status"], &line["attempts"]), (&json!(200), &json!(1)));
    assert!(line["actor"].as_str().unwrap().starts_with("key_"), "{line}");
    assert!(line["request_id"].as_str().unwrap().starts_with("req_"), "{line}");
    let parts: f64 = ["authenticate", "credential", "plan", "provider", "shape"]
        .map(|part| line["times_ms"][part].as_f64().unwrap())
        .iter()
        .sum();
    let took = line["took_ms"].as_f64().unwrap();
    assert!(line["times_ms"]["provider"].as_f64() >= line["times_ms"]["first_byte"].as_f64());
    assert!(parts > 0.0 && parts <= took + 0.01, "{line}");
    assert_eq!(all[3]["attempts"], 2, "it was sent once more");
    assert_eq!(all[0]["connector"], Value::Null);
    let one = server.project(&format!("/calls/{}?environment=test", line["id"].as_str().unwrap()));
    assert_eq!(server.admin().get(&one).await.body, *line);
    let other =
        server.project(&format!("/calls/{}?environment=live", line["id"].as_str().unwrap()));
    assert_eq!(server.admin().get(&other).await.status, 404);
}

#[tokio::test]
async fn a_call_that_is_refused_before_its_arguments_are_read_has_a_line_too() {
    let server = TestServer::start().await;
    let opened = json!({"end_user_id": "alice", "tools": [SEND]});
    let opened = server.backend().post("/v1/sessions", opened).await;
    let token = opened.body["token"].as_str().unwrap();
    let session = server.agent_with_key(token, "alice").naming(None);
    assert_eq!(session.call(LIST, json!({})).await.code(), "unknown_tool");
    server.clock.advance(Duration::from_secs(1));
    let large = "x".repeat(262_200);
    assert_eq!(server.agent("alice").call(SEND, json!({"text": large})).await.status, 413);
    let all = calls(&server, "").await;
    assert_eq!(ends(&all), [("refused", "arguments_too_large"), ("refused", "unknown_tool")]);
    assert!(all[1]["actor"].as_str().unwrap().starts_with("sess_"), "{all:?}");
}

/// PostgreSQL takes no NUL in a text: one such line would have kept all others from it.
#[tokio::test]
async fn a_name_that_no_store_takes_keeps_no_other_line_from_the_log() {
    let server = TestServer::start().await;
    for name in ["%00", "a%0Ab", "%F0%9F%98%80", &"x".repeat(200)] {
        server.clock.advance(Duration::from_secs(1));
        let path = format!("/v1/tools/{name}/call");
        assert_eq!(server.agent("alice").post(&path, json!({})).await.status, 404, "{name}");
    }
    let all = calls(&server, "").await;
    let names: Vec<_> = all.iter().map(|call| call["tool"].as_str().unwrap()).collect();
    assert_eq!(names, [&*"x".repeat(64), "?", "a?b", "?"]);
}

#[tokio::test]
async fn calls_are_found_by_what_is_known_of_them() {
    let server = TestServer::start().await;
    for end_user in ["alice", "bob"] {
        server.connect(end_user, LIST).await;
        call(&server, end_user, LIST, json!({})).await;
    }
    let all = calls(&server, "").await;
    let last = &all[0];
    let of = |field: &str, query: &str| format!("{query}={}", last[field].as_str().unwrap());
    for query in [
        of("request_id", "request_id"),
        of("connection_id", "connection_id"),
        "end_user_id=bob&outcome=completed".to_owned(),
        format!("since={}", last["at"].as_str().unwrap()),
    ] {
        assert_eq!(calls(&server, &query).await, std::slice::from_ref(last), "{query}");
    }
    assert_eq!(calls(&server, &of("at", "until")).await.len(), all.len() - 1);
    assert_eq!(calls(&server, "end_user_id=carol").await, [] as [Value; 0]);
    let first = server.admin().get(&server.project("/calls?environment=test&limit=1")).await;
    let next = first.body["next_cursor"].as_str().unwrap();
    assert_eq!(calls(&server, &format!("cursor={next}")).await, all[1..]);
    let wrong = server.admin().get(&server.project("/calls?environment=test&cursor=x")).await;
    assert_eq!((wrong.status, wrong.code()), (400, "invalid_query"));
}

#[tokio::test]
async fn a_call_whose_caller_hung_up_has_a_line() {
    let server = TestServer::start().await;
    let body = json!({"wait_seconds": 55}).to_string();
    let head = format!(
        "POST /v1/tools/{LIST}/call HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
         X-End-User-ID: alice\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        server.key(),
        body.len()
    );
    let mut line = Line::open(address(&server)).await;
    line.send(&format!("{head}{body}")).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop(line);
    let abandoned = async {
        while ends(&calls(&server, "").await) != [("abandoned", "")] {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), abandoned).await.expect("it gets its line");
}

#[tokio::test]
async fn usage_says_how_many_there_were_and_how_they_ended() {
    let server = TestServer::start().await;
    let alice = server.agent("alice");
    server.connect("alice", LIST).await;
    for _ in 0..3 {
        alice.call(LIST, json!({})).await;
    }
    alice.call("slack_fly", json!({})).await;
    alice.call(SEND, json!({})).await;
    let by_tool = usage(&server, "by=tool").await.body["data"].clone();
    let of = |tool: Value| {
        let rows = by_tool.as_array().unwrap().iter();
        rows.clone().find(|row| row["tool"] == tool).cloned().unwrap()
    };
    let list = of(json!(LIST));
    assert_eq!((&list["calls"], &list["outcomes"]["completed"]), (&json!(4), &json!(3)));
    assert_eq!(list["outcomes"]["auth_required"], 1, "{list}");
    assert!(list["took_ms"]["p99"].as_f64() >= list["added_ms"]["p50"].as_f64());
    assert_eq!(of(json!(SEND))["refusals"], json!({"invalid_arguments": 1}));
    let rest = of(Value::Null);
    assert_eq!(rest["refusals"], json!({"unknown_tool": 1}));
    assert_eq!(rest["prompts"], json!({"completed": 1, "pending": 1}));
    let all = usage(&server, "by=day,agent&connector=slack").await.body["data"].clone();
    assert!(all[0]["day"].is_string() && all[0]["connector"].is_null(), "{all}");
    let wrong = usage(&server, "by=colour").await;
    assert_eq!((wrong.status, wrong.code()), (400, "invalid_query"));
}

async fn delete_end_user(server: &TestServer, admin: &Agent, end_user: &str) -> u16 {
    let environment = server.tenant.environment;
    let path = server.project(&format!("/end-users/{end_user}?environment={environment}"));
    admin.delete(&path).await.status
}

#[tokio::test]
async fn lines_of_a_deleted_end_user_go_and_the_next_of_that_id_begins_anew() {
    let server = TestServer::start().await;
    server.connect("alice", LIST).await;
    server.connect("bob", LIST).await;
    server.agent("alice").call(LIST, json!({})).await;
    server.write_calls().await;
    assert_eq!(delete_end_user(&server, &server.admin(), "alice").await, 200);
    server.clock.advance(Duration::from_secs(1));
    server.app.engine().janitor.prune().await;
    assert_eq!(calls(&server, "end_user_id=alice").await, [] as [Value; 0]);
    assert_eq!(calls(&server, "end_user_id=bob").await.len(), 1);
    server.connect("alice", LIST).await;
    assert_eq!(calls(&server, "end_user_id=alice").await.len(), 1);
    server.clock.advance(Duration::from_mins(15));
    server.app.engine().janitor.prune().await;
    assert_eq!(calls(&server, "end_user_id=alice").await.len(), 1);
    assert_eq!(calls(&server, "").await.len(), 2);
}

#[tokio::test]
async fn an_end_user_who_is_known_to_the_log_alone_can_be_deleted() {
    let server = TestServer::start().await;
    server.agent("carol").call("slack_fly", json!({})).await;
    server.write_calls().await;
    let admin = server.admin();
    assert_eq!(delete_end_user(&server, &admin, "dave").await, 404);
    assert_eq!(delete_end_user(&server, &admin, "carol").await, 200);
    server.app.engine().janitor.prune().await;
    assert_eq!(calls(&server, "").await, [] as [Value; 0]);
}
