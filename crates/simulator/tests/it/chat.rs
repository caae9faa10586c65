use serde_json::{Value, json};

use crate::harness::{ADA, CLIENT, Harness, text};

const POST: &str = "chat.postMessage";

async fn error(harness: &Harness, token: &str, body: Value) -> Value {
    harness.call_json(token, POST, &body).await["error"].clone()
}

#[tokio::test]
async fn a_person_posts_to_a_channel_they_are_in() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("chat:write").await;
    let body = json!({ "channel": "#general", "text": "1 < 2 & <@U0SIMGRACE>" });
    let answer = harness.call_json(&token, POST, &body).await;
    assert_eq!(answer["ok"], true);
    assert_eq!(answer["channel"], "C0SIMGENRL");
    assert_eq!(answer["ts"], "1800000000.000000");
    assert_eq!(answer["message"]["text"], "1 &lt; 2 &amp; <@U0SIMGRACE>");
    assert_eq!(answer["message"]["user"], ADA);
    let second = harness.call_json(&token, POST, &body).await;
    assert_eq!(second["ts"], "1800000000.000001");
}

#[tokio::test]
async fn the_permalink_of_a_message_leads_to_a_page_that_shows_it() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("chat:write").await;
    let body = json!({ "channel": "general", "text": "Hello <b>there</b>" });
    let ts = text(&harness.call_json(&token, POST, &body).await["ts"]);
    let arguments = [("channel", "C0SIMGENRL"), ("message_ts", ts.as_str())];
    let answer = harness.call(&token, "chat.getPermalink", &arguments).await;
    let link = text(&answer["permalink"]);
    let path = link.strip_prefix("http://127.0.0.1:8788").unwrap();
    assert_eq!(path, "/slack/archives/C0SIMGENRL/p1800000000000000");
    let page = harness.get(path).await;
    assert!(page.text.contains("Hello") && !page.text.contains("<b>there"));

    let missing = [("channel", "C0SIMGENRL"), ("message_ts", "1.000000")];
    let answer = harness.call(&token, "chat.getPermalink", &missing).await;
    assert_eq!(answer["error"], "message_not_found");
}

#[tokio::test]
async fn posting_needs_membership_and_an_open_channel() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("chat:write").await;
    let to = |channel: &str| json!({ "channel": channel, "text": "hi" });
    assert_eq!(error(&harness, &token, to("C0NOWHERE1")).await, "channel_not_found");
    assert_eq!(error(&harness, &token, json!({ "text": "hi" })).await, "channel_not_found");
    // Payroll is private, and Ada is not in it.
    assert_eq!(error(&harness, &token, to("C0SIMPAYRO")).await, "channel_not_found");
    assert_eq!(error(&harness, &token, to("#design")).await, "not_in_channel");
    assert_eq!(error(&harness, &token, to("#old-project")).await, "is_archived");
}

#[tokio::test]
async fn a_bot_posts_where_it_was_invited_or_anywhere_public_with_the_scope() {
    let harness = Harness::with_app(|_| {});
    let token = harness.bot_token("chat:write").await;
    let body = json!({ "channel": "#general", "text": "hi" });
    assert_eq!(error(&harness, &token, body.clone()).await, "not_in_channel");
    harness.slack().invite_bot(CLIENT, "general").unwrap();
    assert_eq!(harness.call_json(&token, POST, &body).await["ok"], true);
    let body = json!({ "channel": "#random", "text": "hi" });
    let token = harness.bot_token("chat:write.public").await;
    let answer = harness.call_json(&token, POST, &body).await;
    assert_eq!(answer["message"]["bot_id"], json!(harness.slack().apps()[0].bot_id));
}

#[tokio::test]
async fn a_message_has_to_say_something_of_acceptable_length() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("chat:write").await;
    let with = |name: &str, value: Value| json!({ "channel": "general", name: value });
    let cases = [
        (with("mrkdwn", json!(true)), "no_text"),
        (with("text", json!("")), "no_text"),
        (with("text", json!(null)), "no_text"),
        (with("blocks", json!([])), "no_text"),
        (with("text", json!("x".repeat(40_001))), "msg_too_long"),
        (with("markdown_text", json!("x".repeat(12_001))), "msg_too_long"),
        (with("text", json!(7)), "invalid_arguments"),
        (with("blocks", json!("{oops")), "invalid_blocks_format"),
        (with("blocks", json!({ "type": "divider" })), "invalid_blocks_format"),
        (with("blocks", json!([{ "type": "banner" }])), "invalid_blocks"),
        (with("blocks", json!([{ "type": "section" }])), "invalid_blocks"),
        (with("attachments", json!(vec![json!({}); 101])), "too_many_attachments"),
        (
            json!({ "channel": "general", "text": "a", "markdown_text": "b" }),
            "markdown_text_conflict",
        ),
        (json!({ "channel": "general", "text": "a", "thread_ts": "1.000000" }), "thread_not_found"),
        (json!({ "channel": "general", "text": "a", "username": "Boss" }), "missing_scope"),
    ];
    for (body, expected) in cases {
        let what = body.to_string();
        assert_eq!(error(&harness, &token, body).await, expected, "{what:.80}");
    }
    let section = json!([{ "type": "section", "text": { "type": "mrkdwn", "text": "hi" } }]);
    let answer = harness.call_json(&token, POST, &with("blocks", section)).await;
    assert_eq!(answer["ok"], true);
}

#[tokio::test]
async fn a_reply_joins_the_thread_of_its_parent() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("chat:write").await;
    let body = json!({ "channel": "general", "text": "a", "thread_ts": "1700000000.000100" });
    let reply = harness.call_json(&token, POST, &body).await;
    assert_eq!(reply["message"]["thread_ts"], "1700000000.000100");
    let body = json!({ "channel": "general", "text": "b", "thread_ts": reply["ts"] });
    let reply = harness.call_json(&token, POST, &body).await;
    assert_eq!(reply["message"]["thread_ts"], "1700000000.000100");
}

#[tokio::test]
async fn posting_takes_post_and_the_scope() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("channels:read").await;
    let arguments = [("channel", "general"), ("text", "hi")];
    let got = harness.call(&token, POST, &arguments).await;
    assert_eq!(got["error"], "invalid_arguments");
    let body = json!({ "channel": "general", "text": "hi" });
    let answer = harness.call_json(&token, POST, &body).await;
    assert_eq!(answer["error"], "missing_scope");
    assert_eq!(answer["needed"], "chat:write");
}
