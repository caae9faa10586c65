use std::time::Duration;

use astralform_domain::{Environment, EnvironmentSettings, VerifyEndUser};
use astralform_testkit::{Agent, Reply, Setup, TestServer};
use serde_json::json;

const TOOL: &str = "slack_list_channels";
const RETURN: &str = "https://app.example.com/connected?tab=2";

async fn confirming(return_urls: &[&str]) -> TestServer {
    let settings = EnvironmentSettings {
        verify_end_user: VerifyEndUser::Confirm,
        return_urls: return_urls.iter().map(|&url| url.to_owned()).collect(),
        allowed_origins: Vec::new(),
    };
    let environment = Environment::Test;
    TestServer::with(Setup { environment, settings: Some(settings), ..Setup::default() }).await
}

/// What the developer's backend knows once a browser is back at its return URL.
struct Returned {
    path: String,
    proof: String,
}

/// Returns a browser consents for Alice, whose connection then awaits confirmation.
async fn consented(server: &TestServer) -> Returned {
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    consent(server, &asked).await
}

async fn consent(server: &TestServer, asked: &Reply) -> Returned {
    let browser = server.browser();
    let callback = browser.callback(asked.link(), "Allow").await;
    let back = browser.open(callback.as_str()).await.leads_to().unwrap();
    let expected = format!("{RETURN}&auth_request={}&confirmation=", asked.auth_request());
    let proof = back.as_str().strip_prefix(&expected).unwrap_or_else(|| panic!("{back}"));
    let path = format!("/v1/auth-requests/{}", asked.auth_request());
    Returned { path, proof: proof.to_owned() }
}

async fn confirm(backend: &Agent, returned: &Returned, end_user: &str) -> (u16, String) {
    let body = json!({"end_user_id": end_user, "confirmation": returned.proof});
    let reply = backend.post(&format!("{}/confirm", returned.path), body).await;
    let word = if reply.status == 200 { reply.outcome() } else { reply.code() };
    (reply.status, word.to_owned())
}

async fn call(server: &TestServer) -> String {
    server.agent("alice").call(TOOL, json!({})).await.outcome().to_owned()
}

#[tokio::test]
async fn o5_a_connection_is_unusable_until_the_right_user_is_confirmed() {
    let server = confirming(&[RETURN]).await;
    let back = consented(&server).await;
    assert_eq!(server.backend().get(&back.path).await.outcome(), "awaiting_confirmation");
    assert_eq!(call(&server).await, "auth_required");
    assert_eq!(server.slack_requests("conversations.list"), 0);

    let confirmed = confirm(&server.backend(), &back, "alice").await;
    assert_eq!(confirmed, (200, "completed".to_owned()));
    assert_eq!(call(&server).await, "completed");
}

#[tokio::test]
async fn o5_the_wrong_user_erases_the_connection_and_revokes_it_at_the_provider() {
    let server = confirming(&[RETURN]).await;
    let back = consented(&server).await;
    let refused = confirm(&server.backend(), &back, "bob").await;
    assert_eq!(refused, (403, "end_user_mismatch".to_owned()));
    assert_eq!(server.slack_requests("auth.revoke"), 1);
    assert!(server.slack().grants().is_empty(), "the provider has taken the token back");

    let late = confirm(&server.backend(), &back, "alice").await;
    assert_eq!(late, (409, "not_awaiting_confirmation".to_owned()));
    let ended = server.backend().get(&back.path).await;
    assert_eq!(
        (ended.outcome(), ended.body["failure"].as_str()),
        ("failed", Some("end_user_mismatch"))
    );
    assert_eq!(call(&server).await, "auth_required");
}

#[tokio::test]
async fn o5_a_paused_connector_does_not_keep_a_connection_from_being_revoked() {
    let server = confirming(&[RETURN]).await;
    let back = consented(&server).await;
    server.set_enabled(false).await;
    assert_eq!(confirm(&server.backend(), &back, "bob").await.0, 403);
    assert!(server.slack().grants().is_empty(), "the provider has taken the token back");
}

