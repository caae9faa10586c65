//! Requests that come again with their `Idempotency-Key`.

use std::time::Duration;

use astralform_domain::{Environment, Tenant};
use astralform_simulator::{Fault, Times};
use astralform_storage::Run as _;
use astralform_testkit::{Agent, Reply, TestServer};
use serde_json::{Value, json};

const SEND: &str = "/v1/tools/slack_send_message/call";
const SESSIONS: &str = "/v1/sessions";

fn message(text: &str) -> Value {
    json!({"arguments": {"channel": "C0SIMGENRL", "text": text}})
}

async fn connected() -> (TestServer, Agent) {
    let server = TestServer::start().await;
    server.connect("alice", "slack_list_channels").await;
    let alice = server.agent("alice");
    (server, alice)
}

async fn send(agent: &Agent, key: &str) -> Reply {
    agent.post_keyed(SEND, message("Once"), key).await
}

fn sent(server: &TestServer) -> usize {
    server.slack_requests("chat.postMessage")
}

fn strike(server: &TestServer, fault: Fault) {
    server.slack().inject("chat.postMessage", fault, Times::Next(1)).unwrap();
}

#[tokio::test]
async fn the_same_request_again_gets_the_same_answer_and_is_done_once() {
    let (server, alice) = connected().await;
    let first = send(&alice, "k").await;
    assert_eq!((first.outcome(), first.is_replayed), ("completed", false));
    let again = send(&alice, "k").await;
    assert_eq!((again.status, again.is_replayed), (200, true));
    assert_eq!(again.body, first.body);
    assert_eq!(sent(&server), 1);
    assert_ne!(send(&alice, "l").await.body, first.body);
    assert_eq!(sent(&server), 2);
}

#[tokio::test]
async fn another_request_with_the_same_key_is_refused() {
    let (server, alice) = connected().await;
    send(&alice, "k").await;
    let other = alice.post_keyed(SEND, message("Twice"), "k").await;
    assert_eq!((other.status, other.code()), (422, "idempotency_key_reused"));
    assert_eq!(sent(&server), 1);
}

#[tokio::test]
async fn a_key_is_its_end_users_agents_tools_and_projects_own() {
    let (server, alice) = connected().await;
    server.connect("bob", "slack_list_channels").await;
    server.add_agent("other", None).await;
    for (number, agent) in
        [alice.clone(), server.agent("bob"), alice.acting_as("other")].iter().enumerate()
    {
        let first = send(agent, "k").await;
        assert_eq!((first.outcome(), first.is_replayed), ("completed", false));
        assert_eq!(sent(&server), number + 1);
    }
    let listed = alice.post_keyed("/v1/tools/slack_list_channels/call", json!({}), "k").await;
    assert_eq!((listed.outcome(), listed.is_replayed), ("completed", false));

    let live = Tenant { environment: Environment::Live, ..server.tenant };
    let live = server.app.management().provisioning.create_api_key(live, None).await.unwrap();
    for key in [server.foreign_key().await.as_str(), live.expose()] {
        let stranger = send(&server.agent_with_key(key, "alice"), "k").await;
        assert_eq!(stranger.code(), "not_enabled");
    }
}

#[tokio::test]
async fn a_request_that_did_nothing_may_come_again() {
    let server = TestServer::start().await;
    let alice = server.agent("alice");
    let asked = send(&alice, "k").await;
    assert_eq!(asked.outcome(), "auth_required");
    server.set_enabled(false).await;
    assert_eq!(send(&alice, "k").await.code(), "connector_paused");
    server.set_enabled(true).await;
    server.consent_as("Ada Lovelace", &asked).await;
    strike(&server, Fault::RateLimited { retry_after_s: 30 });
    let limited = send(&alice, "k").await;
    assert_eq!(limited.body["error"]["retryable"], true, "{limited:?}");

    let done = send(&alice, "k").await;
    assert_eq!((done.outcome(), done.is_replayed), ("completed", false));
    assert!(send(&alice, "k").await.is_replayed);
    assert_eq!(sent(&server), 2, "the throttled one, and the one that went through");
}

#[tokio::test]
async fn a_message_that_may_have_been_sent_is_not_sent_again() {
    let (server, alice) = connected().await;
    strike(&server, Fault::DropAnswer);
    let lost = send(&alice, "k").await;
    assert_eq!(lost.body["error"]["kind"], "outcome_unknown");
    let again = send(&alice, "k").await;
    assert_eq!((again.is_replayed, again.body), (true, lost.body));
    assert_eq!(sent(&server), 1);
}

#[tokio::test]
async fn of_twenty_at_once_one_is_carried_out() {
    let (server, alice) = connected().await;
    strike(&server, Fault::Delay(300));
    let racing: Vec<_> = (0..20)
        .map(|_| {
            let alice = alice.clone();
            tokio::spawn(async move { send(&alice, "k").await })
        })
        .collect();
    let mut fresh = 0;
    let mut refused = 0;
    for race in racing {
        let reply = race.await.unwrap();
        match (reply.status, reply.is_replayed) {
            (200, false) => fresh += 1,
            (200, true) => {}
            _ => {
                assert_eq!((reply.status, reply.code()), (409, "idempotency_key_in_use"));
                refused += 1;
            }
        }
    }
    assert_eq!((fresh, sent(&server)), (1, 1));
    assert!(refused > 0, "some came while the first was under way");
    assert!(send(&alice, "k").await.is_replayed);
}

