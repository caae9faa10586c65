use std::time::Duration;

use astralform_simulator::{Fault, Times};
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use crate::harness::{ADA, CALLBACK, CLIENT, Harness, SECRET, text};

const AUTH_TEST: &str = "/slack/api/auth.test";

#[tokio::test]
async fn a_fault_strikes_as_often_as_told_and_then_no_more() {
    let harness = Harness::new();
    harness.slack().inject("auth.test", Fault::Status(503), Times::Next(2)).unwrap();
    for expected in [503, 503, 200] {
        assert_eq!(harness.get(AUTH_TEST).await.status, expected);
    }
    assert!(harness.slack().faults().is_empty());
}

#[tokio::test]
async fn a_fault_strikes_its_endpoint_only_and_a_star_all_of_them() {
    let harness = Harness::new();
    harness.slack().inject("conversations.list", Fault::EmptyBody, Times::Always).unwrap();
    assert_eq!(harness.get(AUTH_TEST).await.json()["error"], "not_authed");
    for _ in 0..3 {
        assert_eq!(harness.get("/slack/api/conversations.list").await.text, "");
    }
    harness.slack().clear_faults();
    harness.slack().inject("*", Fault::Status(500), Times::Next(1)).unwrap();
    assert_eq!(harness.get("/slack/oauth/v2/authorize").await.status, 500);
}

#[tokio::test]
async fn answers_can_be_throttled_refused_or_be_no_json_at_all() {
    let harness = Harness::new();
    let slack = harness.slack();
    slack.inject("auth.test", Fault::RateLimited { retry_after_s: 7 }, Times::Next(1)).unwrap();
    let answer = harness.get(AUTH_TEST).await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.headers["retry-after"], "7");
    assert_eq!(answer.json()["error"], "ratelimited");

    let fault = Fault::Refused(String::from("fatal_error"));
    slack.inject("auth.test", fault, Times::Next(1)).unwrap();
    let answer = harness.get(AUTH_TEST).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json(), json!({ "ok": false, "error": "fatal_error" }));

    slack.inject("auth.test", Fault::Html, Times::Next(1)).unwrap();
    let answer = harness.get(AUTH_TEST).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
    let faults: Vec<_> = slack.requests().into_iter().map(|request| request.fault).collect();
    let expected = ["rate_limited", "refused", "html"];
    assert_eq!(faults, expected.map(|fault| Some(fault.to_owned())));
}

#[tokio::test]
async fn a_huge_body_streams_exactly_as_much_as_told_without_saying_so() {
    let harness = Harness::new();
    let bytes = 10_000_000;
    harness.slack().inject("auth.test", Fault::HugeBody(bytes), Times::Next(1)).unwrap();
    let answer = harness.get(AUTH_TEST).await;
    assert_eq!(answer.text.len() as u64, bytes);
    assert!(!answer.headers.contains_key("content-length"));
    assert!(answer.text.starts_with("{\"ok\":true"));

    // One that would never end is no burden as long as nobody reads it.
    harness.slack().inject("auth.test", Fault::HugeBody(u64::MAX), Times::Next(1)).unwrap();
    let request = Request::get(AUTH_TEST).body(Body::empty()).unwrap();
    let mut response = harness.simulator.router().oneshot(request).await.unwrap();
    assert!(response.body_mut().frame().await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_delayed_request_takes_effect_before_its_answer() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("channels:read").await;
    harness.slack().inject("auth.revoke", Fault::Delay(5_000), Times::Next(1)).unwrap();
    let arguments = [];
    let slow = harness.call(&token, "auth.revoke", &arguments);
    let given_up = tokio::time::timeout(Duration::from_secs(1), slow).await;
    assert!(given_up.is_err());
    assert_eq!(harness.slack().requests().pop().unwrap().status, None);
    assert_eq!(harness.call(&token, "auth.test", &[]).await["error"], "token_revoked");
}

#[expect(clippy::disallowed_methods, reason = "the test looks at the bare socket")]
#[tokio::test]
async fn a_dropped_answer_has_its_effect_and_not_a_byte_on_the_wire() {
    let harness = Harness::with_app(|app| app.token_rotation = true);
    let connected = harness.connect("chat:write", "", ADA).await;
    let refresh = text(&connected["refresh_token"]);
    harness.slack().inject("oauth.v2.access", Fault::DropAnswer, Times::Next(1)).unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, harness.simulator.router()).into_future());
    let body = format!(
        "client_id={CLIENT}&client_secret={SECRET}&grant_type=refresh_token&refresh_token={refresh}"
    );
    let request = format!(
        "POST /slack/api/oauth.v2.access HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A reset is as good as an end.
    let _ = stream.read_to_end(&mut answer).await;
    server.abort();
    assert_eq!(String::from_utf8_lossy(&answer), "");

    let dropped = harness.slack().requests().pop().unwrap();
    assert_eq!((dropped.status, dropped.fault.as_deref()), (None, Some("drop_answer")));
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    assert_eq!(harness.access(&fields).await["error"], "invalid_refresh_token");
}

#[tokio::test]
async fn faults_that_make_no_sense_are_refused() {
    let slack = Harness::new().slack().clone();
    let once = Times::Next(1);
    assert!(slack.inject("users.list", Fault::Html, once).is_err());
    assert!(slack.inject("auth.test", Fault::Status(42), once).is_err());
    assert!(slack.inject("auth.test", Fault::Delay(u64::MAX), once).is_err());
    assert!(slack.inject("auth.test", Fault::Refused(String::from("No!")), once).is_err());
    assert!(slack.inject("auth.test", Fault::Html, Times::Next(0)).is_err());
}

#[tokio::test]
async fn requests_are_counted_without_their_secrets() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("channels:read").await;
    harness.get(&format!("/slack/api/auth.test?token={token}&x={token}&cursor=c")).await;
    let requests = harness.slack().requests();
    let exchanges = requests.iter().filter(|request| {
        request.endpoint == "oauth.v2.access"
            && request.grant_type.as_deref() == Some("authorization_code")
    });
    assert_eq!(exchanges.count(), 1);
    let last = requests.last().unwrap();
    let redacted = String::from("[redacted]");
    let expected = [
        ("token".to_owned(), redacted.clone()),
        ("x".to_owned(), redacted),
        ("cursor".to_owned(), "c".to_owned()),
    ];
    assert_eq!(last.query, expected);
    let everything = format!("{requests:?}");
    for secret in [SECRET, &token, "code-", "consent-"] {
        assert!(!everything.contains(secret), "{secret}");
    }
    assert!(everything.contains(CALLBACK));
}

#[tokio::test]
async fn only_the_last_thousand_requests_are_remembered() {
    let harness = Harness::new();
    for _ in 0..1_005 {
        harness.get(AUTH_TEST).await;
    }
    let requests = harness.slack().requests();
    assert_eq!(requests.len(), 1_000);
    assert_eq!(requests[0].number, 6);
    assert_eq!(requests[999].number, 1_005);
}
