//! What has ended is ended at the provider too, however long that takes.

use std::{collections::BTreeMap, time::Duration};

use astralform_domain::{ConnectionId, Revocation, RevocationStatus};
use astralform_simulator::{Fault, Times};
use astralform_storage::{revocations, tokens};
use astralform_surface::App;
use astralform_testkit::{Setup, TestServer};
use serde_json::{Value, json};

use crate::ending::{CLIENT, Ending, Mood, fill};

const SLACK: &str = "slack_list_channels";
const NOTES: &str = "notes_list";
const HOUR: Duration = Duration::from_hours(1);

async fn disconnect(server: &TestServer, end_user: &str) -> ConnectionId {
    let agent = server.agent(end_user);
    let listed = agent.get("/v1/connections").await;
    let id = listed.body["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(agent.delete(&format!("/v1/connections/{id}")).await.status, 204);
    id.parse().unwrap()
}

async fn disable(server: &TestServer) -> Value {
    let disabled = server.admin().delete(&server.managed("")).await;
    assert_eq!(disabled.status, 200, "{disabled:?}");
    disabled.body["revoked_connections"].clone()
}

async fn receipt(server: &TestServer, id: ConnectionId) -> Revocation {
    revocations::find(&server.db, server.tenant, id).await.unwrap().unwrap()
}

/// Returns how many receipts of these connections there are of each status.
async fn receipts(server: &TestServer, of: &[ConnectionId]) -> BTreeMap<RevocationStatus, usize> {
    let mut counts = BTreeMap::new();
    for id in of {
        *counts.entry(receipt(server, *id).await.status).or_default() += 1;
    }
    counts
}

/// Does what the node's background work does, for so long.
async fn work(server: &TestServer, app: &App, hours: u32) {
    for _ in 0..hours * 6 {
        app.engine().revocations.work_off_all().await.unwrap();
        server.clock.advance(HOUR / 6);
    }
    app.engine().revocations.work_off_all().await.unwrap();
}

async fn slack() -> TestServer {
    let server = TestServer::start().await;
    server.connect("alice", SLACK).await;
    server
}

fn down(server: &TestServer) {
    server.slack().inject("auth.revoke", Fault::Status(503), Times::Always).unwrap();
}

#[tokio::test]
async fn b6_while_the_provider_is_down_a_connection_is_dead_here_and_its_token_is_kept_for_the_outbox()
 {
    let server = slack().await;
    down(&server);
    let id = disconnect(&server, "alice").await;
    assert_eq!(server.agent("alice").call(SLACK, json!({})).await.outcome(), "auth_required");
    let waiting = receipt(&server, id).await;
    assert_eq!((waiting.status, waiting.attempts), (RevocationStatus::Pending, 1));
    assert_eq!(waiting.last_error.as_deref(), Some("the provider answered with status 503"));
    assert_eq!(server.slack().grants().len(), 1, "503 means that it is alive still");

    work(&server, &server.app, 2).await;
    assert_eq!(receipt(&server, id).await.status, RevocationStatus::Pending);
    server.slack().clear_faults();
    work(&server, &server.app, 1).await;
    let settled = receipt(&server, id).await;
    assert_eq!(settled.status, RevocationStatus::ProviderConfirmed);
    assert!(settled.finished_at.is_some() && settled.last_error.is_none());
    assert!(server.slack().grants().is_empty());
    assert!(tokens::of(&server.db, id).await.unwrap().is_empty(), "nothing is left of it here");
}

#[tokio::test]
async fn b6_after_seven_days_the_outbox_gives_up_and_erases_the_token() {
    let server = slack().await;
    down(&server);
    let id = disconnect(&server, "alice").await;
    work(&server, &server.app, 7 * 24 - 1).await;
    assert_eq!(receipt(&server, id).await.status, RevocationStatus::Pending);
    assert!(!tokens::of(&server.db, id).await.unwrap().is_empty());
    work(&server, &server.app, 2).await;
    let over = receipt(&server, id).await;
    assert_eq!(over.status, RevocationStatus::GaveUp);
    assert_eq!(over.last_error.as_deref(), Some("the provider answered with status 503"));
    assert!(tokens::of(&server.db, id).await.unwrap().is_empty());
    let asked = server.slack_requests("auth.revoke");
    work(&server, &server.app, 24).await;
    assert_eq!(server.slack_requests("auth.revoke"), asked, "nobody asks any more");
}

#[tokio::test]
async fn b6_a_server_that_was_off_for_a_week_asks_before_it_gives_up() {
    let server = slack().await;
    down(&server);
    let id = disconnect(&server, "alice").await;
    server.slack().clear_faults();
    server.clock.advance(8 * 24 * HOUR);
    server.restarted().engine().revocations.work_off_all().await.unwrap();
    assert_eq!(receipt(&server, id).await.status, RevocationStatus::ProviderConfirmed);
}

#[tokio::test]
async fn b6_a_token_that_is_dead_already_counts_as_confirmed_where_the_provider_says_so() {
    let server = slack().await;
    server.slack().revoke_all();
    let id = disconnect(&server, "alice").await;
    assert_eq!(receipt(&server, id).await.status, RevocationStatus::ProviderConfirmed);

    let server = TestServer::with(Setup { sandboxed: "github", ..Setup::default() }).await;
    let asked = server.agent("alice").call("github_list_repos", json!({})).await;
    server.browser().connect(asked.link(), "Authorize").await;
    server.github().revoke(&astralform_simulator::github::TokenSelector::default());
    let id = disconnect(&server, "alice").await;
    assert_eq!(receipt(&server, id).await.status, RevocationStatus::ProviderConfirmed);
}

/// Somebody connects the account that another end user has connected too, and is given the same
/// token.
#[tokio::test]
async fn b6_a_token_that_serves_another_connection_too_ends_with_the_last_of_them() {
    let server = slack().await;
    server.connect("bob", SLACK).await;
    let first = disconnect(&server, "alice").await;
    let kept = receipt(&server, first).await;
    assert_eq!(kept.status, RevocationStatus::ProviderCannot);
    assert!(kept.last_error.unwrap().contains("serves other connections"));
    assert_eq!(server.agent("alice").call(SLACK, json!({})).await.outcome(), "auth_required");
    assert_eq!(server.agent("bob").call(SLACK, json!({})).await.outcome(), "completed");
    let last = disconnect(&server, "bob").await;
    assert_eq!(receipt(&server, last).await.status, RevocationStatus::ProviderConfirmed);
    assert!(server.slack().grants().is_empty());
}

#[tokio::test]
async fn b6_an_answer_that_confirms_nothing_is_no_receipt() {
    let provider = Ending::start().await;
    let server = TestServer::with(provider.setup()).await;
    for (mood, why) in
        [(Mood::Refusing, "not confirmed: status 400"), (Mood::Page, "not confirmed: status 200")]
    {
        fill(&server, 1).await;
        provider.be(mood);
        let id = disconnect(&server, "user-0").await;
        let waiting = receipt(&server, id).await;
        assert_eq!(waiting.status, RevocationStatus::Pending, "{mood:?}");
        assert_eq!(waiting.last_error.as_deref(), Some(why));
        provider.be(Mood::Well);
        work(&server, &server.app, 1).await;
        assert_eq!(receipt(&server, id).await.status, RevocationStatus::ProviderConfirmed);
    }
}

#[tokio::test]
async fn b6_a_provider_that_says_wait_is_left_alone_for_so_long() {
    let provider = Ending::start().await;
    let server = TestServer::with(provider.setup()).await;
    let all = fill(&server, 20).await;
    provider.be(Mood::Limiting(3_600));
    assert_eq!(disable(&server).await, 20);
    work(&server, &server.app, 0).await;
    let asked = provider.asked();
    assert!((1..=4).contains(&asked), "those under way at the time, and no more: {asked}");
    server.clock.advance(Duration::from_mins(59));
    server.app.engine().revocations.work_off_all().await.unwrap();
    assert_eq!(provider.asked(), asked);
    provider.be(Mood::Well);
    server.clock.advance(Duration::from_mins(1));
    server.app.engine().revocations.work_off_all().await.unwrap();
    assert_eq!(provider.confirmed().len(), all.len());
    assert!(provider.most_under_way() <= 4, "{}", provider.most_under_way());
}

#[tokio::test]
async fn b6_a_provider_that_is_down_is_asked_by_one_request_now_and_then() {
    let provider = Ending::start().await;
    let server = TestServer::with(provider.setup()).await;
    fill(&server, 100).await;
    provider.be(Mood::Down);
    disable(&server).await;
    work(&server, &server.app, 24).await;
    assert!(provider.asked() < 300, "{} requests in a day", provider.asked());
}

#[tokio::test]
async fn b6_a_provider_that_is_back_after_some_minutes_is_asked_within_one() {
    const STEP: Duration = Duration::from_secs(2);
    let provider = Ending::start().await;
    let server = TestServer::with(provider.setup()).await;
    let all = fill(&server, 20).await;
    provider.be(Mood::Down);
    disable(&server).await;
    for _ in 0..300 {
        server.app.engine().revocations.work_off_all().await.unwrap();
        server.clock.advance(STEP);
    }
    assert!((10..40).contains(&provider.asked()), "{} in ten minutes", provider.asked());
    provider.be(Mood::Well);
    for _ in 0..30 {
        server.clock.advance(STEP);
        server.app.engine().revocations.work_off_all().await.unwrap();
    }
    assert_eq!(provider.confirmed().len(), all.len());
}

#[tokio::test]
async fn b6_a_new_secret_does_not_keep_tokens_from_being_ended() {
    let provider = Ending::start().await;
    let server = TestServer::with(provider.setup()).await;
    fill(&server, 3).await;
    let new = "CANARY-ending-secret-two";
    provider.take_only(new);
    let change = json!({"credentials": {"client_secret": new}});
    assert_eq!(server.admin().patch(&server.managed(""), change).await.status, 200);
    for (at, taken) in [new, CLIENT.1].into_iter().enumerate() {
        provider.take_only(taken);
        disconnect(&server, &format!("user-{at}")).await;
        assert_eq!(provider.confirmed().len(), at + 1, "the provider takes {taken}");
    }
    provider.take_only("CANARY-neither");
    let id = disconnect(&server, "user-2").await;
    let waiting = receipt(&server, id).await;
    assert_eq!(waiting.status, RevocationStatus::Pending);
    assert!(waiting.last_error.unwrap().contains("refused the app's secret"));
}

#[tokio::test]
async fn b6_what_the_provider_cannot_end_has_a_receipt_that_says_so() {
    let provider = Ending::start().await;
    let server = TestServer::with(provider.setup_without_revocation()).await;
    let ids = server.fill("default", &["CANARY-key".to_owned()]).await;
    disable(&server).await;
    work(&server, &server.app, 0).await;
    let cannot = receipt(&server, ids[0]).await;
    assert_eq!(cannot.status, RevocationStatus::ProviderCannot);
    assert_eq!(cannot.last_error.as_deref(), Some("the provider has no way to revoke tokens"));
    assert!(tokens::of(&server.db, ids[0]).await.unwrap().is_empty());
}

/// The bar: 1,000 connections, the provider down, a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b6_a_thousand_connections_end_at_once_here_and_each_at_the_provider_after_it_is_back() {
    let provider = Ending::start().await;
    let server = TestServer::with(provider.setup()).await;
    let texts: Vec<_> = (0..1_000).map(|at| format!("CANARY-ending-token-{at}")).collect();
    let ids = server.fill("default", &texts).await;
    provider.be(Mood::Down);
    assert_eq!(
        server.agent("user-7").get("/v1/connections").await.body["data"][0]["status"],
        "active"
    );
    assert_eq!(disable(&server).await, 1_000);
    assert_eq!(server.agent("user-7").call(NOTES, json!({})).await.status, 404);
    assert_eq!(server.agent("user-7").get("/v1/connections").await.body["data"], json!([]));
    work(&server, &server.app, 3).await;
    assert_eq!(provider.confirmed().len(), 0);

    let after = server.restarted();
    provider.be(Mood::Well);
    work(&server, &after, 1).await;
    let confirmed = provider.confirmed();
    assert_eq!(confirmed.len(), 1_000);
    assert!(texts.iter().all(|text| confirmed.contains_key(text)));
    assert_eq!(confirmed.values().max(), Some(&1), "each is ended once");
    let expected = BTreeMap::from([(RevocationStatus::ProviderConfirmed, 1_000)]);
    assert_eq!(receipts(&server, &ids).await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b6_several_nodes_ask_for_each_token_once_and_whoever_dies_is_stood_in_for() {
    let provider = Ending::start().await;
    let Some((a, b)) = TestServer::two_nodes(provider.setup()).await else { return };
    let texts: Vec<_> = (0..200).map(|at| format!("CANARY-ending-token-{at}")).collect();
    let ids = a.fill("default", &texts).await;
    disable(&a).await;
    // Somebody took rows, and was never heard of again.
    let now = a.clock.now();
    let lease = now.after(Duration::from_mins(2));
    let lost = revocations::claim(&a.db, a.connector, now, lease, 5).await.unwrap();
    assert_eq!(lost.len(), 5);
    let nodes = [a.app.clone(), b.app.clone(), a.app.clone(), b.app.clone()];
    let working: tokio::task::JoinSet<_> = nodes
        .into_iter()
        .map(|app| async move { app.engine().revocations.work_off_all().await.unwrap() })
        .collect();
    working.join_all().await;
    let confirmed = provider.confirmed();
    assert_eq!((confirmed.len(), confirmed.values().max()), (195, Some(&1)));
    a.clock.advance(Duration::from_mins(2));
    b.app.engine().revocations.work_off_all().await.unwrap();
    let expected = BTreeMap::from([(RevocationStatus::ProviderConfirmed, 200)]);
    assert_eq!(receipts(&b, &ids).await, expected);
}

#[tokio::test]
async fn b6_tokens_that_never_became_a_connection_are_ended_by_the_outbox_too() {
    let server = TestServer::start().await;
    down(&server);
    server.slack().inject("auth.test", Fault::Status(500), Times::Always).unwrap();
    let asked = server.agent("alice").call(SLACK, json!({})).await;
    let page = server.browser().connect(asked.link(), "Allow").await;
    assert_eq!(page.outcome(), "failed");
    assert_eq!(server.slack().grants().len(), 1);
    server.slack().clear_faults();
    work(&server, &server.app, 1).await;
    assert!(server.slack().grants().is_empty());
    assert_eq!(server.agent("alice").get("/v1/connections").await.body["data"], json!([]));
}
