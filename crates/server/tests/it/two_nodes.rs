//! Two servers on one database: what one of them has done, the other knows. They share nothing
//! else.

use std::time::Duration;

use astralform_domain::VerifyEndUser;
use astralform_simulator::{Fault, Times};
use astralform_testkit::{Agent, Browser, Reply, Setup, TestServer};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::timeout};

use crate::provider::{NOTES, Provider, callback};

const TOOL: &str = "slack_list_channels";
const WRITE: &str = "slack_send_message";

/// Long enough for any machine, and shorter than what it is held against.
const SOON: Duration = Duration::from_secs(30);

async fn nodes() -> Option<(TestServer, TestServer)> {
    TestServer::two_nodes(Setup::default()).await
}

/// Sends the same to both nodes `times` times at once.
async fn at_once<F>(times: usize, send: impl Fn(usize) -> F) -> Vec<Reply>
where
    F: Future<Output = Reply> + Send + 'static,
{
    (0..times).map(send).collect::<JoinSet<_>>().join_all().await
}

async fn status(agent: &Agent) -> String {
    let reply = agent.call(TOOL, json!({})).await;
    reply.body["code"].as_str().unwrap_or(reply.outcome()).to_owned()
}

#[tokio::test]
async fn a_connection_made_at_one_node_works_at_the_other() {
    let Some((a, b)) = nodes().await else { return };
    assert_eq!(status(&b.agent("alice")).await, "auth_required");
    a.connect("alice", TOOL).await;
    b.catch_up().await;
    assert_eq!(status(&b.agent("alice")).await, "completed");
}

#[tokio::test]
async fn k2_a_connection_that_ended_at_one_node_is_of_no_use_at_the_other() {
    let Some((a, b)) = nodes().await else { return };
    a.connect("alice", TOOL).await;
    for (here, there) in [(&a, &b), (&b, &a)] {
        there.catch_up().await;
        assert_eq!(status(&there.agent("alice")).await, "completed");
        let listed = here.agent("alice").get("/v1/connections").await;
        let path = format!("/v1/connections/{}", listed.body["data"][0]["id"].as_str().unwrap());
        assert_eq!(here.agent("alice").delete(&path).await.status, 204);
        there.catch_up().await;
        assert_eq!(status(&there.agent("alice")).await, "auth_required");
        a.connect("alice", TOOL).await;
    }
    assert_eq!(a.slack_requests("conversations.list"), 2);
}

#[tokio::test]
async fn k2_a_connector_that_was_paused_or_disabled_at_one_node_is_so_at_the_other() {
    let Some((a, b)) = nodes().await else { return };
    a.connect("alice", TOOL).await;
    for (is_enabled, expected) in [(false, "connector_paused"), (true, "completed")] {
        a.set_enabled(is_enabled).await;
        b.catch_up().await;
        assert_eq!(status(&b.agent("alice")).await, expected);
    }
    let disabled = a.admin().delete(&a.managed("")).await;
    assert_eq!(disabled.body["revoked_connections"], 1, "{disabled:?}");
    b.catch_up().await;
    let gone = b.agent("alice").call(TOOL, json!({})).await;
    assert_eq!(gone.status, 404, "{gone:?}");
    assert_eq!(b.agent("alice").get("/v1/tools").await.body["tools"], json!([]));
}

/// Returns whether a node that hears refuses what ended at another one while a node that does not
/// hear still sends its token: then it was told. Where the latter has not heard anything for too
/// long to rely on what it remembers, nobody can say.
async fn is_told(a: &TestServer, b: &TestServer, deaf: &TestServer) -> bool {
    let connection = a.connect("alice", TOOL).await;
    for node in [b, deaf] {
        node.catch_up().await;
        assert_eq!(status(&node.agent("alice")).await, "completed");
    }
    let path = format!("/v1/connections/{connection}");
    assert_eq!(a.agent("alice").delete(&path).await.status, 204);
    let alice = b.agent("alice");
    let heard = async {
        while status(&alice).await != "auth_required" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, heard).await.expect("what ended is refused some time");
    let sent = a.slack_requests("conversations.list");
    deaf.agent("alice").call(TOOL, json!({})).await;
    a.slack_requests("conversations.list") > sent
}

/// A node remembers for 30 s and relies on what it remembers for 5 s after it has heard the others:
/// where nobody tells it, it is never the first of the two that knows.
#[tokio::test]
async fn k2_what_ended_at_one_node_is_refused_at_the_other_soon_and_by_itself() {
    const ROUNDS: usize = 5;
    let Some((a, b)) = nodes().await else { return };
    let deaf = a.deaf_node().await;
    // Or the provider would be the one who tells them.
    a.slack().inject("auth.revoke", Fault::Status(503), Times::Always).unwrap();
    for _ in 0..ROUNDS {
        if is_told(&a, &b, &deaf).await {
            return;
        }
    }
    panic!("in {ROUNDS} rounds nobody was told before what it remembered was too old");
}

