use std::time::Duration;

use astralform_domain::{Actor, Environment, EnvironmentSettings, VerifyEndUser};
use astralform_testkit::{Receiver, Setup, TestServer};
use serde_json::{Value, json};

use super::{Hook, TOOL, token_dies, verified};

fn told(old: Option<&str>, new: &str) -> (Option<String>, String) {
    (old.map(ToOwned::to_owned), new.to_owned())
}

#[tokio::test]
async fn every_change_of_a_connections_life_is_told_once_and_in_order() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    Hook::create(&server, &receiver).await;
    let connection = server.connect("alice", TOOL).await;
    token_dies(&server).await;
    server.connect("alice", TOOL).await;
    let alice = server.agent("alice");
    alice.delete(&format!("/v1/connections/{connection}")).await;
    server.deliver_webhooks().await;
    assert_eq!(
        receiver.changes(),
        [
            told(None, "active"),
            told(Some("active"), "needs_reauth"),
            told(Some("needs_reauth"), "active"),
            told(Some("active"), "revoked"),
        ]
    );
    for (sequence, arrived) in (1..).zip(receiver.received()) {
        let body = &arrived.body;
        assert_eq!(body["type"], "connection.status_changed");
        let data = &body["data"];
        let known = ["connection_id", "end_user_id", "connector", "environment", "sequence"];
        let expected = json!([connection, "alice", "slack", "test", sequence]);
        assert_eq!(json!(known.map(|name| data[name].clone())), expected);
        assert_eq!(data["occurred_at"], body["timestamp"]);
    }
    let reasons = receiver.received();
    let reasons: Vec<&Value> = reasons.iter().map(|one| &one.body["data"]["reason"]).collect();
    assert_eq!(json!(reasons), json!([null, "token_rejected", null, "user_revoked"]));
    server.deliver_webhooks().await;
    assert_eq!(receiver.received().len(), 4, "what was taken is not delivered again");
}

#[tokio::test]
async fn what_ends_many_connections_is_told_of_each() {
    let server = TestServer::start().await;
    for end_user in ["alice", "bob", "carol"] {
        server.connect(end_user, TOOL).await;
    }
    let receiver = Receiver::start().await;
    Hook::create(&server, &receiver).await;
    server.admin().delete(&server.managed("")).await;
    server.deliver_webhooks().await;
    assert_eq!(receiver.changes(), vec![told(Some("active"), "revoked"); 3]);
    let arrived = receiver.received();
    let mut whose: Vec<_> =
        arrived.iter().map(|one| one.body["data"]["end_user_id"].as_str().unwrap()).collect();
    whose.sort_unstable();
    assert_eq!(whose, ["alice", "bob", "carol"]);
}

async fn confirming() -> TestServer {
    let settings = EnvironmentSettings {
        verify_end_user: VerifyEndUser::Confirm,
        return_urls: vec!["https://app.example.com/back".to_owned()],
        allowed_origins: Vec::new(),
    };
    let environment = Environment::Test;
    TestServer::with(Setup { environment, settings: Some(settings), ..Setup::default() }).await
}

async fn confirm(server: &TestServer) {
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    let browser = server.browser();
    let callback = browser.callback(asked.link(), "Allow").await;
    let back = browser.open(callback.as_str()).await.leads_to().unwrap();
    let proof = back.query_pairs().find(|(name, _)| name == "confirmation").unwrap().1;
    let body = json!({"end_user_id": "alice", "confirmation": proof});
    let path = format!("/v1/auth-requests/{}/confirm", asked.auth_request());
    assert_eq!(server.backend().post(&path, body).await.status, 200);
}

