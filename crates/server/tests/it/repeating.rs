//! What is sent to a provider once more, and what never is.

use astralform_simulator::{Fault, Times};
use astralform_testkit::{Reply, TestServer};
use serde_json::{Value, json};

const READ: (&str, &str) = ("slack_list_channels", "conversations.list");
const WRITE: (&str, &str) = ("slack_send_message", "chat.postMessage");

fn arguments(tool: &str) -> Value {
    match tool {
        "slack_send_message" => json!({"channel": "C0SIMGENRL", "text": "Hello."}),
        _ => json!({}),
    }
}

/// Returns a call whose first sending meets `fault`, and how often the provider was asked.
async fn after(fault: Fault, (tool, endpoint): (&str, &str)) -> (Reply, usize) {
    let server = TestServer::start().await;
    server.connect("alice", READ.0).await;
    server.slack().inject(endpoint, fault, Times::Next(1)).ok().unwrap();
    let reply = server.agent("alice").call(tool, arguments(tool)).await;
    let sent = server.slack_requests(endpoint);
    (reply, sent)
}

#[tokio::test]
async fn a_read_that_meets_a_blip_goes_through() {
    for fault in [Fault::Status(503), Fault::DropAnswer] {
        let shown = format!("{fault:?}");
        let (reply, sent) = after(fault, READ).await;
        assert_eq!((reply.outcome(), sent), ("completed", 2), "{shown}: {reply:?}");
    }
}

#[tokio::test]
async fn a_throttle_is_waited_out_for_reads_and_writes_alike() {
    for call in [READ, WRITE] {
        let (reply, sent) = after(Fault::RateLimited { retry_after_s: 1 }, call).await;
        assert_eq!((reply.outcome(), sent), ("completed", 2), "{call:?}: {reply:?}");
    }
}

#[tokio::test]
async fn a_write_that_may_have_happened_is_sent_once() {
    for fault in [Fault::Status(503), Fault::DropAnswer, Fault::Html] {
        let shown = format!("{fault:?}");
        let (reply, sent) = after(fault, WRITE).await;
        assert_eq!(reply.body["error"]["kind"], "outcome_unknown", "{shown}: {reply:?}");
        let message = reply.body["error"]["message"].as_str().unwrap();
        assert!(
            message.ends_with("may have happened; look first, and do it again only if it has not.")
        );
        assert_eq!(reply.body["error"]["retryable"], false, "{shown}");
        assert_eq!(sent, 1, "{shown}");
    }
}

#[tokio::test]
async fn a_long_throttle_is_the_callers_to_plan() {
    let (reply, sent) = after(Fault::RateLimited { retry_after_s: 30 }, READ).await;
    assert_eq!((reply.body["error"]["kind"].as_str(), sent), (Some("rate_limited"), 1));
    assert_eq!(reply.body["error"]["retry_after_ms"], 30_000);
}