#[tokio::test]
async fn a_session_of_one_node_is_good_at_the_other() {
    let Some((a, b)) = nodes().await else { return };
    let opened = a.backend().post("/v1/sessions", json!({"end_user_id": "alice"})).await;
    let session = b.agent_with_key(opened.body["token"].as_str().unwrap(), "alice");
    let asked = session.naming(None).call(TOOL, json!({})).await;
    assert_eq!(asked.outcome(), "auth_required", "{asked:?}");
    b.clock.advance(Duration::from_hours(2));
    assert_eq!(session.naming(None).call(TOOL, json!({})).await.status, 401);
}

#[tokio::test]
async fn a_flow_begun_at_one_node_can_be_finished_at_the_other() {
    let Some((a, b)) = nodes().await else { return };
    for (end_user, opened, clicked, finished) in
        [("alice", &a, &a, &b), ("bob", &a, &b, &a), ("carol", &b, &b, &b)]
    {
        let asked = opened.agent(end_user).call(TOOL, json!({})).await;
        let link = clicked.here(&asked.link().parse().unwrap());
        let browser = Browser::new();
        let callback = finished.here(&browser.callback(link.as_str(), "Allow").await);
        let end = finished.here(&browser.open(callback.as_str()).await.leads_to().unwrap());
        assert_eq!(browser.open(end.as_str()).await.outcome(), "completed");
        let again = browser.open(clicked.here(&callback).as_str()).await;
        assert_eq!(again.leads_to().map(|leads| finished.here(&leads)), Some(end));
        assert_eq!(status(&opened.agent(end_user)).await, "completed");
    }
    assert_eq!(a.exchanges(), 3);
}

#[tokio::test]
async fn who_waits_at_one_node_hears_of_what_happens_at_the_other() {
    let Some((a, b)) = nodes().await else { return };
    let asked = a.agent("alice").call(TOOL, json!({})).await;
    let path = format!("/v1/auth-requests/{}?wait=55", asked.auth_request());
    let poller = b.backend();
    let caller = b.agent("alice");
    let polling = tokio::spawn(async move { poller.get(&path).await });
    let calling = tokio::spawn(async move {
        caller.post(&format!("/v1/tools/{TOOL}/call"), json!({"wait_seconds": 55})).await
    });
    a.browser().connect(asked.link(), "Allow").await;
    for waiting in [polling, calling] {
        let heard = timeout(SOON, waiting).await.expect("heard of it long before its time");
        assert_eq!(heard.unwrap().outcome(), "completed");
    }
}

#[tokio::test]
async fn the_same_question_at_both_nodes_at_once_is_one_request() {
    let Some((a, b)) = nodes().await else { return };
    for end_user in ["alice", "bob", "carol"] {
        let agents = [a.agent(end_user), b.agent(end_user)];
        let asked = at_once(40, |at| {
            let agent = agents[at % 2].clone();
            async move { agent.call(TOOL, json!({})).await }
        });
        let asked = asked.await;
        let first = asked[0].auth_request();
        assert!(asked.iter().all(|reply| reply.auth_request() == first), "{asked:#?}");
    }
}

#[tokio::test]
async fn a_keyed_call_sent_to_both_nodes_at_once_is_carried_out_once() {
    let Some((a, b)) = nodes().await else { return };
    a.connect("alice", TOOL).await;
    let body = json!({"arguments": {"channel": "C0SIMGENRL", "text": "Hello."}});
    let path = format!("/v1/tools/{WRITE}/call");
    let agents = [a.agent("alice"), b.agent("alice")];
    let sent = at_once(40, |at| {
        let agent = agents[at % 2].clone();
        let path = path.clone();
        let body = body.clone();
        async move { agent.post_keyed(&path, body, "order-1").await }
    });
    let sent = sent.await;
    let done: Vec<&Value> = sent.iter().filter(|r| r.status == 200).map(|r| &r.body).collect();
    assert!(sent.iter().all(|reply| [200, 409].contains(&reply.status)), "{sent:#?}");
    assert!(!done.is_empty() && done.iter().all(|body| *body == done[0]), "{done:#?}");
    assert_eq!(a.slack_requests("chat.postMessage"), 1);
    for agent in &agents {
        let again = agent.post_keyed(&path, body.clone(), "order-1").await;
        assert_eq!(&again.body, done[0]);
    }
    assert_eq!(a.slack_requests("chat.postMessage"), 1);
}

#[tokio::test]
async fn both_nodes_sweep_at_once_and_end_only_what_is_over() {
    let (provider, honest, setup) = Provider::with_setup(VerifyEndUser::Confirm).await;
    let Some((a, b)) = TestServer::two_nodes(setup).await else { return };
    honest.register(&a);
    for end_user in ["alice", "bob", "carol", "dave"] {
        let asked = a.agent(end_user).call(NOTES, json!({})).await;
        let browser = a.browser();
        browser.open(callback(&browser, asked.link()).await.as_str()).await;
        a.clock.advance(Duration::from_mins(3));
    }
    let sweeps: JoinSet<_> = (0..8)
        .map(|at| {
            let app = [&a.app, &b.app][at % 2].clone();
            async move { app.engine().janitor.sweep().await }
        })
        .collect();
    assert!(sweeps.join_all().await.iter().all(Result::is_ok));
    assert_eq!(provider.live(), 4, "a sweep asks no provider");
    a.app.engine().revocations.work_off_all().await.unwrap();
    assert_eq!(provider.live(), 3, "what nobody confirmed in time is revoked, and nothing else");
}
