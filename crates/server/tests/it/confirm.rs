use std::time::Duration;

use astralform_domain::{Environment, EnvironmentSettings, VerifyEndUser};
use astralform_testkit::{Agent, Setup, TestServer};
use serde_json::json;

const TOOL: &str = "slack_list_channels";
const RETURN: &str = "https://app.example.com/connected?tab=2";

async fn confirming(return_urls: &[&str]) -> TestServer {
    let settings = EnvironmentSettings {
        verify_end_user: VerifyEndUser::Confirm,
        return_urls: return_urls.iter().map(|&url| url.to_owned()).collect(),
    };
    let environment = Environment::Test;
    TestServer::with(Setup { environment, settings: Some(settings), ..Setup::default() }).await
}

/// Alice has consented; her connection awaits confirmation. The path is that of the auth request.
async fn consented(server: &TestServer) -> String {
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    let browser = server.browser();
    let callback = browser.callback(asked.link(), "Allow").await;
    let back = browser.open(callback.as_str()).await.leads_to().unwrap();
    assert_eq!(back.as_str(), format!("{RETURN}&auth_request={}", asked.auth_request()));
    format!("/v1/auth-requests/{}", asked.auth_request())
}

async fn confirm(backend: &Agent, path: &str, end_user: &str) -> (u16, String) {
    let reply = backend.post(&format!("{path}/confirm"), json!({"end_user_id": end_user})).await;
    let word = if reply.status == 200 { reply.outcome() } else { reply.code() };
    (reply.status, word.to_owned())
}

async fn call(server: &TestServer) -> String {
    server.agent("alice").call(TOOL, json!({})).await.outcome().to_owned()
}

#[tokio::test]
async fn o5_a_connection_is_unusable_until_the_right_user_is_confirmed() {
    let server = confirming(&[RETURN]).await;
    let path = consented(&server).await;
    assert_eq!(server.backend().get(&path).await.outcome(), "awaiting_confirmation");
    assert_eq!(call(&server).await, "auth_required");
    assert_eq!(server.slack_requests("conversations.list"), 0);

    let confirmed = confirm(&server.backend(), &path, "alice").await;
    assert_eq!(confirmed, (200, "completed".to_owned()));
    assert_eq!(call(&server).await, "completed");
}

#[tokio::test]
async fn o5_the_wrong_user_erases_the_connection_and_revokes_it_at_the_provider() {
    let server = confirming(&[RETURN]).await;
    let path = consented(&server).await;
    let refused = confirm(&server.backend(), &path, "bob").await;
    assert_eq!(refused, (403, "end_user_mismatch".to_owned()));
    assert_eq!(server.slack_requests("auth.revoke"), 1);
    assert!(server.slack().grants().is_empty(), "the provider has taken the token back");

    let late = confirm(&server.backend(), &path, "alice").await;
    assert_eq!(late, (409, "not_awaiting_confirmation".to_owned()));
    let ended = server.backend().get(&path).await;
    assert_eq!(
        (ended.outcome(), ended.body["failure"].as_str()),
        ("failed", Some("end_user_mismatch"))
    );
    assert_eq!(call(&server).await, "auth_required");
}

#[tokio::test]
async fn o5_another_projects_key_confirms_nothing() {
    let server = confirming(&[RETURN]).await;
    let path = consented(&server).await;
    let foreign = server.agent_with_key(&server.foreign_key().await, "alice");
    assert_eq!(confirm(&foreign, &path, "alice").await.0, 404);
    assert_eq!(confirm(&server.backend(), &path, "alice").await.0, 200);
}

#[tokio::test]
async fn o5_a_confirmation_works_once() {
    let server = confirming(&[RETURN]).await;
    let path = consented(&server).await;
    assert_eq!(confirm(&server.backend(), &path, "alice").await.0, 200);
    for end_user in ["alice", "bob"] {
        assert_eq!(confirm(&server.backend(), &path, end_user).await.0, 409);
    }
    assert_eq!(call(&server).await, "completed");
}

#[tokio::test]
async fn o5_what_nobody_confirmed_in_ten_minutes_is_revoked_and_erased() {
    let server = confirming(&[RETURN]).await;
    let path = consented(&server).await;
    server.clock.advance(Duration::from_mins(10));
    assert_eq!(confirm(&server.backend(), &path, "alice").await.0, 409);
    server.app.engine().sweep().await.unwrap();
    assert!(server.slack().grants().is_empty(), "the provider has taken the token back");
    assert_eq!(server.backend().get(&path).await.outcome(), "expired");
    assert_eq!(call(&server).await, "auth_required");
}

#[tokio::test]
async fn o5_without_a_return_url_the_call_is_refused_before_anyone_consents() {
    let server = confirming(&[]).await;
    let refused = server.agent("alice").call(TOOL, json!({})).await;
    assert_eq!((refused.status, refused.code()), (409, "return_url_required"));
}

#[tokio::test]
async fn o5_nothing_can_be_confirmed_before_the_user_consented() {
    let server = confirming(&[RETURN]).await;
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    let path = format!("/v1/auth-requests/{}", asked.auth_request());
    assert_eq!(confirm(&server.backend(), &path, "alice").await.0, 409);
    assert_eq!(confirm(&server.backend(), &path, "bob").await.0, 409);
    assert_eq!(server.backend().get(&path).await.outcome(), "pending");
}

#[tokio::test]
async fn o5_reconnecting_keeps_the_old_connection_until_the_new_one_is_confirmed() {
    let server = confirming(&[RETURN]).await;
    let path = consented(&server).await;
    confirm(&server.backend(), &path, "alice").await;
    let first = server.backend().get(&path).await.body["connection_id"].clone();

    let private = json!({"include_private": true});
    let asked = server.agent("alice").call(TOOL, private.clone()).await;
    let browser = server.browser();
    let callback = browser.callback(asked.link(), "Allow").await;
    browser.open(callback.as_str()).await;
    assert_eq!(call(&server).await, "completed", "the old one still works");

    let path = format!("/v1/auth-requests/{}", asked.auth_request());
    assert_eq!(confirm(&server.backend(), &path, "alice").await.0, 200);
    assert_eq!(server.backend().get(&path).await.body["connection_id"], first);
    assert_eq!(server.agent("alice").call(TOOL, private).await.outcome(), "completed");
}