#[tokio::test]
async fn o5_another_projects_key_confirms_nothing() {
    let server = confirming(&[RETURN]).await;
    let back = consented(&server).await;
    let foreign = server.agent_with_key(&server.foreign_key().await, "alice");
    assert_eq!(confirm(&foreign, &back, "alice").await.0, 404);
    assert_eq!(confirm(&server.backend(), &back, "alice").await.0, 200);
}

#[tokio::test]
async fn o5_a_confirmation_works_once() {
    let server = confirming(&[RETURN]).await;
    let back = consented(&server).await;
    assert_eq!(confirm(&server.backend(), &back, "alice").await.0, 200);
    for end_user in ["alice", "bob"] {
        assert_eq!(confirm(&server.backend(), &back, end_user).await.0, 409);
    }
    assert_eq!(call(&server).await, "completed");
}

#[tokio::test]
async fn o5_what_nobody_confirmed_in_ten_minutes_is_revoked_and_erased() {
    let server = confirming(&[RETURN]).await;
    let back = consented(&server).await;
    server.clock.advance(Duration::from_mins(10));
    assert_eq!(confirm(&server.backend(), &back, "alice").await.0, 409);
    server.app.engine().janitor.sweep().await.unwrap();
    server.app.engine().revocations.work_off_all().await.unwrap();
    assert!(server.slack().grants().is_empty(), "the provider has taken the token back");
    assert_eq!(server.backend().get(&back.path).await.outcome(), "expired");
    assert_eq!(call(&server).await, "auth_required");
}

#[tokio::test]
async fn o5_without_a_return_url_the_call_is_refused_before_anyone_consents() {
    let server = confirming(&[]).await;
    let refused = server.agent("alice").call(TOOL, json!({})).await;
    assert_eq!((refused.status, refused.code()), (409, "return_url_required"));
}

#[tokio::test]
async fn f23_a_return_url_that_was_unregistered_gets_neither_browser_nor_proof() {
    let server = confirming(&[RETURN]).await;
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    let browser = server.browser();
    let callback = browser.callback(asked.link(), "Allow").await;
    let other = json!({"return_urls": ["https://other.example.com/"]});
    let changed = server.admin().patch(&server.project("/environments/test"), other).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let back = browser.open(callback.as_str()).await.leads_to().unwrap();
    assert_eq!(back.as_str(), asked.link(), "our own page, without the proof");
    let path = format!("/v1/auth-requests/{}", asked.auth_request());
    assert_eq!(server.backend().get(&path).await.outcome(), "awaiting_confirmation");
    assert_eq!(browser.visit(back.as_str()).await.outcome(), "awaiting_confirmation");
}

#[tokio::test]
async fn o5_nothing_can_be_confirmed_before_the_user_consented() {
    let server = confirming(&[RETURN]).await;
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    let path = format!("/v1/auth-requests/{}", asked.auth_request());
    let early = Returned { path, proof: String::new() };
    assert_eq!(confirm(&server.backend(), &early, "alice").await.0, 409);
    assert_eq!(confirm(&server.backend(), &early, "bob").await.0, 409);
    assert_eq!(server.backend().get(&early.path).await.outcome(), "pending");
}

#[tokio::test]
async fn o5_whoever_asked_cannot_confirm_what_another_browser_finished() {
    let server = confirming(&[RETURN]).await;
    let back = consented(&server).await;
    let link = server.agent("alice").call(TOOL, json!({})).await.link().to_owned();
    let guesses =
        ["", "x", link.rsplit('/').next().unwrap(), back.path.rsplit('/').next().unwrap()];
    for guess in guesses {
        let forged = Returned { path: back.path.clone(), proof: guess.to_owned() };
        let refused = confirm(&server.backend(), &forged, "alice").await;
        assert_eq!(refused, (403, "wrong_confirmation".to_owned()), "{guess}");
    }
    let page = server.browser().visit(&link).await;
    assert!(!page.html.contains(&back.proof), "the link's page does not tell");
    assert_eq!(call(&server).await, "auth_required");
    assert_eq!(confirm(&server.backend(), &back, "alice").await.0, 200);
}

