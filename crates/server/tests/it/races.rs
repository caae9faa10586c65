//! Things that happen at once: whatever the order turns out to be, nothing usable is left of what
//! was ended, and no token outlives it at the provider.

use std::sync::Arc;

use astralform_domain::{ConnectionStatus, VerifyEndUser};
use astralform_storage::{connections, tokens};
use astralform_testkit::{Reply, TestServer};
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinSet};
use url::Url;

use crate::provider::{NOTES, Provider, callback};

struct World {
    server: Arc<TestServer>,
    provider: Arc<Provider>,
}

async fn world(verify: VerifyEndUser) -> World {
    let (provider, honest, setup) = Provider::with_setup(verify).await;
    let server = TestServer::with(setup).await;
    honest.register(&server);
    World { server: Arc::new(server), provider: Arc::new(provider) }
}

const USERS: usize = 20;

fn user(at: usize) -> String {
    format!("user-{at}")
}

impl World {
    /// Returns a browser that is back from the provider: who it belongs to, and what it carries.
    async fn returning(&self, end_user: &str) -> (astralform_testkit::Browser, Url, String) {
        let asked = self.server.agent(end_user).call(NOTES, json!({})).await;
        let browser = self.server.browser();
        let callback = callback(&browser, asked.link()).await;
        (browser, callback, format!("/v1/auth-requests/{}", asked.auth_request()))
    }

    async fn disable(&self) -> Reply {
        self.server.admin().delete(&self.server.managed("")).await
    }

