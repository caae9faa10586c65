//! Calls that come while their user is connecting: whatever they find, none of them waits for a
//! prompt that has been answered already.

use std::time::Duration;

use astralform_testkit::{Reply, TestServer};
use serde_json::json;
use tokio::{task::JoinSet, time::timeout};

const TOOL: &str = "slack_list_channels";
const USERS: usize = 8;
const CALLS: u64 = 30;

/// Long enough for any machine, and shorter than the calls wait.
const SOON: Duration = Duration::from_secs(40);

/// Calls that wait for the user, one every millisecond while the browser finishes.
async fn calls_around_consent(server: &TestServer, end_user: &str) -> JoinSet<Reply> {
    let agent = server.agent(end_user);
    let asked = agent.call(TOOL, json!({})).await;
    let browser = server.browser();
    let callback = browser.callback(asked.link(), "Allow").await;
    let mut calls = JoinSet::new();
    for at in 0..CALLS {
        let agent = agent.clone();
        calls.spawn(async move {
            tokio::time::sleep(Duration::from_millis(at)).await;
            agent.post(&format!("/v1/tools/{TOOL}/call"), json!({"wait_seconds": 55})).await
        });
    }
    browser.visit(callback.as_str()).await;
    calls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_that_comes_while_its_user_consents_goes_through() {
    let server = TestServer::start().await;
    for user in 0..USERS {
        let calls = calls_around_consent(&server, &format!("user-{user}")).await;
        let replies = timeout(SOON, calls.join_all()).await.expect("nobody waits in vain");
        for reply in replies {
            assert_eq!(reply.outcome(), "completed", "{reply:?}");
        }
    }
}
