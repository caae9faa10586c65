//! Tokens that are refreshed at a provider of any temper. Nobody is asked to connect again unless
//! the provider has said so plainly, and no token is lost without a word.

use std::time::Duration;

use astralform_domain::{Actor, Clock, Timestamp};
use astralform_simulator::hostile::{Habit, Rotation, Said, Temper, Trouble};
use astralform_storage::{
    connections, copies,
    refreshes::{self, Claimant, RefreshKey},
};
use astralform_testkit::{HostileProvider, Reply, TestServer};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{explaining::code, history::told};

const READ: &str = HostileProvider::READ;
const WRITE: &str = HostileProvider::WRITE;

/// How long an access token lives in these tests.
pub(crate) const LIFE: Duration = Duration::from_hours(1);

/// How often a provider is asked about a token that its API refuses.
const MINUTE: Duration = Duration::from_mins(1);

pub(crate) fn strict() -> Temper {
    let hang = Duration::from_millis(50);
    let habits = [Habit::Asks].into();
    Temper { rotation: Rotation::Strict, lifetime: LIFE, hang, habits, ..Temper::default() }
}

/// Starts a strict provider with a habit.
fn strict_and(habit: Habit) -> Temper {
    Temper { habits: [Habit::Asks, habit].into(), ..strict() }
}

/// Returns a server at a provider, where alice is connected.
pub(crate) async fn connected(temper: Temper) -> (HostileProvider, TestServer) {
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    let provider = HostileProvider::start(&clock, temper).await;
    let server = TestServer::with(provider.setup(&clock)).await;
    provider.hostile.allow_redirect(&server.app.engine().site().shared_redirect_uri());
    provider.hostile.sign_in("someone");
    server.connect("alice", READ).await;
    (provider, server)
}

pub(crate) async fn read(server: &TestServer) -> Reply {
    server.agent("alice").call(READ, json!({})).await
}

pub(crate) async fn reads(server: &TestServer) -> String {
    read(server).await.outcome().to_owned()
}

/// Returns what the one connection is, and why.
async fn state(server: &TestServer) -> (Value, Value) {
    let listed = server.agent("alice").get("/v1/connections").await.body["data"][0].clone();
    (listed["status"].clone(), listed["reason"].clone())
}

#[tokio::test]
async fn r1_of_fifty_calls_at_once_one_refreshes() {
    let (provider, server) = connected(strict()).await;
    for round in 1..=3 {
        server.clock.advance(LIFE);
        let calls = (0..50).map(|_| {
            let agent = server.agent("alice");
            async move { agent.call(READ, json!({})).await.outcome().to_owned() }
        });
        let outcomes = calls.collect::<JoinSet<_>>().join_all().await;
        assert!(outcomes.iter().all(|outcome| outcome == "completed"), "{outcomes:?}");
        assert_eq!(provider.hostile.ledger().refreshes, round);
    }
    assert_eq!(provider.hostile.ledger().reused, 0, "no family was revoked");
}

#[tokio::test]
async fn r4_trouble_at_the_provider_costs_nobody_a_reconnect() {
    let (provider, server) = connected(strict()).await;
    for trouble in [Trouble::ServerError, Trouble::TooMany, Trouble::Html, Trouble::HangBefore] {
        server.clock.advance(LIFE);
        provider.hostile.trouble(trouble);
        assert_eq!(reads(&server).await, "completed", "{trouble:?}");
        assert_eq!(state(&server).await, (json!("active"), Value::Null), "{trouble:?}");
    }
}

#[tokio::test]
async fn r4_while_a_provider_is_away_calls_say_when_to_come_back_and_nothing_is_lost() {
    let (provider, server) = connected(strict()).await;
    server.clock.advance(LIFE);
    for _ in 0..20 {
        provider.hostile.trouble(Trouble::ServerError);
    }
    let away = read(&server).await;
    assert_eq!(away.body["error"]["kind"], "provider_unavailable", "{away:?}");
    assert_eq!(away.body["error"]["retryable"], true);
    assert!(away.body["error"]["retry_after_ms"].as_u64() > Some(0), "{away:?}");
    assert_eq!(state(&server).await.0, "active");
}

#[tokio::test]
async fn r2_a_token_lost_on_the_way_is_had_again_where_the_provider_allows_it() {
    for rotation in [Rotation::Grace(Duration::from_mins(1)), Rotation::None] {
        let (provider, server) = connected(Temper { rotation, ..strict() }).await;
        for trouble in [Trouble::HangAfter, Trouble::DropAfter] {
            server.clock.advance(LIFE);
            provider.hostile.trouble(trouble);
            assert_eq!(reads(&server).await, "completed", "{trouble:?}");
        }
        assert_eq!(state(&server).await.0, "active");
    }
}

