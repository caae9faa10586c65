//! One provider's trouble stays its own: tokens of others are refreshed, connections end, and nobody
//! has to connect again because of an incident.

use std::time::{Duration, Instant};

use astralform_domain::{
    Actor, Clock, ConnectorSlug, Environment, EnvironmentSettings, Timestamp, VerifyEndUser,
};
use astralform_simulator::hostile::{Chances, Habit, Pair, Temper, Trouble};
use astralform_storage::refreshes::{self, Claimant, RefreshKey};
use astralform_surface::App;
use astralform_testkit::{
    Filled, HostileProvider, Receiver, Reply, Setup, TestServer, postgres_url,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const READ: &str = HostileProvider::READ;
const LIFE: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);
/// Long enough for any machine.
const PATIENCE: Duration = Duration::from_mins(1);

fn temper() -> Temper {
    Temper { lifetime: LIFE, habits: [Habit::Asks].into(), ..Temper::default() }
}

/// A server with two providers, of which each has a connector of its own.
struct Two {
    troubled: HostileProvider,
    healthy: HostileProvider,
    server: TestServer,
}

impl Two {
    async fn start(troubled: Temper) -> Self {
        let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
        let troubled = HostileProvider::start(&clock, troubled).await;
        let healthy = HostileProvider::start(&clock, temper()).await;
        let setup = Setup { catalogue: vec![healthy.yaml_as("healthy")], ..troubled.setup(&clock) };
        let server = TestServer::with(setup).await;
        let (id, secret) = HostileProvider::CLIENT;
        let wanted = json!({
            "connector": "healthy",
            "environment": server.tenant.environment,
            "credentials": {"client_id": id, "client_secret": secret},
        });
        let enabled = server.admin().post(&server.project("/connectors"), wanted).await;
        assert_eq!(enabled.status, 201, "{enabled:?}");
        Self { troubled, healthy, server }
    }

    /// Stores so many connections whose tokens are due at either provider; those of the healthy one
    /// come last.
    async fn fill(&self, troubled: usize, healthy: usize) {
        let slug: ConnectorSlug = "healthy".parse().unwrap();
        let due = self.server.clock.now();
        for (provider, slug, number, earlier) in
            [(&self.troubled, &self.server.slug, troubled, 2), (&self.healthy, &slug, healthy, 1)]
        {
            let pairs: Vec<_> =
                (0..number).map(|at| provider.hostile.grant(&format!("{at}"))).collect();
            let refresh_at = Some(due.before(Duration::from_secs(earlier)));
            let tokens: Vec<_> =
                pairs.iter().map(|pair| filled(pair, due.after(LIFE), refresh_at)).collect();
            self.server.fill_with(slug, "default", &["items"], &tokens).await;
        }
    }