#[tokio::test]
async fn a_client_that_hangs_up_finds_the_answer_later() {
    let (server, alice) = connected().await;
    strike(&server, Fault::Delay(500));
    let hasty = tokio::time::timeout(Duration::from_millis(250), send(&alice, "k")).await;
    assert!(hasty.is_err());
    let mut later = send(&alice, "k").await;
    while later.code() == "idempotency_key_in_use" {
        tokio::time::sleep(Duration::from_millis(50)).await;
        later = send(&alice, "k").await;
    }
    assert_eq!((later.outcome(), sent(&server)), ("completed", 1));
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let (server, alice) = connected().await;
    send(&alice, "k").await;
    server.clock.advance(Duration::from_secs(24 * 3_600 - 1));
    server.app.engine().janitor.sweep().await.unwrap();
    server.app.engine().revocations.work_off_all().await.unwrap();
    assert!(send(&alice, "k").await.is_replayed);
    server.clock.advance(Duration::from_secs(1));
    let anew = alice.post_keyed(SEND, message("Something else"), "k").await;
    assert_eq!((anew.outcome(), anew.is_replayed), ("completed", false));
}

#[tokio::test]
async fn a_request_that_broke_off_is_reported_and_not_repeated() {
    let (server, alice) = connected().await;
    send(&alice, "k").await;
    let broken_off = "UPDATE idempotent_requests SET answer = NULL";
    server.db.execute(broken_off, Vec::new()).await.unwrap();
    assert_eq!(send(&alice, "k").await.code(), "idempotency_key_in_use");
    server.clock.advance(Duration::from_mins(5));
    let over = send(&alice, "k").await;
    assert_eq!((over.status, over.code()), (409, "idempotent_request_interrupted"));
    let other = alice.post_keyed(SEND, message("Twice"), "k").await;
    assert_eq!(other.code(), "idempotency_key_reused");
    assert_eq!(sent(&server), 1);
}

#[tokio::test]
async fn a_key_is_short_plain_text() {
    let (server, alice) = connected().await;
    assert_eq!(send(&alice, &"k".repeat(255)).await.outcome(), "completed");
    for bad in ["", &"k".repeat(256)] {
        let refused = send(&alice, bad).await;
        assert_eq!((refused.status, refused.code()), (400, "invalid_header"));
    }
    assert_eq!(sent(&server), 1);
}

#[tokio::test]
async fn a_kept_answer_is_sealed_and_bound_to_its_key() {
    const MARKER: &str = "CANARY-answer-0123456789";
    let (server, alice) = connected().await;
    alice.post_keyed(SEND, message(MARKER), "sent").await;
    let search = "/v1/tools/slack_search_messages/call";
    let query = json!({"arguments": {"query": MARKER}});
    let found = alice.post_keyed(search, query.clone(), "found").await;
    assert_eq!(found.body["data"]["matches"][0]["text"], MARKER);
    if let Some(stored) = server.database_bytes() {
        let holds = |text: &str| stored.windows(text.len()).any(|at| at == text.as_bytes());
        assert!(holds("idempotent_requests"), "the database is what is looked at");
        assert!(!holds(MARKER));
    }
    let same_for_both = "
        UPDATE idempotent_requests SET answer =
            (SELECT answer FROM idempotent_requests ORDER BY id LIMIT 1)";
    server.db.execute(same_for_both, Vec::new()).await.unwrap();
    let mut statuses = [
        alice.post_keyed(SEND, message(MARKER), "sent").await.status,
        alice.post_keyed(search, query, "found").await.status,
    ];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 500], "one has its own, the other's does not open");
}

#[tokio::test]
async fn a_session_is_opened_once() {
    let server = TestServer::start().await;
    let open = async |end_user: &str| {
        let body = json!({"end_user_id": end_user});
        server.backend().post_keyed(SESSIONS, body, "k").await
    };
    let first = open("alice").await;
    let again = open("alice").await;
    assert_eq!((again.status, again.is_replayed), (201, true));
    assert_eq!(again.body, first.body);
    assert_eq!(open("bob").await.code(), "idempotency_key_reused");
}

#[tokio::test]
async fn a_connector_is_enabled_once() {
    let server = TestServer::start().await;
    let admin = server.admin();
    admin.delete(&server.managed("")).await;
    let path = format!("/v1/projects/{}/connectors", server.tenant.project);
    let body = json!({"connector": "slack", "environment": "test", "sandbox": true});
    let first = admin.post_keyed(&path, body.clone(), "k").await;
    let again = admin.post_keyed(&path, body.clone(), "k").await;
    assert_eq!((first.status, again.status, again.is_replayed), (201, 201, true));
    assert_eq!(again.body, first.body);
    let anew = admin.post_keyed(&path, body.clone(), "l").await;
    assert_eq!((anew.status, anew.code()), (409, "already_enabled"));
    admin.delete(&server.managed("")).await;
    let anew = admin.post_keyed(&path, body, "l").await;
    assert_eq!((anew.status, anew.is_replayed), (201, false), "a refusal is not kept");
}