#[tokio::test]
async fn r2_a_token_lost_for_good_is_told_from_one_that_was_taken_back() {
    let (provider, server) = connected(strict()).await;
    server.clock.advance(LIFE);
    provider.hostile.trouble(Trouble::DropAfter);
    assert_eq!(reads(&server).await, "auth_required");
    assert_eq!(state(&server).await, (json!("needs_reauth"), json!("refresh_outcome_unknown")));
    let id = server.agent("alice").get("/v1/connections").await.body["data"][0]["id"].clone();
    server.connect("alice", READ).await;
    let listed = server.agent("alice").get("/v1/connections").await.body["data"][0].clone();
    assert_eq!((&listed["id"], &listed["status"]), (&id, &json!("active")), "the same connection");

    server.clock.advance(LIFE);
    provider.hostile.revoke(&account(&provider));
    assert_eq!(reads(&server).await, "auth_required");
    assert_eq!(state(&server).await, (json!("needs_reauth"), json!("refresh_rejected")));
    let refused = provider.hostile.ledger().refused;
    assert_eq!(reads(&server).await, "auth_required");
    assert_eq!(provider.hostile.ledger().refused, refused, "it is not tried for ever");
}

/// Returns whose account is connected.
pub(crate) fn account(provider: &HostileProvider) -> String {
    provider.hostile.families().last().unwrap().account.clone()
}

#[tokio::test]
async fn r5_without_a_new_refresh_token_the_old_one_stays() {
    let omitting = strict_and(Habit::OmitsRefreshToken);
    let temper = Temper { rotation: Rotation::None, ..omitting };
    let (provider, server) = connected(temper).await;
    for _ in 0..3 {
        server.clock.advance(LIFE);
        assert_eq!(reads(&server).await, "completed");
    }
    assert_eq!(provider.hostile.ledger().refreshes, 3);
}

#[tokio::test]
async fn r6_whatever_is_said_of_a_lifetime_the_token_is_refreshed_when_it_has_ended() {
    for said in [
        Said::Nothing,
        Said::This(json!(0)),
        Said::This(json!(-1)),
        Said::This(json!("3600")),
        Said::This(json!(1e20)),
    ] {
        let shown = format!("{said:?}");
        let (provider, server) = connected(Temper { expires_in: said, ..strict() }).await;
        assert_eq!(reads(&server).await, "completed", "{shown}");
        server.clock.advance(LIFE + Duration::from_secs(1));
        assert_eq!(reads(&server).await, "completed", "{shown}");
        assert_eq!(provider.hostile.ledger().refreshes, 1, "{shown}");
    }
}

#[tokio::test]
async fn r7_a_token_that_ended_before_its_time_is_refreshed_and_a_write_done_once() {
    let (provider, server) = connected(strict_and(Habit::EndsAccess)).await;
    provider.hostile.expire_all();
    assert_eq!(reads(&server).await, "completed");
    server.clock.advance(MINUTE);
    provider.hostile.expire_all();
    let written = server.agent("alice").call(WRITE, json!({"marker": "m"})).await;
    assert_eq!(written.outcome(), "completed", "{written:?}");
    assert_eq!(provider.hostile.writes("m"), 1);
    assert_eq!(provider.hostile.ledger().refreshes, 2);
}

#[tokio::test]
async fn r7_calls_under_way_survive_that_a_refresh_ends_the_token_they_were_sent_with() {
    let (provider, server) = connected(strict_and(Habit::EndsAccess)).await;
    for round in 0..3 {
        server.clock.advance(MINUTE);
        provider.hostile.expire_all();
        let calls = (0..40).map(|number| {
            let agent = server.agent("alice");
            let marker = format!("{round}/{number}");
            async move { agent.call(WRITE, json!({"marker": marker})).await.outcome().to_owned() }
        });
        let outcomes = calls.collect::<JoinSet<_>>().join_all().await;
        assert!(outcomes.iter().all(|outcome| outcome == "completed"), "{outcomes:?}");
        let once = (0..40).all(|number| provider.hostile.writes(&format!("{round}/{number}")) == 1);
        assert!(once, "a write was done twice, or not at all");
    }
    assert_eq!(provider.hostile.ledger().reused, 0);
}