    /// Looks for what is due as a server does every second, until the healthy provider has refreshed
    /// so many.
    async fn until_refreshed(&self, app: &App, healthy: u64) {
        let began = Instant::now();
        while self.healthy.hostile.ledger().refreshes < healthy {
            assert!(began.elapsed() < PATIENCE, "{:?}", self.healthy.hostile.ledger());
            app.engine().upkeep.keep_fresh().await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn filled(pair: &Pair, expires_at: Timestamp, refresh_at: Option<Timestamp>) -> Filled<'_> {
    Filled {
        access_token: &pair.access_token,
        refresh_token: Some(&pair.refresh_token),
        expires_at: Some(expires_at),
        refresh_at,
    }
}

/// F9.
#[tokio::test]
async fn r8_tokens_of_a_connector_that_cannot_be_used_hold_up_no_others() {
    let two = Two::start(temper()).await;
    two.fill(110, 1).await;
    let app = two.server.restarted_without(&two.server.slug);
    two.until_refreshed(&app, 1).await;
    let began = Instant::now();
    let never = Timestamp::from_secs(0);
    let by = Claimant { node: "whoever looks", takes_over: true };
    let waiting = async || {
        let now = two.server.clock.now();
        refreshes::waiting(&two.server.db, by, now, never).await.unwrap().len()
    };
    while waiting().await > 0 {
        assert!(began.elapsed() < PATIENCE, "they are not put off");
        app.engine().upkeep.keep_fresh().await.unwrap();
        app.engine().upkeep.finish_refreshes(PATIENCE).await;
    }
    assert_eq!(two.troubled.hostile.ledger().refreshes, 0);
}

/// F9.
#[tokio::test]
async fn r8_a_provider_that_hangs_holds_up_no_other_providers_tokens() {
    let chances = Chances { troubles: vec![(Trouble::HangBefore, 1.0)], ..Chances::default() };
    let two = Two::start(Temper { chances, hang: 10 * PATIENCE, ..temper() }).await;
    two.fill(300, 5).await;
    let app = &two.server.app;
    // Until as many hang as may.
    for _ in 0..5 {
        app.engine().upkeep.keep_fresh().await.unwrap();
    }
    two.until_refreshed(app, 5).await;
    assert!(app.engine().upkeep.finish_refreshes(Duration::ZERO).await >= 100, "the others hang");
    assert_eq!(two.troubled.hostile.ledger().refreshes, 0);
}

/// Returns a server at a provider, with so many connections that can be renewed and as many that
/// cannot.
async fn with_users(number: usize, temper: Temper) -> (HostileProvider, TestServer) {
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    let provider = HostileProvider::start(&clock, temper).await;
    let server = TestServer::with(provider.setup(&clock)).await;
    let pairs: Vec<_> =
        (0..2 * number).map(|at| provider.hostile.grant(&format!("{at}"))).collect();
    let end = clock.now().after(LIFE);
    let token = |(at, pair)| {
        let token = filled(pair, end, None);
        let refresh_token = token.refresh_token.filter(|_| at % 2 == 0);
        Filled { refresh_token, ..token }
    };
    let tokens: Vec<_> = pairs.iter().enumerate().map(token).collect();
    server.fill_with(&server.slug, "default", &["items"], &tokens).await;
    (provider, server)
}

/// Returns what a call of each of the users answers.
async fn all_call(server: &TestServer, users: usize) -> Vec<Reply> {
    let calls = (0..users).map(|at| {
        let agent = server.agent(&format!("user-{at}"));
        async move { agent.call(READ, json!({})).await }
    });
    calls.collect::<JoinSet<_>>().join_all().await
}

fn are_all_unavailable(replies: &[Reply]) {
    for reply in replies {
        let error = &reply.body["error"];
        assert_eq!(
            (&error["kind"], &error["retryable"]),
            (&json!("provider_unavailable"), &json!(true)),
            "{reply:?}"
        );
    }
}

async fn state(server: &TestServer, end_user: &str) -> (Value, Value) {
    let listed = server.agent(end_user).get("/v1/connections").await.body["data"][0].clone();
    (listed["status"].clone(), listed["reason"].clone())
}

#[tokio::test]
async fn r4_an_incident_in_which_every_token_is_refused_costs_nobody_a_reconnect() {
    let (provider, server) = with_users(100, temper()).await;
    provider.hostile.change(|temper| temper.habits.extend([Habit::RefusesTokens]));
    for second in 0..=6 {
        are_all_unavailable(&all_call(&server, 200).await);
        are_all_unavailable(&all_call(&server, 200).await);
        let ledger = provider.hostile.ledger();
        let askings = 1 + second / 6;
        assert_eq!(ledger.identities, 100 * askings, "once a minute for each");
        assert_eq!(ledger.refreshes, 100 * askings, "once a minute for each");
        server.clock.advance(Duration::from_secs(10));
    }
    provider.hostile.change(|temper| temper.habits.retain(|it| *it != Habit::RefusesTokens));
    let after = all_call(&server, 200).await;
    assert!(after.iter().all(|reply| reply.outcome() == "completed"), "{after:?}");

    server.clock.advance(LIFE / 2);
    provider.hostile.change(|temper| temper.habits.extend([Habit::RefusesTokens]));
    are_all_unavailable(&all_call(&server, 200).await);
    provider.hostile.change(|temper| temper.habits.retain(|it| *it != Habit::RefusesTokens));
    let after = all_call(&server, 200).await;
    assert!(after.iter().all(|reply| reply.outcome() == "completed"), "another day's incident");
}

#[tokio::test]
async fn r4_a_token_that_cannot_be_renewed_is_dead_when_its_provider_says_so_for_ten_minutes() {
    let (provider, server) = with_users(1, temper()).await;
    let plain = server.agent("user-1");
    provider.hostile.revoke("1");
    for minutes in [0, 1, 8] {
        server.clock.advance(minutes * MINUTE);
        are_all_unavailable(&[plain.call(READ, json!({})).await]);
        assert_eq!(state(&server, "user-1").await.0, "active", "after {minutes} more minutes");
    }
    server.clock.advance(MINUTE);
    assert_eq!(plain.call(READ, json!({})).await.outcome(), "auth_required");
    let dead = (json!("needs_reauth"), json!("token_rejected"));
    assert_eq!(state(&server, "user-1").await, dead);

    provider.hostile.revoke("0");
    let renewable = server.agent("user-0").call(READ, json!({})).await;
    assert_eq!(renewable.outcome(), "auth_required", "the refresh token says so at once");
    let dead = (json!("needs_reauth"), json!("refresh_rejected"));
    assert_eq!(state(&server, "user-0").await, dead);
}

#[tokio::test]
async fn r4_a_401_after_a_refresh_that_succeeded_ends_nothing_however_long_it_lasts() {
    let (provider, server) = with_users(1, temper()).await;
    provider.hostile.change(|temper| temper.habits.extend([Habit::RefusesTokens]));
    for asked in 1..=30 {
        are_all_unavailable(&[server.agent("user-0").call(READ, json!({})).await]);
        are_all_unavailable(&[server.agent("user-0").call(READ, json!({})).await]);
        assert_eq!(provider.hostile.ledger().refreshes, asked);
        server.clock.advance(MINUTE);
    }
    assert_eq!(state(&server, "user-0").await, (json!("active"), Value::Null));
}

/// Returns a server at a provider, where alice is connected.
async fn connected(temper: Temper, setup: Setup) -> (HostileProvider, TestServer) {
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    let provider = HostileProvider::start(&clock, temper).await;
    let of_provider = provider.setup(&clock);
    let setup = Setup { connector: of_provider.connector, clock: of_provider.clock, ..setup };
    let server = TestServer::with(setup).await;
    provider.hostile.allow_redirect(&server.app.engine().site().shared_redirect_uri());
    provider.hostile.sign_in("someone");
    server.connect("alice", READ).await;
    (provider, server)
}

/// F11: the process that the database took to be dead has its answer after all.
#[tokio::test]
async fn r2_a_good_answer_that_comes_late_brings_its_connection_back() {
    let latency = Duration::from_secs(4);
    let (provider, server) = connected(Temper { latency, ..temper() }, Setup::default()).await;
    if server.database_from_outside().await.is_none() {
        return; // Only where one server is alone does the next one take over at once.
    }
    let receiver = Receiver::start().await;
    let hook = json!({"url": receiver.url});
    let made = server.admin().post(&server.project("/webhooks?environment=test"), hook).await;
    assert_eq!(made.status, 201, "{made:?}");
    server.clock.advance(LIFE);
    let late = server.agent("alice");
    let late = tokio::spawn(async move { late.call(READ, json!({})).await });
    let began = Instant::now();
    while provider.hostile.ledger().refreshes == 0 {
        assert!(began.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    provider.hostile.change(|temper| temper.latency = Duration::ZERO);
    let next = server.restarted();
    next.engine().upkeep.recover().await.unwrap();
    assert_eq!(next.engine().upkeep.finish_refreshes(PATIENCE).await, 0);
    let lost = (json!("needs_reauth"), json!("refresh_outcome_unknown"));
    assert_eq!(state(&server, "alice").await, lost, "the token was used again");

    late.await.unwrap();
    server.app.engine().upkeep.finish_refreshes(PATIENCE).await;
    server.deliver_webhooks().await;
    let told: Vec<_> = receiver.changes().into_iter().map(|(_, new)| new).collect();
    assert_eq!(told[..2], ["needs_reauth", "active"]);
}

/// F11: nobody takes the answer any more.
#[tokio::test]
async fn r3_tokens_in_a_file_that_nobody_takes_are_ended_at_the_provider() {
    let latency = Duration::from_millis(500);
    let (provider, server) = connected(Temper { latency, ..temper() }, Setup::default()).await;
    let Some(outside) = server.database_from_outside().await else { return };
    server.clock.advance(LIFE);
    let agent = server.agent("alice");
    let call = tokio::spawn(async move { agent.call(READ, json!({})).await.outcome().to_owned() });
    let began = Instant::now();
    while provider.hostile.ledger().refreshes == 0 {
        assert!(began.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let lock = outside.begin(Actor::Product).await.unwrap();
    assert_eq!(call.await.unwrap(), "completed", "out of memory");
    let file = std::fs::read_dir(server.spool()).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read(&file).unwrap();
    drop(lock);
    assert_eq!(server.app.engine().upkeep.finish_refreshes(PATIENCE).await, 0);

    let restart = async || {
        std::fs::write(&file, &text).unwrap();
        server.restarted().engine().upkeep.recover().await.unwrap();
        assert_eq!(server.spooled(), 0, "it is taken care of");
        provider.hostile.ledger().revocations
    };
    assert_eq!(restart().await, 0, "the token is the one that is used");
    let listed = server.agent("alice").get("/v1/connections").await;
    let path = format!("/v1/connections/{}", listed.body["data"][0]["id"].as_str().unwrap());
    assert_eq!(server.agent("alice").delete(&path).await.status, 204);
    server.app.engine().revocations.work_off_all().await.unwrap();
    let before = provider.hostile.ledger().revocations;
    assert_eq!(restart().await, before + 1, "it has ended, and so must what it left");
}

/// F12.
#[tokio::test]
async fn o5_a_sweep_waits_for_no_provider() {
    const USERS: usize = 5;
    let settings = EnvironmentSettings {
        verify_end_user: VerifyEndUser::Confirm,
        return_urls: vec!["https://app.example.com/back".to_owned()],
        allowed_origins: Vec::new(),
    };
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    let habits = [Habit::Asks, Habit::RevocationHangs].into();
    let temper = Temper { habits, hang: 10 * PATIENCE, ..temper() };
    let provider = HostileProvider::start(&clock, temper).await;
    let environment = Environment::Test;
    let setup = Setup { environment, settings: Some(settings), ..provider.setup(&clock) };
    let server = TestServer::with(setup).await;
    provider.hostile.allow_redirect(&server.app.engine().site().shared_redirect_uri());
    provider.hostile.sign_in("someone");
    for user in 0..USERS {
        let asked = server.agent(&format!("user-{user}")).call(READ, json!({})).await;
        let browser = server.browser();
        let callback = browser.callback(asked.link(), "Allow").await;
        assert!(browser.open(callback.as_str()).await.leads_to().is_some());
    }
    server.clock.advance(Duration::from_mins(11));
    let began = Instant::now();
    server.app.engine().janitor.sweep().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(15), "it waited for {:?}", began.elapsed());
    assert_eq!(provider.hostile.ledger().revocations, 0);
    let due = server.app.engine().revocations.due_revocations().await.unwrap();
    assert_eq!(due.len(), 1, "the outbox has them");
}

/// F10: who meets the lease of a node that died is told at once when to come back.
#[tokio::test]
async fn r1_a_caller_is_not_kept_waiting_for_a_node_that_is_gone() {
    let (provider, server) = connected(temper(), Setup::default()).await;
    let listed = server.agent("alice").get("/v1/connections").await;
    let connection = listed.body["data"][0]["id"].as_str().unwrap().parse().unwrap();
    let key = RefreshKey { connection, kind: "default".to_owned() };
    let mut tx = server.db.begin(Actor::Product).await.unwrap();
    let by = Claimant { node: "gone", takes_over: true };
    let lease = refreshes::claim(&mut tx, &key, by, MINUTE).await.unwrap().unwrap();
    refreshes::mark_sent(&mut tx, &lease, 1).await.unwrap();
    tx.commit().await.unwrap();
    server.clock.advance(LIFE);
    let told = server.agent("alice").call(READ, json!({})).await;
    are_all_unavailable(std::slice::from_ref(&told));
    let after = told.body["error"]["retry_after_ms"].as_u64().unwrap();
    assert!((10_000..=60_000).contains(&after), "when its lease is over: {told:?}");
    assert_eq!(provider.hostile.ledger().refreshes, 0);
}

/// F10: the process before is still waiting for what it sent.
#[tokio::test]
async fn b7_the_next_process_of_a_name_leaves_alone_what_the_one_before_has_sent() {
    let Some(url) = postgres_url() else { return };
    let latency = Duration::from_secs(3);
    let setup = Setup { postgres: Some(url), ..Setup::default() };
    let (provider, server) = connected(Temper { latency, ..temper() }, setup).await;
    server.app.engine().upkeep.recover().await.unwrap();
    server.clock.advance(LIFE);
    let agent = server.agent("alice");
    let call = tokio::spawn(async move { agent.call(READ, json!({})).await.outcome().to_owned() });
    let began = Instant::now();
    while provider.hostile.ledger().refreshes == 0 {
        assert!(began.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.app.engine().presence.beat().await.unwrap();
    let next = server.restarted();
    next.engine().upkeep.recover().await.unwrap();
    next.engine().cache.follow().await.unwrap();
    next.engine().upkeep.keep_fresh().await.unwrap();
    assert_eq!(next.engine().upkeep.finish_refreshes(PATIENCE).await, 0);
    assert_eq!(call.await.unwrap(), "completed");
    let ledger = provider.hostile.ledger();
    assert_eq!((ledger.refreshes, ledger.refused, ledger.reused), (1, 0, 0));
    assert_eq!(state(&server, "alice").await, (json!("active"), Value::Null));
}