#[tokio::test]
async fn o5_a_second_browser_on_the_same_link_gets_no_proof() {
    let server = confirming(&[RETURN]).await;
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    let second = server.browser();
    let callback = second.callback(asked.link(), "Allow").await;
    consent(&server, &asked).await;
    let back = second.open(callback.as_str()).await.leads_to().unwrap();
    assert!(!back.as_str().contains("confirmation"), "{back}");
}

#[tokio::test]
async fn o5_reconnecting_keeps_the_old_connection_until_the_new_one_is_confirmed() {
    let server = confirming(&[RETURN]).await;
    let back = consented(&server).await;
    confirm(&server.backend(), &back, "alice").await;
    let first = server.backend().get(&back.path).await.body["connection_id"].clone();

    let private = json!({"include_private": true});
    let asked = server.agent("alice").call(TOOL, private.clone()).await;
    let back = consent(&server, &asked).await;
    assert_eq!(call(&server).await, "completed", "the old one still works");

    assert_eq!(confirm(&server.backend(), &back, "alice").await.0, 200);
    assert_eq!(server.backend().get(&back.path).await.body["connection_id"], first);
    assert_eq!(server.agent("alice").call(TOOL, private).await.outcome(), "completed");
}

#[tokio::test]
async fn a_call_that_waits_goes_through_when_the_backend_confirms_meanwhile() {
    let server = confirming(&[RETURN]).await;
    let agent = server.agent("alice");
    let asked = agent.call(TOOL, json!({})).await;
    let waiting = tokio::spawn(async move {
        agent.post("/v1/tools/slack_list_channels/call", json!({"wait_seconds": 50})).await
    });
    let back = consent(&server, &asked).await;
    assert_eq!(confirm(&server.backend(), &back, "alice").await.0, 200);
    assert_eq!(waiting.await.unwrap().outcome(), "completed");
}

#[tokio::test]
async fn an_expired_confirmation_makes_way_for_a_new_link_at_once() {
    let server = confirming(&[RETURN]).await;
    let back = consented(&server).await;
    let before = server.agent("alice").call(TOOL, json!({})).await;
    assert_eq!(before.body["auth_request"]["status"], "awaiting_confirmation");
    server.clock.advance(Duration::from_mins(10));
    let after = server.agent("alice").call(TOOL, json!({})).await;
    assert_eq!(after.body["auth_request"]["status"], "pending");
    assert_ne!(after.link(), before.link());
    server.app.engine().revocations.work_off_all().await.unwrap();
    assert!(server.slack().grants().is_empty(), "what was not confirmed is revoked");
    assert_eq!(confirm(&server.backend(), &back, "alice").await.0, 409);
}

#[tokio::test]
async fn a_call_that_names_a_connection_that_awaits_confirmation_says_what_it_waits_for() {
    let server = confirming(&[RETURN]).await;
    let back = consented(&server).await;
    let alice = server.agent("alice");
    let listed = alice.get("/v1/connections").await;
    let connection = &listed.body["data"][0];
    assert_eq!(connection["status"], "awaiting_confirmation", "{listed:?}");
    let named = json!({"arguments": {}, "connection_id": connection["id"]});
    let path = format!("/v1/tools/{TOOL}/call");
    let refused = alice.post(&path, named.clone()).await;
    assert_eq!((refused.status, refused.code()), (409, "awaiting_confirmation"), "{refused:?}");
    assert!(refused.body["detail"].as_str().unwrap().contains("/confirm"), "{refused:?}");
    let asked = json!({"connector": "slack", "account": connection["id"]});
    let refused = alice.post("/v1/auth-requests", asked).await;
    assert_eq!((refused.status, refused.code()), (409, "awaiting_confirmation"), "{refused:?}");
    let other = server.agent("bob").post(&path, named.clone()).await;
    assert_eq!((other.status, other.code()), (404, "unknown_connection"), "it is not bob's");

    assert_eq!(confirm(&server.backend(), &back, "alice").await.0, 200);
    assert_eq!(alice.post(&path, named).await.outcome(), "completed");
}
