//! The day of a breach: a frozen project does nothing, and can be looked at and revoked.

use astralform_domain::{Actor, Clock, VerifyEndUser};
use astralform_storage::freezes;
use astralform_testkit::{Reply, TestServer};
use serde_json::json;

use crate::provider::{NOTES, Provider, callback};

const TOOL: &str = "slack_list_channels";

/// Freezes as `astralform freeze` does it, beside the server.
pub(crate) async fn freeze(server: &TestServer, freezing: bool) {
    let mut tx = server.db.begin(Actor::Product).await.unwrap();
    let only = Some(server.tenant.project);
    let changed = if freezing {
        freezes::freeze(&mut tx, only, Clock::system().now()).await.unwrap()
    } else {
        freezes::unfreeze(&mut tx, only).await.unwrap()
    };
    assert_eq!(changed.len(), 1);
    tx.commit().await.unwrap();
}

fn is_frozen(reply: &Reply) {
    assert_eq!((reply.status, reply.code()), (403, "frozen"), "{}", reply.body);
    assert!(reply.body["detail"].as_str().unwrap().contains("astralform unfreeze"));
}

#[tokio::test]
async fn a_frozen_project_calls_asks_and_opens_nothing_until_it_is_unfrozen() {
    let server = TestServer::start().await;
    server.connect("alice", TOOL).await;
    let alice = server.agent("alice");
    let sent = server.slack_requests("conversations.list");
    let session = json!({ "end_user_id": "alice", "expires_in": 600 });
    let opened = server.backend().post("/v1/sessions", session.clone()).await;
    let token = opened.body["token"].as_str().unwrap().to_owned();
    let in_session = server.agent_with_key(&token, "alice");
    assert_eq!(in_session.call(TOOL, json!({})).await.outcome(), "completed");

    freeze(&server, true).await;
    is_frozen(&alice.call(TOOL, json!({})).await);
    is_frozen(&in_session.call(TOOL, json!({})).await);
    is_frozen(&alice.get("/v1/tools").await);
    is_frozen(&alice.get("/v1/connections").await);
    is_frozen(&server.backend().post("/v1/sessions", session).await);
    is_frozen(&alice.post("/v1/auth-requests", json!({ "connector": "slack" })).await);
    assert_eq!(server.slack_requests("conversations.list"), sent + 1);

    freeze(&server, false).await;
    assert_eq!(alice.call(TOOL, json!({})).await.outcome(), "completed");
    assert_eq!(in_session.call(TOOL, json!({})).await.outcome(), "completed");
}

#[tokio::test]
async fn a_flow_under_way_connects_nothing_in_a_frozen_project() {
    let server = TestServer::start().await;
    let alice = server.agent("alice");
    let asked = alice.call(TOOL, json!({})).await;
    let waiting = {
        let body = json!({ "arguments": {}, "wait_seconds": 30 });
        let path = format!("/v1/tools/{TOOL}/call");
        tokio::spawn(async move { alice.post(&path, body).await })
    };
    let browser = server.browser();
    let callback = browser.callback(asked.link(), "Allow").await;
    freeze(&server, true).await;
    let page = browser.visit(callback.as_str()).await;
    assert_eq!(page.outcome(), "failed", "{page:?}");
    let ended = waiting.await.unwrap();
    assert_eq!(ended.body["auth_request"]["failure"], "frozen", "{ended:?}");
    assert_eq!((server.exchanges(), server.slack_requests("conversations.list")), (0, 0));
}

/// F18.
#[tokio::test]
async fn a_code_that_is_being_exchanged_when_its_project_is_frozen_connects_nothing() {
    let (provider, honest, setup) = Provider::with_setup(VerifyEndUser::Off).await;
    let server = TestServer::with(setup).await;
    honest.register(&server);
    let asked = server.agent("alice").call(NOTES, json!({})).await;
    let browser = server.browser();
    let callback = callback(&browser, asked.link()).await;
    provider.hold(true);
    let returning = tokio::spawn(async move { browser.open(callback.as_str()).await.leads_to() });
    provider.exchanged(1).await;
    freeze(&server, true).await;
    provider.hold(false);
    assert!(returning.await.unwrap().is_some());
    freeze(&server, false).await;
    let path = format!("/v1/auth-requests/{}", asked.auth_request());
    let ended = server.backend().get(&path).await;
    assert_eq!((ended.outcome(), &ended.body["failure"]), ("failed", &json!("frozen")));
    assert_eq!(server.agent("alice").call(NOTES, json!({})).await.outcome(), "auth_required");
    server.app.engine().revocations.work_off_all().await.unwrap();
    assert_eq!(provider.live(), 0, "what it gave is ended");
}

#[tokio::test]
async fn no_flow_starts_in_a_frozen_project() {
    let server = TestServer::start().await;
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    let browser = server.browser();
    let page = browser.visit(asked.link()).await;
    freeze(&server, true).await;
    server.catch_up().await;
    let frozen = browser.visit(asked.link()).await;
    assert_eq!(frozen.status, 200, "looking is allowed");
    assert!(!frozen.html.contains("<form"), "{}", frozen.html);
    assert_eq!(browser.submit(&page, "Connect").await.status, 409);
}

#[tokio::test]
async fn nobody_shares_an_account_with_a_frozen_project() {
    let server = TestServer::start().await;
    freeze(&server, true).await;
    is_frozen(&server.admin().post(&server.managed("/shared-connection"), json!({})).await);
}

#[tokio::test]
async fn administrators_of_a_frozen_project_can_look_change_and_revoke() {
    let server = TestServer::start().await;
    server.connect("alice", TOOL).await;
    freeze(&server, true).await;
    let admin = server.admin();
    let projects = admin.get("/v1/projects").await;
    assert!(projects.body["data"][0]["frozen_at"].is_string(), "{}", projects.body);
    assert_eq!(admin.get(&server.managed("")).await.status, 200);
    let paused = admin.patch(&server.managed(""), json!({ "is_enabled": false })).await;
    assert_eq!(paused.status, 200, "{}", paused.body);
    assert_eq!(admin.delete(&server.managed("")).await.status, 200);
}
