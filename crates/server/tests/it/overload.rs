//! Callers who ask for more than they may, and the others meanwhile.

use std::time::Duration;

use astralform_domain::limits;
use astralform_http::Rate;
use astralform_surface::Rates;
use astralform_testkit::{Agent, Setup, TestServer};
use serde_json::json;
use tokio::task::JoinSet;

use crate::raw::{Line, PATIENCE, address, answer};

const LIST: &str = "slack_list_channels";
const CALL: &str = "/v1/tools/slack_list_channels/call";

fn is_too_many(answer: &str) -> bool {
    if !answer.starts_with("HTTP/1.1 429 ") {
        return false;
    }
    assert!(answer.contains("\r\nretry-after: "), "{answer}");
    assert!(answer.contains("\"code\":\"rate_limited\""), "{answer}");
    assert!(answer.contains("Retry-After says"), "{answer}");
    true
}

/// Returns how many of so many requests at once are told that they are too many.
async fn refused_of(server: &TestServer, count: usize, request: &'static str) -> usize {
    let to = address(server);
    let asking: JoinSet<_> = (0..count).map(|_| answer(to, request)).collect();
    asking.join_all().await.iter().filter(|answer| is_too_many(answer)).count()
}

#[tokio::test]
async fn x4_an_address_without_a_credential_is_throttled_and_callers_with_one_are_not() {
    let rates = Rates { visitor: Rate::new(5, 40), ..Rates::default() };
    let server = TestServer::with(Setup { rates, ..Setup::default() }).await;
    server.connect("alice", LIST).await;
    for request in [
        "GET /v1/connectors/oauth/callback?state=x HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /v1/tools HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk_test_no\r\n\r\n",
        "GET /nothing HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk_test_no\r\n\r\n",
    ] {
        let (refused, called) =
            tokio::join!(refused_of(&server, 120, request), call_all(&server, 20));
        assert!(refused > 0, "{request}");
        assert_eq!(called, 20, "{request}");
    }
}

async fn call_all(server: &TestServer, count: usize) -> usize {
    let mut completed = 0;
    for _ in 0..count {
        let called = server.agent("alice").call(LIST, json!({})).await;
        completed += usize::from(called.outcome() == "completed");
    }
    completed
}

/// Returns how calls of somebody end, so many at once.
async fn statuses(agent: &Agent, count: usize) -> Vec<(u16, String)> {
    let calls: JoinSet<_> = (0..count)
        .map(|_| {
            let agent = agent.clone();
            async move {
                let reply = agent.call(LIST, json!({})).await;
                (reply.status, reply.code().to_owned())
            }
        })
        .collect();
    calls.join_all().await
}

#[tokio::test]
async fn x4_an_end_user_is_throttled_and_the_others_of_the_same_key_are_not() {
    const BURST: usize = 25;
    let rates = Rates { end_user: Rate::new(5, BURST as u64), ..Rates::default() };
    let server = TestServer::with(Setup { rates, ..Setup::default() }).await;
    server.connect("alice", LIST).await;
    server.connect("bob", LIST).await;
    let opened = server.backend().post("/v1/sessions", json!({"end_user_id": "bob"})).await;
    let token = opened.body["token"].as_str().unwrap();
    let session = server.agent_with_key(token, "").naming(None);
    let count = 100;
    let calls = 20;
    let (of_bob, of_alice) = tokio::join!(statuses(&session, count), call_all(&server, calls));
    let refused = of_bob.iter().filter(|(status, _)| *status == 429).count();
    assert!(refused > 0 && refused <= count - BURST + 5, "{refused}");
    let codes = ["none", "rate_limited", "too_many_at_once"];
    assert!(of_bob.iter().all(|(_, code)| codes.contains(&code.as_str())), "{of_bob:?}");
    assert_eq!(of_alice, calls);
}

/// F8: bodies that are announced and do not come.
#[tokio::test]
async fn f8_bodies_under_way_have_a_budget_for_each_credential() {
    let server = TestServer::start().await;
    let opened = server.backend().post("/v1/sessions", json!({"end_user_id": "bob"})).await;
    let token = opened.body["token"].as_str().unwrap();
    let length = limits::TOOL_CALL_BODY.count();
    let most = limits::BODIES_OF_CREDENTIAL.count() / length;
    let mut unfinished = Vec::new();
    let unfinished_line = async |number: usize| {
        // Many end users: what is bounded here is the key.
        let head = head(server.key(), &format!("user-{number}"), length);
        let mut line = Line::open(address(&server)).await;
        line.send(&format!("{head}{{")).await;
        line
    };
    for number in 0..=most {
        unfinished.push(unfinished_line(number).await);
    }
    let refused = 429;
    let code = "too_many_bodies";
    let until_full = async {
        loop {
            // One may have been refused while the body below had its place.
            unfinished.push(unfinished_line(unfinished.len()).await);
            let reply = server
                .agent("carol")
                .post(CALL, json!({"arguments": {"x": "y".repeat(length / 2)}}))
                .await;
            if (reply.status, reply.code()) == (refused, code) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, until_full).await.expect("the budget is used up");
    let other = server.agent_with_key(token, "").naming(None);
    assert_eq!(other.call(LIST, json!({})).await.outcome(), "auth_required", "another credential");
    drop(unfinished);
    let until_free = async {
        while server.agent("carol").call(LIST, json!({})).await.status == refused {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, until_free).await.expect("they give their room back");
}

fn head(key: &str, end_user: &str, length: usize) -> String {
    format!(
        "POST {CALL} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nX-End-User-ID: {end_user}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n"
    ) + "\r\n"
}

/// F17: whoever hangs up is not waited for, not even where their request goes on.
#[tokio::test]
async fn f17_work_for_an_end_user_is_not_waited_for_when_the_caller_is_gone() {
    let server = TestServer::start().await;
    let body = json!({"wait_seconds": 55}).to_string();
    let head = head(server.key(), "alice", body.len());
    let keyed = head.replace("\r\n\r\n", "\r\nIdempotency-Key: one\r\n\r\n");
    let asked = async || {
        server.agent("alice").post_keyed(CALL, json!({"wait_seconds": 0}), "one").await.status
    };
    let under_way = async {
        loop {
            let mut line = Line::open(address(&server)).await;
            line.send(&format!("{keyed}{body}")).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            if asked().await != 200 {
                return line;
            }
        }
    };
    let line = tokio::time::timeout(PATIENCE, under_way).await.expect("it is under way");
    drop(line);
    let over = async {
        while asked().await != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, over).await.expect("it ends long before its 55 seconds");
}
