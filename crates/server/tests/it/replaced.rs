//! Tokens whose place others take do not live on at their provider, where they can be ended alone.

use std::time::Duration;

use astralform_domain::{Actor, Clock, Timestamp};
use astralform_engine::project_connectors::Enable;
use astralform_simulator::{
    Fault, Times,
    hostile::{Ended, Habit, Temper, Trouble},
};
use astralform_testkit::{HostileProvider, Setup, TestServer};
use serde_json::{Value, json};

const READ: &str = HostileProvider::READ;
const LIFE: Duration = Duration::from_hours(1);

/// Returns a server at a provider of which the connector says something more, where alice is
/// connected.
async fn connected(temper: Temper, more: (&str, &str)) -> (HostileProvider, TestServer) {
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    let temper = Temper { habits: [Habit::Asks].into(), lifetime: LIFE, ..temper };
    let provider = HostileProvider::start(&clock, temper).await;
    let mut setup = provider.setup(&clock);
    if let Some((yaml, ..)) = &mut setup.connector {
        *yaml = yaml.replace(more.0, &format!("{}{}", more.1, more.0));
    }
    let server = TestServer::with(setup).await;
    provider.hostile.allow_redirect(&server.app.engine().site().shared_redirect_uri());
    provider.hostile.sign_in("someone");
    server.connect("alice", READ).await;
    (provider, server)
}

const EACH: (&str, &str) = ("  per_minute:", "  tokens: each\n");
const NOTHING: (&str, &str) = ("  per_minute:", "");
const REUSABLE: (&str, &str) = ("api:\n", "  refresh: {rotation: reusable}\n");

