//! What Slack's other tools send, and what they make of the answers.

use astralform_simulator::{Fault, Times};
use astralform_testkit::{Agent, TestServer};
use serde_json::{Value, json};

async fn connected(server: &TestServer) -> Agent {
    let agent = server.agent("alice");
    let asked = agent.call("slack_list_channels", json!({})).await;
    server.browser().connect(asked.link(), "Allow").await;
    agent
}

async fn channel(agent: &Agent, name: &str) -> Value {
    let listed = agent.call("slack_list_channels", json!({})).await;
    let channels = listed.body["data"]["channels"].as_array().unwrap().clone();
    let found = channels.into_iter().find(|channel| channel["name"] == name);
    found.unwrap()["id"].clone()
}

#[tokio::test]
async fn a_message_is_sent_answered_in_its_thread_and_found_again() {
    let server = TestServer::start().await;
    let agent = connected(&server).await;
    let general = channel(&agent, "general").await;
    let text = "Zebra release: a < b & c";
    let sent = agent.call("slack_send_message", json!({"channel": general, "text": text})).await;
    assert_eq!(sent.outcome(), "completed", "{sent:?}");
    assert_eq!(sent.body["data"]["channel"], general);

    let thread = sent.body["data"]["ts"].clone();
    let answer = json!({"channel": general, "text": "Zebra indeed", "thread_ts": thread});
    let answered = agent.call("slack_send_message", answer).await;
    assert_eq!(answered.body["data"]["thread_ts"], thread, "{answered:?}");

    let found = agent.call("slack_search_messages", json!({"query": "zebra"})).await;
    assert_eq!(found.outcome(), "completed", "{found:?}");
    let data = &found.body["data"];
    assert_eq!((&data["total"], &data["page"]), (&json!(2), &json!(1)));
    let matches = data["matches"].as_array().unwrap();
    let first = matches.iter().find(|message| message["ts"] == thread).unwrap();
    assert_eq!((&first["text"], &first["channel"]), (&json!(text), &json!("#general")));
    assert!(first["time"].as_str().unwrap().ends_with('Z'), "{first}");
    assert!(first["permalink"].is_string() && first["author"].is_string());
}

#[tokio::test]
async fn matches_come_in_pages() {
    let server = TestServer::start().await;
    let agent = connected(&server).await;
    let general = channel(&agent, "general").await;
    for number in 0..5 {
        let message = json!({"channel": general, "text": format!("Giraffe {number}")});
        assert_eq!(agent.call("slack_send_message", message).await.outcome(), "completed");
    }
    let mut seen = Vec::new();
    for page in 1..=3 {
        let query = json!({"query": "giraffe", "limit": 2, "page": page});
        let found = agent.call("slack_search_messages", query).await;
        assert_eq!(found.body["data"]["pages"], 3, "{found:?}");
        seen.extend(found.body["data"]["matches"].as_array().unwrap().clone());
    }
    seen.sort_by_key(|message| message["ts"].as_str().unwrap().to_owned());
    seen.dedup();
    assert_eq!(seen.len(), 5);
}

#[tokio::test]
async fn a_message_whose_answer_is_lost_is_reported_as_possibly_sent_and_not_sent_again() {
    let server = TestServer::start().await;
    let agent = connected(&server).await;
    let general = channel(&agent, "general").await;
    for fault in [Fault::DropAnswer, Fault::Status(502), Fault::Html] {
        let shown = format!("{fault:?}");
        server.slack().inject("chat.postMessage", fault, Times::Next(1)).ok().unwrap();
        let message = json!({"channel": general, "text": "Once"});
        let before = server.slack_requests("chat.postMessage");
        let lost = agent.call("slack_send_message", message).await;
        assert_eq!(lost.body["error"]["kind"], "outcome_unknown", "{shown}: {lost:?}");
        assert_eq!(lost.body["error"]["retryable"], false, "{shown}");
        assert_eq!(server.slack_requests("chat.postMessage"), before + 1, "{shown}");
    }
}

#[tokio::test]
async fn a_channel_that_is_not_there_is_not_found_with_a_hint() {
    let server = TestServer::start().await;
    let agent = connected(&server).await;
    let message = json!({"channel": "C0NOTTHERE", "text": "Hello?"});
    let missing = agent.call("slack_send_message", message).await;
    assert_eq!(missing.body["error"]["kind"], "not_found", "{missing:?}");
    assert!(missing.body["error"]["message"].as_str().unwrap().contains("cannot see it"));
}