    /// Checks that nothing of the disabled connector works, and the provider has every token back.
    async fn assert_ended(&self, after: &str) {
        let server = &self.server;
        server.app.engine().janitor.sweep().await.unwrap();
        server.app.engine().revocations.work_off_all().await.unwrap();
        assert_eq!(self.provider.live(), 0, "{after}");
        let counts = connections::counts(&server.db, server.tenant, server.connector).await;
        for (status, number) in counts.unwrap() {
            assert_eq!(status, ConnectionStatus::Revoked, "{number} {after}");
        }
        for at in 0..USERS {
            let agent = server.agent(&user(at));
            assert_eq!(agent.call(NOTES, json!({})).await.status, 404, "{after}");
            let listed = agent.get("/v1/connections").await;
            assert_eq!(listed.body["data"], json!([]), "{after}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_connection_survives_a_connector_disabled_while_its_code_was_exchanged() {
    let world = world(VerifyEndUser::Off).await;
    world.provider.hold(true);
    let mut returns = JoinSet::new();
    for at in 0..USERS {
        let (browser, callback, _) = world.returning(&user(at)).await;
        returns.spawn(async move { browser.open(callback.as_str()).await.status });
    }
    world.provider.exchanged(USERS).await;
    assert_eq!(world.disable().await.status, 200);
    world.provider.hold(false);
    assert_eq!(returns.join_all().await, [303; USERS]);
    assert_eq!(world.provider.live(), 0, "given back without waiting to be swept");
    world.assert_ended("at once").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_connection_survives_a_connector_disabled_while_users_connect() {
    for first in [0, 2, 10] {
        let world = world(VerifyEndUser::Off).await;
        let mut returns = JoinSet::new();
        let mut ready = Vec::new();
        for at in 0..USERS {
            ready.push(world.returning(&user(at)).await);
        }
        for (browser, callback, _) in ready {
            returns.spawn(async move { browser.open(callback.as_str()).await.status });
        }
        world.provider.exchanged(first).await;
        assert_eq!(world.disable().await.status, 200);
        assert_eq!(returns.join_all().await, [303; USERS]);
        world.assert_ended(&format!("after {first} exchanges")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_connection_survives_a_connector_disabled_while_users_are_confirmed() {
    for first in [0, 2, 10] {
        let world = world(VerifyEndUser::Confirm).await;
        let done = watch::Sender::new(0);
        let mut ready = Vec::new();
        for at in 0..USERS {
            let (browser, callback, path) = world.returning(&user(at)).await;
            let back = browser.open(callback.as_str()).await.leads_to().unwrap();
            let proof = back.query_pairs().find(|(name, _)| name == "confirmation").unwrap().1;
            // Every fourth is finished by somebody else.
            let who = if at % 4 == 3 { "mallory".to_owned() } else { user(at) };
            ready.push((path, json!({"end_user_id": who, "confirmation": proof})));
        }
        let mut confirming = JoinSet::new();
        for (path, body) in ready {
            let backend = world.server.backend();
            let done = done.clone();
            confirming.spawn(async move {
                let reply = backend.post(&format!("{path}/confirm"), body).await;
                done.send_modify(|done| *done += 1);
                reply.status
            });
        }
        done.subscribe().wait_for(|done| *done >= first).await.unwrap();
        assert_eq!(world.disable().await.status, 200);
        let ends = confirming.join_all().await;
        assert!(ends.iter().all(|status| [200, 403, 409].contains(status)), "{ends:?}");
        world.assert_ended(&format!("after {first} confirmations")).await;
    }
}

/// Checks what is true of an end user's connections whatever has happened to them.
async fn assert_sound(world: &World, round: usize) {
    let server = &world.server;
    let agent = server.agent("alice");
    let listed = agent.get("/v1/connections").await.body["data"].as_array().unwrap().clone();
    let defaults = listed.iter().filter(|found| found["is_default"] == true).count();
    assert_eq!(defaults, usize::from(!listed.is_empty()), "{round}: {listed:#?}");
    for found in &listed {
        let id = found["id"].as_str().unwrap();
        assert_eq!(found["status"], "active", "{round}: {listed:#?}");
        let kept = tokens::of(&server.db, id.parse().unwrap()).await.unwrap();
        assert_eq!(kept.len(), 1, "{round}: a usable connection has its token");
        let named = json!({"arguments": {}, "connection_id": id});
        let called = agent.post(&format!("/v1/tools/{NOTES}/call"), named).await;
        assert_eq!(called.outcome(), "completed", "{round}: {called:?}");
    }
}

async fn connection_of(world: &World, end_user: &str, account: &str) -> Option<String> {
    let listed = world.server.agent(end_user).get("/v1/connections").await;
    let listed: Vec<Value> = listed.body["data"].as_array().unwrap().clone();
    let found = listed.into_iter().find(|found| found["account"]["id"] == account)?;
    Some(format!("/v1/connections/{}", found["id"].as_str()?))
}

/// Returns a browser that is about to connect `account`, once more or for the first time.
async fn connecting(
    world: &World,
    end_user: &str,
    account: &str,
) -> impl Future<Output = u16> + use<> {
    world.provider.sign_in(account);
    let body = json!({"connector": "notes", "account": "new"});
    let asked = world.server.agent(end_user).post("/v1/auth-requests", body).await;
    let browser = world.server.browser();
    let callback = callback(&browser, asked.body["url"].as_str().unwrap()).await;
    async move { browser.open(callback.as_str()).await.status }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disconnecting_while_connecting_again_leaves_sound_connections() {
    let world = world(VerifyEndUser::Off).await;
    let agent = world.server.agent("alice");
    for round in 0..15 {
        for account in ["1", "2"] {
            if connection_of(&world, "alice", &format!("U{account}")).await.is_none() {
                assert_eq!(connecting(&world, "alice", account).await.await, 303);
            }
        }
        let [first, second] = [
            connection_of(&world, "alice", "U1").await,
            connection_of(&world, "alice", "U2").await,
        ];
        let again = connecting(&world, "alice", "1").await;
        let mut racing = JoinSet::new();
        racing.spawn(again);
        let deleting = agent.clone();
        let changing = agent.clone();
        racing.spawn(async move { deleting.delete(&first.unwrap()).await.status });
        racing.spawn(async move {
            changing.patch(&second.unwrap(), json!({"is_default": true})).await.status
        });
        let ends = racing.join_all().await;
        assert!(ends.iter().all(|status| *status < 500), "{round}: {ends:?}");
        assert_sound(&world, round).await;
    }
    world.server.app.engine().janitor.sweep().await.unwrap();
    world.server.app.engine().revocations.work_off_all().await.unwrap();
    assert_sound(&world, 15).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_connection_survives_a_connector_disabled_while_users_disconnect() {
    for first in [0, 2, 10] {
        let world = world(VerifyEndUser::Off).await;
        let done = watch::Sender::new(0);
        let mut ready = Vec::new();
        for at in 0..USERS {
            // The older one is the default, or the younger one.
            let accounts = [["1", "2"], ["2", "1"]][at % 2];
            for account in accounts {
                assert_eq!(connecting(&world, &user(at), account).await.await, 303);
            }
            let path = connection_of(&world, &user(at), "U1").await.unwrap();
            let agent = world.server.agent(&user(at));
            let preferred = agent.patch(&path, json!({"is_default": true})).await;
            assert_eq!(preferred.status, 200, "{preferred:?}");
            ready.push((agent, path));
        }
        let mut disconnecting = JoinSet::new();
        for (agent, path) in ready {
            let done = done.clone();
            disconnecting.spawn(async move {
                let status = agent.delete(&path).await.status;
                done.send_modify(|done| *done += 1);
                status
            });
        }
        done.subscribe().wait_for(|done| *done >= first).await.unwrap();
        assert_eq!(world.disable().await.status, 200, "after {first}");
        let ends = disconnecting.join_all().await;
        assert!(ends.iter().all(|status| [204, 404].contains(status)), "{ends:?}");
        world.assert_ended(&format!("after {first} disconnections")).await;
    }
}
