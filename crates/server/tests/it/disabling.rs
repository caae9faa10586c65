//! Disabling a connector for good: what ends with it, at once and at the provider.

use astralform_domain::{Environment, EnvironmentSettings, VerifyEndUser};
use astralform_testkit::{Reply, Setup, TestServer};
use serde_json::{Value, json};

const TOOL: &str = "slack_list_channels";
const RETURN: &str = "https://app.example.com/connected";

async fn call(server: &TestServer) -> Reply {
    server.agent("alice").call(TOOL, json!({})).await
}

async fn disable(server: &TestServer) -> Value {
    let disabled = server.admin().delete(&server.managed("")).await;
    assert_eq!(disabled.status, 200, "{disabled:?}");
    disabled.body
}

async fn enable_again(server: &TestServer) -> Value {
    let body = json!({"connector": "slack", "environment": "test", "sandbox": true});
    server.admin().post(&server.project("/connectors"), body).await.body
}

#[tokio::test]
async fn a_disabled_connector_takes_every_connection_with_it() {
    let server = TestServer::start().await;
    for end_user in ["alice", "bob"] {
        server.connect(end_user, TOOL).await;
    }
    assert_eq!(disable(&server).await, json!({"revoked_connections": 2}));
    let refused = call(&server).await;
    assert_eq!((refused.status, refused.code()), (404, "not_enabled"));
    assert_eq!(server.agent("alice").get("/v1/tools").await.body["tools"], json!([]));
    assert_eq!(server.agent("alice").get("/v1/connections").await.body["data"], json!([]));
    for missing in [
        server.admin().get(&server.managed("")).await,
        server.admin().patch(&server.managed(""), json!({"is_enabled": true})).await,
        server.admin().post(&server.managed("/check"), json!({})).await,
        server.admin().delete(&server.managed("")).await,
    ] {
        assert_eq!((missing.status, missing.code()), (404, "not_enabled"));
    }
    assert_eq!(server.slack_requests("conversations.list"), 0);
}

#[tokio::test]
async fn the_tokens_of_a_disabled_connector_are_withdrawn_at_the_provider() {
    let server = TestServer::start().await;
    server.connect("alice", TOOL).await;
    disable(&server).await;
    assert_eq!(server.slack().grants().len(), 1);
    server.app.engine().revocations.work_off_all().await.unwrap();
    assert!(server.slack().grants().is_empty(), "the provider has taken the token back");
    server.app.engine().revocations.work_off_all().await.unwrap();
    assert_eq!(server.slack_requests("auth.revoke"), 1, "once is enough");
}

#[tokio::test]
async fn a_browser_that_comes_back_to_a_disabled_connector_connects_nothing() {
    let server = TestServer::start().await;
    let asked = call(&server).await;
    let browser = server.browser();
    let callback = browser.callback(asked.link(), "Allow").await;
    disable(&server).await;
    let path = format!("/v1/auth-requests/{}", asked.auth_request());
    let ended = server.backend().get(&path).await.body;
    assert_eq!(
        (&ended["status"], &ended["failure"]),
        (&json!("failed"), &json!("settings_changed"))
    );

    let page = browser.visit(callback.as_str()).await;
    assert_eq!((page.outcome().as_str(), server.exchanges()), ("failed", 0));
    let enabled = enable_again(&server).await;
    assert_eq!(enabled["connections"]["active"], 0);
    assert_eq!(browser.visit(asked.link()).await.outcome(), "failed");
    assert_ne!(call(&server).await.link(), asked.link(), "the new connector asks anew");
}

#[tokio::test]
async fn what_awaited_confirmation_is_revoked_with_the_connector() {
    let settings = EnvironmentSettings {
        verify_end_user: VerifyEndUser::Confirm,
        return_urls: vec![RETURN.to_owned()],
        allowed_origins: Vec::new(),
    };
    let environment = Environment::Test;
    let settings = Some(settings);
    let server = TestServer::with(Setup { environment, settings, ..Setup::default() }).await;
    let asked = call(&server).await;
    let browser = server.browser();
    let callback = browser.callback(asked.link(), "Allow").await;
    let back = browser.open(callback.as_str()).await.leads_to().unwrap();
    let (_, proof) = back.as_str().split_once("&confirmation=").unwrap();

    assert_eq!(disable(&server).await, json!({"revoked_connections": 1}));
    let path = format!("/v1/auth-requests/{}/confirm", asked.auth_request());
    let body = json!({"end_user_id": "alice", "confirmation": proof});
    assert_eq!(server.backend().post(&path, body).await.status, 409);
    server.app.engine().revocations.work_off_all().await.unwrap();
    assert!(server.slack().grants().is_empty());
}

#[tokio::test]
async fn a_connector_enabled_again_is_another_one() {
    let server = TestServer::start().await;
    server.connect("alice", TOOL).await;
    let old = server.admin().get(&server.managed("")).await.body;
    assert_eq!(old["connections"]["active"], 1);
    disable(&server).await;
    let new = enable_again(&server).await;
    assert_ne!(new["id"], old["id"]);
    let none = json!({"active": 0, "needs_reauth": 0, "awaiting_confirmation": 0, "revoked": 0});
    assert_eq!(new["connections"], none);
    let asked = call(&server).await;
    assert_eq!(asked.body["auth_request"]["reason"], "not_connected");
    server.browser().connect(asked.link(), "Allow").await;
    assert_eq!(call(&server).await.outcome(), "completed");
    server.app.engine().revocations.work_off_all().await.unwrap();
    assert_eq!(call(&server).await.outcome(), "completed", "only the old one is withdrawn");
}