#[tokio::test]
async fn r4_an_app_that_is_refused_is_its_developers_affair() {
    let (provider, server) = connected(strict()).await;
    server.clock.advance(LIFE);
    provider.hostile.change(|temper| temper.habits.extend([Habit::RefusesClient]));
    let refused = read(&server).await;
    assert_eq!(refused.body["error"]["kind"], "misconfigured", "{refused:?}");
    assert_eq!(state(&server).await.0, "active", "the user can do nothing");
    let shown = server.admin().get(&server.managed("")).await.body;
    assert_eq!(shown["status"], "misconfigured", "{shown}");
    assert!(
        shown["status_reason"].as_str().unwrap().contains("refuses the app's credentials"),
        "{shown}"
    );
    let explained = code(&server, &format!("tool={READ}&end_user=alice")).await;
    assert_eq!(explained, "credentials_rejected");

    provider.hostile.change(|temper| temper.habits.retain(|it| *it != Habit::RefusesClient));
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(reads(&server).await, "completed", "once the pause is over");
    let shown = server.admin().get(&server.managed("")).await.body;
    assert_eq!((&shown["status"], &shown["status_reason"]), (&json!("ready"), &Value::Null));
}

#[tokio::test]
async fn r8_a_token_in_use_is_refreshed_ahead_of_its_end_and_one_that_nobody_uses_is_not() {
    let (provider, server) = connected(strict()).await;
    let engine = server.app.engine();
    let refreshed_after = async |wait: Duration| {
        server.clock.advance(wait);
        engine.upkeep.keep_fresh().await.unwrap();
        assert_eq!(engine.upkeep.finish_refreshes(Duration::from_secs(20)).await, 0);
        provider.hostile.ledger().refreshes
    };
    assert_eq!(refreshed_after(Duration::from_mins(55)).await, 0, "nobody used it");
    assert_eq!(reads(&server).await, "completed");
    engine.upkeep.finish_refreshes(Duration::from_secs(20)).await;
    assert_eq!(provider.hostile.ledger().refreshes, 1, "a call that finds it due does");
    engine.recent_uses.write_uses(true).await.unwrap();
    assert_eq!(refreshed_after(LIFE / 2).await, 1, "it is too early");
    assert_eq!(refreshed_after(Duration::from_mins(25)).await, 2);
    assert_eq!(refreshed_after(Duration::from_hours(8 * 24)).await, 2, "it was used a week ago");
}

/// Returns two servers on one database, at a provider where alice is connected.
async fn two_connected(temper: Temper) -> Option<(HostileProvider, TestServer, TestServer)> {
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    let provider = HostileProvider::start(&clock, temper).await;
    let (first, second) = TestServer::two_nodes(provider.setup(&clock)).await?;
    provider.hostile.allow_redirect(&first.app.engine().site().shared_redirect_uri());
    provider.hostile.sign_in("someone");
    first.connect("alice", READ).await;
    second.catch_up().await;
    Some((provider, first, second))
}

#[tokio::test]
async fn r1_of_calls_at_two_nodes_one_refreshes_and_the_others_use_what_it_got() {
    let latency = Duration::from_millis(30);
    let Some((provider, a, b)) = two_connected(Temper { latency, ..strict() }).await else {
        return;
    };
    for round in 1..=3 {
        a.clock.advance(LIFE);
        let calls = (0..40).map(|number| {
            let agent = if number % 2 == 0 { a.agent("alice") } else { b.agent("alice") };
            async move { agent.call(READ, json!({})).await.outcome().to_owned() }
        });
        let outcomes = calls.collect::<JoinSet<_>>().join_all().await;
        assert!(outcomes.iter().all(|outcome| outcome == "completed"), "{outcomes:?}");
        assert_eq!(provider.hostile.ledger().refreshes, round);
    }
    assert_eq!(provider.hostile.ledger().reused, 0, "no family was revoked");
}

/// After an outage the node that sent it may still be about to store what came of it.
#[tokio::test]
async fn r3_what_another_node_has_sent_is_taken_over_once_the_database_was_heard_for_a_while() {
    let Some((provider, a, _)) = two_connected(strict()).await else { return };
    let id = a.agent("alice").get("/v1/connections").await.body["data"][0]["id"].clone();
    let connection = id.as_str().unwrap().parse().unwrap();
    let key = RefreshKey { connection, kind: "default".to_owned() };
    let mut tx = a.db.begin(Actor::Product).await.unwrap();
    let by = Claimant { node: "cut off", takes_over: false };
    let lease = refreshes::claim(&mut tx, &key, by, Duration::ZERO).await.unwrap().unwrap();
    refreshes::mark_sent(&mut tx, &lease, 1).await.unwrap();
    tx.commit().await.unwrap();

    a.clock.advance(LIFE);
    let back = a.second_node().await;
    let refreshed = async |passed| {
        a.clock.advance(Duration::from_secs(passed));
        back.app.engine().upkeep.keep_fresh().await.unwrap();
        back.app.engine().upkeep.finish_refreshes(Duration::from_secs(5)).await;
        provider.hostile.ledger().refreshes
    };
    assert_eq!(refreshed(0).await, 0);
    assert_eq!(refreshed(14).await, 0);
    assert_eq!(refreshed(1).await, 1, "nobody is to be expected any more");
    assert_eq!(reads(&back).await, "completed");
    assert_eq!(told(&a).await[..2], ["refreshed  1", "not_refreshed no_answer 1"]);
}

