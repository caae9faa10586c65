//! Prompts that a backend or a browser makes without a tool call.

use std::time::Duration;

use astralform_domain::{EnvironmentSettings, VerifyEndUser};
use astralform_testkit::{Reply, Setup, TestServer};
use serde_json::{Value, json};

const TOOL: &str = "slack_list_channels";
const NEW: &str = "/v1/auth-requests";
const DAY: Duration = Duration::from_hours(24);
const MINUTE: Duration = Duration::from_mins(1);

/// Asks for Alice, with what differs from the usual.
async fn wants(server: &TestServer, wanted: Value) -> Reply {
    let mut body = json!({"connector": "slack"});
    body.as_object_mut().unwrap().extend(wanted.as_object().unwrap().clone());
    server.agent("alice").post(NEW, body).await
}

fn refusal(reply: &Reply) -> (u16, &str) {
    (reply.status, reply.code())
}

#[tokio::test]
async fn without_a_connection_the_prompt_is_that_of_a_call() {
    let server = TestServer::start().await;
    let asked = wants(&server, json!({})).await;
    assert_eq!((asked.status, asked.outcome()), (200, "pending"));
    assert_eq!(asked.body["reason"], "not_connected");
    assert_eq!(wants(&server, json!({"account": "default"})).await.body, asked.body);
    let called = server.agent("alice").call(TOOL, json!({})).await;
    assert_eq!(called.body["auth_request"], asked.body);
    assert_ne!(
        server.agent("bob").post(NEW, json!({"connector": "slack"})).await.link(),
        asked.link()
    );

    let ended = server.consent_as("Ada Lovelace", &asked).await;
    assert_eq!(ended.outcome(), "completed");
    let called = server.agent("alice").call(TOOL, json!({})).await;
    assert_eq!(called.outcome(), "completed");
}

#[tokio::test]
async fn what_is_granted_already_is_completed_at_once() {
    let server = TestServer::start().await;
    let connection = server.connect("alice", TOOL).await;
    for wanted in [json!({}), json!({"scopes": ["chat:write"]}), json!({"account": connection})] {
        let done = wants(&server, wanted).await;
        assert_eq!((done.outcome(), done.connection()), ("completed", &*connection));
        assert_eq!(done.body["missing_scopes"], json!([]));
        assert_eq!(server.ended(&done).await.body, done.body);
        assert_eq!(server.browser().visit(done.link()).await.outcome(), "completed");
    }
    assert_eq!(server.exchanges(), 1);
}

#[tokio::test]
async fn more_scopes_are_asked_for_as_missing() {
    let server = TestServer::start().await;
    let connection = server.connect("alice", TOOL).await;
    let asked = wants(&server, json!({"scopes": ["groups:read"]})).await;
    assert_eq!(asked.body["reason"], "missing_scopes");
    assert_eq!(asked.body["missing_scopes"], json!(["groups:read"]));
    assert_eq!(asked.body["account_hint"], "ada in Acme (simulated)");
    assert_eq!(server.consent_as("Ada Lovelace", &asked).await.connection(), connection);
    let done = wants(&server, json!({"scopes": ["groups:read"]})).await;
    assert_eq!(done.outcome(), "completed");
}

#[tokio::test]
async fn a_named_account_is_the_one_renewed() {
    let server = TestServer::start().await;
    server.connect("alice", TOOL).await;
    let grace = server.add_account("alice", "Grace Hopper").await;
    let asked = wants(&server, json!({"account": grace, "scopes": ["groups:read"]})).await;
    assert_eq!(asked.body["account_hint"], "grace in Acme (simulated)");
    assert_eq!(server.consent_as("Grace Hopper", &asked).await.connection(), grace);

    let of_bob = json!({"connector": "slack", "account": grace});
    let refused = server.agent("bob").post(NEW, of_bob).await;
    assert_eq!(refusal(&refused), (404, "unknown_connection"));
    let refused = wants(&server, json!({"account": "other"})).await;
    assert_eq!(refusal(&refused), (400, "invalid_body"));
}

#[tokio::test]
async fn a_connector_that_is_not_there_or_cannot_be_used_is_refused() {
    let server = TestServer::start().await;
    let slack = json!({"connector": "slack"});
    for (missing, code) in [("nothing", "unknown_connector"), ("notion", "not_enabled")] {
        let refused = wants(&server, json!({"connector": missing})).await;
        assert_eq!(refusal(&refused), (404, code), "{missing}");
    }
    server.add_agent("bare", Some(Vec::new())).await;
    let bare = server.agent("alice").acting_as("bare");
    assert_eq!(refusal(&bare.post(NEW, slack.clone()).await), (404, "not_assigned"));
    let nobody = server.backend().post(NEW, slack.clone()).await;
    assert_eq!(refusal(&nobody), (400, "end_user_required"));
    let admin = server.admin();
    admin.patch(&server.managed(""), json!({"allow_end_user_auth": false})).await;
    let refused = wants(&server, json!({})).await;
    assert_eq!(refusal(&refused), (409, "end_user_auth_not_allowed"));
    admin.patch(&server.managed(""), json!({"allow_end_user_auth": true})).await;
    server.set_enabled(false).await;
    assert_eq!(refusal(&wants(&server, json!({})).await), (409, "connector_paused"));
}

