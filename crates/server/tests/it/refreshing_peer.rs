//! Refreshing at the OAuth server that nobody here wrote: its access tokens live for three seconds,
//! and a refresh token that is used again ends everything.

use std::time::{Duration, Instant};

use astralform_domain::Clock;
use astralform_testkit::{Agent, Setup, TestServer, postgres_url};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::peer::{TOOL, World, count, log, started};

const LIFETIME: u32 = 3;
const END_USERS: [&str; 3] = ["alice", "bob", "carol"];
const CALLERS: usize = 3;

async fn world(postgres: Option<String>) -> World {
    let setup = Setup { clock: Some(Clock::system()), postgres, ..Setup::default() };
    let world = started(setup, LIFETIME).await;
    for end_user in END_USERS {
        world.server.connect(end_user, TOOL).await;
    }
    world
}

/// Calls for `time` without a pause, and gives what did not complete.
async fn call_on(agent: Agent, time: Duration) -> Vec<Value> {
    let started = Instant::now();
    let mut others = Vec::new();
    while started.elapsed() < time {
        let reply = agent.call(TOOL, json!({"limit": 1})).await;
        if reply.outcome() != "completed" {
            others.push(reply.body);
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    others
}

/// Calls as everybody at every node for several lifetimes of a token.
async fn hold(nodes: &[&TestServer], world: &World) {
    let mut calling = JoinSet::new();
    for node in nodes {
        for end_user in END_USERS {
            for _ in 0..CALLERS {
                calling.spawn(call_on(node.agent(end_user), Duration::from_secs(15)));
            }
        }
    }
    let others = calling.join_all().await.concat();
    assert!(others.is_empty(), "{} calls: {:?}", others.len(), others.first());

    let log = log(&world.peer).await;
    let requests = log["token_requests"].as_array().unwrap();
    let refreshes = requests.iter().filter(|request| request["grant_type"] == "refresh_token");
    let (good, bad): (Vec<_>, Vec<_>) = refreshes.partition(|request| request["status"] == 200);
    assert!(bad.is_empty(), "{bad:?}");
    assert!(good.len() >= 3 * END_USERS.len(), "{} refreshes", good.len());
    assert_eq!(count(&log, "revocations"), 0);
}

/// Checks that the last refresh token is a good one, and it reaches the peer when its connection
/// ends.
async fn end(server: &TestServer, world: &World) {
    tokio::time::sleep(Duration::from_secs(u64::from(LIFETIME) + 1)).await;
    for end_user in END_USERS {
        let agent = server.agent(end_user);
        assert_eq!(agent.call(TOOL, json!({})).await.outcome(), "completed");
        let listed = agent.get("/v1/connections").await;
        let connection = listed.body["data"][0]["id"].as_str().unwrap();
        let deleted = agent.delete(&format!("/v1/connections/{connection}")).await;
        assert_eq!(deleted.status, 204, "{deleted:?}");
    }
    let patience = Instant::now();
    while count(&log(&world.peer).await, "revocations") < END_USERS.len() {
        assert!(patience.elapsed() < Duration::from_secs(30), "{}", log(&world.peer).await);
        server.app.engine().revocations.work_off_all().await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let log = log(&world.peer).await;
    let revocations = log["revocations"].as_array().unwrap();
    assert!(revocations.iter().all(|one| one["token"] == "refresh_token"), "{revocations:?}");
}

#[tokio::test]
async fn r1_tokens_of_three_seconds_under_strict_rotation_never_fail_a_call() {
    let world = world(None).await;
    hold(&[&world.server], &world).await;
    end(&world.server, &world).await;
}

#[tokio::test]
async fn r1_tokens_of_three_seconds_never_fail_a_call_at_either_of_two_nodes() {
    let Some(url) = postgres_url() else { return };
    let world = world(Some(url)).await;
    let other = world.server.second_node().await;
    hold(&[&world.server, &other], &world).await;
    end(&other, &world).await;
}