/// Has Alice consent once more, to what she is connected to, and keeps her connection.
async fn reconnect(server: &TestServer, connector: &str, decision: &str) {
    server.clock.advance(Duration::from_secs(1));
    let alice = server.agent("alice");
    let before = alice.get("/v1/connections").await.body["data"][0]["id"].clone();
    let wanted = json!({"connector": connector, "account": "new"});
    let asked = alice.post("/v1/auth-requests", wanted).await;
    let page = server.browser().connect(asked.link(), decision).await;
    assert_eq!(page.outcome(), "completed", "{page:?}");
    let listed = alice.get("/v1/connections").await.body["data"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!((&listed[0]["id"], &listed[0]["status"]), (&before, &json!("active")));
    assert!(listed[0]["reason"].is_null());
}

/// Returns what the outbox does next, and the receipts there are then; none is of a connection in
/// use.
async fn receipts(server: &TestServer) -> Vec<Value> {
    server.app.engine().revocations.work_off_all().await.unwrap();
    let listed = server.admin().get(&server.project("/revocations?environment=test")).await;
    let receipts = listed.body["data"].as_array().unwrap().clone();
    let used = server.agent("alice").get("/v1/connections").await.body["data"].clone();
    for receipt in &receipts {
        let of = |it: &Value| it["id"] == receipt["connection_id"];
        assert!(receipt["connection_id"].is_string(), "{receipt}");
        assert!(!used.as_array().unwrap().iter().any(of), "{receipt}");
    }
    receipts
}

fn statuses(receipts: &[Value]) -> Vec<&str> {
    receipts.iter().map(|receipt| receipt["status"].as_str().unwrap()).collect()
}

async fn reads(server: &TestServer) -> String {
    server.agent("alice").call(READ, json!({})).await.outcome().to_owned()
}

/// Each consent makes a new pair, and the one before lives on until it is ended.
#[tokio::test]
async fn b6_a_pair_that_a_reconnect_replaces_is_ended_and_the_new_one_is_not() {
    let server = TestServer::start().await;
    let notion = Enable::sandboxed("notion".parse().unwrap());
    server
        .app
        .engine()
        .project_connectors
        .enable(Actor::Operator, server.tenant, notion)
        .await
        .unwrap();
    let alice = server.agent("alice");
    let search = async || alice.call("notion_search", json!({"query": ""})).await;
    server.browser().connect(search().await.link(), "Allow access").await;
    let live = || {
        let grant = server.notion().grants().pop().unwrap();
        (grant.live_access_tokens, grant.live_refresh_tokens)
    };
    assert_eq!(live(), (1, 1));

    server.notion().inject("oauth/revoke", Fault::Status(503), Times::Always).unwrap();
    reconnect(&server, "notion", "Allow access").await;
    assert_eq!(live(), (2, 2), "both are alive, as long as the provider is down");
    assert_eq!(statuses(&receipts(&server).await), ["pending"]);

    server.notion().clear_faults();
    server.clock.advance(Duration::from_hours(1));
    let receipts = receipts(&server).await;
    assert_eq!(statuses(&receipts), ["provider_confirmed"], "{receipts:?}");
    assert_eq!(live(), (1, 1));
    assert_eq!(search().await.outcome(), "completed", "the new pair works");
}

#[tokio::test]
async fn b6_a_token_that_a_wider_consent_replaces_is_ended_and_the_new_one_is_not() {
    let server = TestServer::with(Setup { sandboxed: "github", ..Setup::default() }).await;
    let list = async || server.agent("alice").call("github_list_repos", json!({})).await;
    server.browser().connect(list().await.link(), "Authorize").await;
    reconnect(&server, "github", "Authorize").await;
    assert_eq!(statuses(&receipts(&server).await), ["provider_confirmed"]);
    assert_eq!(server.github().grants()[0].live_access_tokens, 1);
    assert_eq!(list().await.outcome(), "completed", "the new token works");
}

#[tokio::test]
async fn b6_a_token_that_a_provider_gives_again_is_not_ended() {
    let server = TestServer::start().await;
    let list = async || server.agent("alice").call("slack_list_channels", json!({})).await;
    server.connect("alice", "slack_list_channels").await;
    reconnect(&server, "slack", "Allow").await;
    assert!(receipts(&server).await.is_empty());
    assert_eq!(server.slack_requests("auth.revoke"), 0);
    assert_eq!(list().await.outcome(), "completed");
}

/// A new consent may share the grant of the one before.
#[tokio::test]
async fn b6_where_a_token_ends_with_its_grant_a_replaced_one_is_left_alone() {
    for (more, ended, expected) in [(NOTHING, None, 0), (EACH, Some(Ended::Returned), 1)] {
        let (provider, server) = connected(Temper::default(), more).await;
        reconnect(&server, HostileProvider::CONNECTOR, "Allow").await;
        assert_eq!(receipts(&server).await.len(), expected);
        let families = provider.hostile.families();
        assert_eq!((families[0].ended, families[1].ended), (ended, None));
        assert_eq!(reads(&server).await, "completed");
    }
}

/// The answer to a refresh that was sent before comes after: nobody has a use for what it brings.
#[tokio::test]
async fn b6_what_a_refresh_brings_for_a_token_that_was_replaced_meanwhile_is_ended_too() {
    let temper = Temper { latency: Duration::from_secs(2), ..Temper::default() };
    let (provider, server) = connected(temper, EACH).await;
    server.clock.advance(LIFE);
    let agent = server.agent("alice");
    let reading = tokio::spawn(async move { agent.call(READ, json!({})).await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    reconnect(&server, HostileProvider::CONNECTOR, "Allow").await;
    assert_eq!(reading.await.unwrap().outcome(), "completed");
    let receipts = receipts(&server).await;
    assert_eq!(receipts.len(), 2, "of what was replaced and of what came too late: {receipts:?}");
    assert_eq!(provider.hostile.families()[1].ended, None);
}

#[tokio::test]
async fn b6_a_receipt_does_not_confirm_what_a_lost_refresh_may_have_made() {
    for (more, expected) in [(NOTHING, "provider_cannot"), (REUSABLE, "provider_confirmed")] {
        let (provider, server) = connected(Temper::default(), more).await;
        server.clock.advance(LIFE);
        provider.hostile.trouble(Trouble::DropAfter);
        assert_eq!(reads(&server).await, "auth_required");
        let alice = server.agent("alice");
        let listed = alice.get("/v1/connections").await.body["data"][0].clone();
        assert_eq!(listed["status"], "needs_reauth");
        alice.delete(&format!("/v1/connections/{}", listed["id"].as_str().unwrap())).await;
        let receipts = receipts(&server).await;
        assert_eq!(statuses(&receipts), [expected], "{receipts:?}");
        let why = receipts[0]["last_error"].as_str().unwrap_or_default();
        assert_eq!(why.contains("whose answer was lost"), expected == "provider_cannot", "{why}");
    }
}
