use axum::body::Body;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};

use crate::harness::{Harness, text};

const LIST: &str = "conversations.list";

fn names(answer: &Value) -> Vec<String> {
    let channels = answer["channels"].as_array().expect("channels");
    channels.iter().map(|channel| text(&channel["name"])).collect()
}

#[tokio::test]
async fn channels_are_listed_page_by_page_until_the_cursor_is_empty() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("channels:read,groups:read").await;
    let types = ("types", "public_channel,private_channel");
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = harness.call(&token, LIST, &[types, ("limit", "4"), ("cursor", &cursor)]).await;
        assert_eq!(page["ok"], true);
        assert!(page["channels"].as_array().unwrap().len() <= 4);
        seen.extend(names(&page));
        cursor = text(&page["response_metadata"]["next_cursor"]);
        if cursor.is_empty() {
            break;
        }
    }
    let whole = harness.call(&token, LIST, &[types]).await;
    assert_eq!(seen, names(&whole));
    // Payroll is private, and Ada is not in it.
    assert_eq!(seen.len(), 11);
    assert!(!seen.contains(&String::from("payroll")));
}

#[tokio::test]
async fn a_channel_looks_like_one_of_slacks() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("channels:read").await;
    let answer = harness.call(&token, LIST, &[]).await;
    let channels = answer["channels"].as_array().unwrap();
    let general = &channels[0];
    assert_eq!(general["is_general"], true);
    assert_eq!(general["is_member"], true);
    assert_eq!(general["num_members"], 3);
    assert_eq!(general["creator"], "U0SIMADA01");
    let odd = channels.iter().find(|channel| channel["name"] == "odd-topics").unwrap();
    let topic = "She said \"ship &amp; 'sail'\" if a &lt; b &gt; c 🚀 &lt;/script&gt;";
    assert_eq!(odd["topic"]["value"], topic);
    let engineering = channels.iter().find(|channel| channel["name"] == "engineering").unwrap();
    assert_eq!(engineering["previous_names"], json!(["dev"]));
}

#[tokio::test]
async fn archived_channels_are_listed_unless_excluded() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("channels:read").await;
    let all = harness.call(&token, LIST, &[]).await;
    assert!(names(&all).contains(&String::from("old-project")));
    let open = harness.call(&token, LIST, &[("exclude_archived", "true")]).await;
    assert!(!names(&open).contains(&String::from("old-project")));
}

#[tokio::test]
async fn every_type_needs_its_own_scope() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("channels:read,im:read").await;
    let answer = harness.call(&token, LIST, &[("types", "public_channel,private_channel,mpim")]);
    let expected = json!({
        "ok": false,
        "error": "missing_scope",
        "needed": "groups:read,mpim:read",
        "provided": "identify,channels:read,im:read",
    });
    assert_eq!(answer.await, expected);
    let direct = harness.call(&token, LIST, &[("types", "im")]).await;
    assert_eq!(direct["channels"][0]["user"], "U0SIMGRACE");
    assert_eq!(direct["channels"][0]["is_im"], true);
    assert!(direct["channels"][0].get("name").is_none());
}

#[tokio::test]
async fn a_token_without_any_reading_scope_is_refused_whatever_it_asks() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("chat:write").await;
    let answer = harness.call(&token, LIST, &[]).await;
    assert_eq!(answer["error"], "missing_scope");
    assert_eq!(answer["provided"], "identify,chat:write");
}

#[tokio::test]
async fn wrong_arguments_are_named() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("channels:read").await;
    let cases = [
        ("types", "public", "invalid_types"),
        ("types", "public_channel,", "invalid_types"),
        ("limit", "0", "invalid_limit"),
        ("limit", "1000", "invalid_limit"),
        ("limit", "ten", "invalid_limit"),
        ("limit", "-1", "invalid_limit"),
        ("cursor", "bm9wZQ==", "invalid_cursor"),
        ("exclude_archived", "maybe", "invalid_arguments"),
        ("team_id", "T0OTHER", "invalid_arguments"),
    ];
    for (name, value, error) in cases {
        let answer = harness.call(&token, LIST, &[(name, value)]).await;
        assert_eq!(answer["error"], error, "{name}={value}");
    }
    assert_eq!(harness.call(&token, LIST, &[("limit", "999")]).await["ok"], true);
}

#[tokio::test]
async fn json_is_not_read_where_slack_does_not_read_it() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("channels:read").await;
    let answer = harness.call_json(&token, LIST, &json!({ "limit": 1 })).await;
    assert_eq!(answer["error"], "invalid_post_type");
    let request = Request::post("/slack/api/conversations.list")
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from("limit=1"));
    let answer = harness.send(request.unwrap()).await.json();
    assert_eq!(answer["channels"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn answers_tell_the_scopes_in_headers() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("channels:read").await;
    let request = Request::get("/slack/api/conversations.list")
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::empty());
    let answer = harness.send(request.unwrap()).await;
    assert_eq!(answer.headers["x-oauth-scopes"], "identify,channels:read");
    let accepted = "channels:read,groups:read,mpim:read,im:read";
    assert_eq!(answer.headers["x-accepted-oauth-scopes"], accepted);
    assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
    assert!(answer.headers.contains_key("x-simulated"));
}

#[tokio::test]
async fn a_bot_sees_private_channels_only_where_it_was_invited() {
    let harness = Harness::with_app(|_| {});
    let token = harness.bot_token("groups:read").await;
    let private = [("types", "private_channel")];
    assert!(names(&harness.call(&token, LIST, &private).await).is_empty());
    harness.slack().invite_bot(crate::harness::CLIENT, "#leads").unwrap();
    assert_eq!(names(&harness.call(&token, LIST, &private).await), ["leads"]);
}