#[tokio::test]
async fn a_confirmed_connection_keeps_its_id_and_one_that_renews_another_is_merged_into_it() {
    let server = confirming().await;
    let receiver = Receiver::start().await;
    Hook::create(&server, &receiver).await;
    confirm(&server).await;
    server.deliver_webhooks().await;
    let waits = "awaiting_confirmation";
    assert_eq!(receiver.changes(), [told(None, waits), told(Some(waits), "active")]);

    token_dies(&server).await;
    confirm(&server).await;
    server.deliver_webhooks().await;
    let arrived = receiver.received();
    let connection = |at: usize| arrived[at].body["data"]["connection_id"].clone();
    assert_eq!(connection(0), connection(1), "the same connection");
    let of_first: Vec<_> = receiver
        .changes()
        .into_iter()
        .zip(&arrived)
        .filter(|(_, one)| one.body["data"]["connection_id"] == connection(0))
        .map(|(change, _)| change)
        .collect();
    assert_eq!(
        of_first[2..],
        [told(Some("active"), "needs_reauth"), told(Some("needs_reauth"), "active")]
    );
    let merged = arrived.iter().find(|one| one.body["data"]["reason"] == "merged").unwrap();
    assert_ne!(merged.body["data"]["connection_id"], connection(0));
    assert_eq!(merged.body["data"]["new_status"], "revoked");
    assert_eq!(arrived.len(), 6);
}

#[tokio::test]
async fn a_dead_connection_comes_with_a_link_that_renews_it_for_a_week() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let hook = Hook::create(&server, &receiver).await;
    let connection = server.connect("alice", TOOL).await;
    server.deliver_webhooks().await;
    token_dies(&server).await;
    receiver.answer(503);
    server.deliver_webhooks().await;
    server.clock.advance(Duration::from_secs(10));
    receiver.answer(200);
    server.deliver_webhooks().await;

    let arrived = receiver.received();
    let [_, first, again] = &arrived[..] else { panic!("{}", arrived.len()) };
    assert_eq!(first.text, again.text, "the same, with the same link");
    assert_eq!(first.header("webhook-id"), again.header("webhook-id"));
    assert_ne!(first.header("webhook-timestamp"), again.header("webhook-timestamp"));
    assert!(verified(&server, &hook.secret, again).is_ok());
    let reconnect = &first.body["data"]["reconnect"];
    let until: Value = json!(server.clock.now().after(Duration::from_secs(7 * 24 * 3600 - 10)));
    assert_eq!(reconnect["expires_at"], until);

    server.clock.advance(Duration::from_hours(6 * 24));
    let page = server.browser().connect(reconnect["url"].as_str().unwrap(), "Allow").await;
    assert_eq!(page.outcome(), "completed", "{page:?}");
    let called = server.agent("alice").call(TOOL, json!({})).await;
    assert_eq!(called.outcome(), "completed");
    let listed = server.agent("alice").get("/v1/connections").await;
    assert_eq!(listed.body["data"][0]["id"], connection);
}

#[tokio::test]
async fn a_connection_that_was_renewed_meanwhile_comes_without_a_link() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    Hook::create(&server, &receiver).await;
    server.connect("alice", TOOL).await;
    token_dies(&server).await;
    server.connect("alice", TOOL).await;
    server.deliver_webhooks().await;
    let arrived = receiver.received();
    assert_eq!(arrived[1].body["data"]["new_status"], "needs_reauth");
    assert_eq!(arrived[1].body["data"]["reconnect"], Value::Null);
}

#[tokio::test]
async fn nobody_is_told_of_another_environment_or_project() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let live = server.project("/webhooks?environment=live");
    let made = server.admin().post(&live, json!({"url": receiver.url})).await;
    assert_eq!(made.status, 201);
    let engine = server.app.engine();
    let other =
        server.app.management().provisioning.provision("Other", "Other").await.unwrap().project;
    let tenant = astralform_domain::Tenant { project: other, ..server.tenant };
    engine.webhooks.create_webhook(Actor::Operator, tenant, &receiver.url).await.unwrap();
    server.connect("alice", TOOL).await;
    server.deliver_webhooks().await;
    assert!(receiver.received().is_empty());
}