#[tokio::test]
async fn scopes_that_cannot_stand_in_a_request_are_refused() {
    let server = TestServer::start().await;
    for scope in ["", "a b", "chat:write,admin", "a\"b", "a\\b", "ä", &"x".repeat(256)] {
        let refused = wants(&server, json!({"scopes": [scope]})).await;
        assert_eq!(refusal(&refused), (422, "invalid_scopes"), "{scope:?}");
    }
}

#[tokio::test]
async fn the_browser_returns_to_registered_addresses_alone() {
    let registered = ["https://app.example.com/one", "https://app.example.com/two?tab=2"];
    let settings = EnvironmentSettings {
        verify_end_user: VerifyEndUser::Off,
        return_urls: registered.map(ToOwned::to_owned).to_vec(),
        allowed_origins: Vec::new(),
    };
    let server = TestServer::with(Setup { settings: Some(settings), ..Setup::default() }).await;
    for unregistered in [
        "https://evil.example.com/",
        "https://app.example.com/one/",
        "https://app.example.com/two",
        "javascript:alert(1)",
        "",
    ] {
        let refused = wants(&server, json!({"return_url": unregistered})).await;
        assert_eq!(refusal(&refused), (422, "return_url_not_registered"), "{unregistered}");
    }
    let asked = wants(&server, json!({"return_url": registered[1]})).await;
    let browser = server.browser();
    let callback = browser.callback(asked.link(), "Allow").await;
    let back = browser.open(callback.as_str()).await.leads_to().unwrap();
    let id = asked.auth_request();
    assert_eq!(back.as_str(), format!("{}&auth_request={id}", registered[1]));
}

#[tokio::test]
async fn a_link_of_a_backend_may_wait_seven_days_for_its_click() {
    let server = TestServer::start().await;
    let asked = wants(&server, json!({"expires_in": 7 * 86_400})).await;
    server.clock.advance(6 * DAY);
    server.app.engine().janitor.sweep().await.unwrap();
    let browser = server.browser();
    let late = browser.callback(asked.link(), "Allow").await;
    server.clock.advance(10 * MINUTE);
    assert_eq!(browser.open(late.as_str()).await.status, 400, "ten minutes after the click");
    assert_eq!(server.exchanges(), 0);

    server.clock.advance((24 * 60 - 11) * MINUTE);
    let last = browser.callback(asked.link(), "Allow").await;
    server.clock.advance(9 * MINUTE);
    server.app.engine().janitor.sweep().await.unwrap();
    assert_eq!(browser.visit(last.as_str()).await.outcome(), "completed");
}

#[tokio::test]
async fn a_link_that_was_not_clicked_in_time_is_over() {
    let server = TestServer::start().await;
    let asked = wants(&server, json!({"expires_in": 60})).await;
    server.clock.advance(MINUTE);
    assert_eq!(server.browser().visit(asked.link()).await.outcome(), "expired");
    assert_eq!(server.ended(&asked).await.outcome(), "expired");
    assert_ne!(wants(&server, json!({})).await.link(), asked.link());
}

#[tokio::test]
async fn asking_again_for_longer_prolongs_the_same_request() {
    let server = TestServer::start().await;
    let first = server.agent("alice").call(TOOL, json!({})).await;
    let longer = wants(&server, json!({"expires_in": 86_400})).await;
    assert_eq!(longer.auth_request(), first.auth_request());
    server.clock.advance(DAY / 2);
    let shorter = wants(&server, json!({"expires_in": 60})).await;
    assert_eq!(shorter.body["expires_at"], longer.body["expires_at"]);
    assert_eq!(server.browser().connect(first.link(), "Allow").await.outcome(), "completed");
}

#[tokio::test]
async fn a_life_beyond_its_bounds_is_refused_and_a_sessions_is_ten_minutes() {
    let server = TestServer::start().await;
    for life in [0, 59, 604_801] {
        let refused = wants(&server, json!({"expires_in": life})).await;
        assert_eq!(refusal(&refused), (422, "invalid_expires_in"), "{life}");
    }
    let opened = server.backend().post("/v1/sessions", json!({"end_user_id": "alice"})).await;
    let token = opened.body["token"].as_str().unwrap();
    let session = server.agent_with_key(token, "alice");
    for (life, status) in [(601, 422), (600, 200)] {
        let asked = session.post(NEW, json!({"connector": "slack", "expires_in": life})).await;
        assert_eq!(asked.status, status, "{life}");
    }
}