/// The answer to a refresh was in the backup, and its token may have been used since.
#[tokio::test]
async fn f28_v5_a_token_out_of_a_restored_answer_is_as_much_in_doubt_as_the_one_it_replaces() {
    let (_provider, server) = connected(strict()).await;
    let id = server.agent("alice").get("/v1/connections").await.body["data"][0]["id"].clone();
    let id = id.as_str().unwrap().parse().unwrap();
    let connection = connections::find(&server.db, server.tenant, id).await.unwrap().unwrap();
    let key = RefreshKey { connection: id, kind: "default".to_owned() };
    let body = json!({"access_token": "new", "refresh_token": "newer", "expires_in": 3_600});
    let answer = json!({"status": 200, "body": body.to_string()}).to_string();
    let answer = server.kept_answer(&connection, &key, &answer).await;
    let mut tx = server.db.begin(Actor::Product).await.unwrap();
    let by = Claimant { node: "the one before", takes_over: false };
    let lease = refreshes::claim(&mut tx, &key, by, Duration::ZERO).await.unwrap().unwrap();
    refreshes::mark_sent(&mut tx, &lease, 1).await.unwrap();
    tx.commit().await.unwrap();
    assert!(refreshes::keep_answer(&server.db, &lease, &answer).await.unwrap());
    let mut tx = server.db.begin(Actor::Product).await.unwrap();
    assert_eq!(copies::mark_old(&mut tx).await.unwrap(), 1);
    tx.commit().await.unwrap();

    server.clock.advance(LIFE);
    read(&server).await;
    assert_eq!(state(&server).await, (json!("needs_reauth"), json!("refresh_outcome_unknown")));
}

#[tokio::test]
async fn b7_a_refresh_that_was_sent_is_finished_before_a_node_stops() {
    let (provider, server) = connected(strict()).await;
    provider.hostile.change(|temper| temper.latency = Duration::from_millis(300));
    server.clock.advance(Duration::from_mins(59));
    assert_eq!(reads(&server).await, "completed", "with the old token");
    assert_eq!(server.app.engine().upkeep.finish_refreshes(Duration::from_secs(20)).await, 0);
    assert_eq!(provider.hostile.ledger().refreshes, 1);
    server.clock.advance(Duration::from_mins(2));
    assert_eq!(reads(&server).await, "completed");
    assert_eq!(provider.hostile.ledger().refreshes, 1, "what it got was stored");
}

#[tokio::test]
async fn r3_a_token_that_the_database_cannot_take_is_used_and_kept_until_it_can() {
    let (provider, server) = connected(strict()).await;
    let Some(outside) = server.database_from_outside().await else { return };
    provider.hostile.change(|temper| temper.latency = Duration::from_millis(500));
    server.clock.advance(LIFE);
    let agent = server.agent("alice");
    let call = tokio::spawn(async move { agent.call(READ, json!({})).await.outcome().to_owned() });
    while provider.hostile.ledger().peak == 0 || provider.hostile.ledger().refreshes == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let lock = outside.begin(Actor::Product).await.unwrap();
    assert_eq!(call.await.unwrap(), "completed", "out of memory");
    assert_eq!(server.spooled(), 1);
    assert_eq!(reads(&server).await, "completed", "so is the next one");
    drop(lock);
    assert_eq!(server.app.engine().upkeep.finish_refreshes(Duration::from_secs(20)).await, 0);
    assert_eq!(server.spooled(), 0, "it is stored");
    server.clock.advance(LIFE);
    assert_eq!(reads(&server).await, "completed", "with the refresh token that was stored");
    let ledger = provider.hostile.ledger();
    assert_eq!((ledger.refreshes, ledger.reused), (2, 0));
}

#[tokio::test]
async fn r3_without_a_database_that_takes_the_intent_the_provider_is_not_called() {
    let (provider, server) = connected(strict()).await;
    let Some(outside) = server.database_from_outside().await else { return };
    server.clock.advance(LIFE);
    let lock = outside.begin(Actor::Product).await.unwrap();
    let reply = read(&server).await;
    assert_eq!(reply.status, 503, "{reply:?}");
    assert_eq!(provider.hostile.ledger().refreshes, 0);
    drop(lock);
    assert_eq!(reads(&server).await, "completed");
    assert_eq!(state(&server).await.0, "active");
}
