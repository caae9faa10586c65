use axum::body::Body;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::json;

use crate::harness::{ADA, CLIENT, Harness, text};

#[tokio::test]
async fn a_token_counts_in_the_header_and_in_a_form_but_nowhere_else() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("channels:read").await;
    assert_eq!(harness.call(&token, "auth.test", &[]).await["ok"], true);
    let fields = [("token", token.as_str())];
    assert_eq!(harness.form("/slack/api/auth.test", &fields).await.json()["ok"], true);

    let query = format!("/slack/api/auth.test?token={token}");
    assert_eq!(harness.get(&query).await.json()["error"], "not_authed");
    assert_eq!(harness.form(&query, &[]).await.json()["error"], "not_authed");
    let json = Request::post("/slack/api/auth.test")
        .header(CONTENT_TYPE, "application/json; charset=utf-8")
        .body(Body::from(json!({ "token": token }).to_string()));
    assert_eq!(harness.send(json.unwrap()).await.json()["error"], "not_authed");
    for scheme in ["Basic", "bearer", "token"] {
        let request = Request::get("/slack/api/auth.test")
            .header(AUTHORIZATION, format!("{scheme} {token}"))
            .body(Body::empty());
        assert_eq!(harness.send(request.unwrap()).await.json()["error"], "not_authed");
    }
}

#[tokio::test]
async fn dead_and_unknown_tokens_are_told_apart() {
    let harness = Harness::with_app(|_| {});
    let call = async |token: &str| harness.call(token, "auth.test", &[]).await["error"].clone();
    assert_eq!(call("xoxp-unknown").await, "invalid_auth");
    let token = harness.user_token("channels:read").await;
    assert!(harness.slack().expire_token(&token));
    assert!(!harness.slack().expire_token(&token));
    assert_eq!(call(&token).await, "token_expired");
    let token = harness.user_token("channels:read").await;
    assert!(harness.slack().revoke_token(&token));
    assert!(!harness.slack().revoke_token(&token));
    assert_eq!(call(&token).await, "token_revoked");
}

#[tokio::test]
async fn revoking_a_lasting_token_ends_what_was_granted() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("channels:read").await;
    let dry = harness.call(&token, "auth.revoke", &[("test", "1")]).await;
    assert_eq!(dry, json!({ "ok": true, "revoked": false }));
    let done = harness.call(&token, "auth.revoke", &[]).await;
    assert_eq!(done, json!({ "ok": true, "revoked": true }));
    assert_eq!(harness.call(&token, "auth.revoke", &[]).await["error"], "token_revoked");
    assert!(harness.slack().grants().is_empty());
    let again = harness.connect("", "search:read", ADA).await;
    assert_eq!(again["authed_user"]["scope"], "search:read");
}

#[tokio::test]
async fn revoking_one_of_the_tokens_that_expire_leaves_the_others_alive() {
    let harness = Harness::with_app(|app| app.token_rotation = true);
    let connected = harness.connect("", "channels:read", ADA).await;
    let [access, refresh] =
        ["access_token", "refresh_token"].map(|name| text(&connected["authed_user"][name]));
    let renew = async |token: &str| {
        harness.access(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    };
    assert_eq!(harness.call(&access, "auth.revoke", &[]).await["revoked"], true);
    assert_eq!(harness.call(&access, "auth.test", &[]).await["error"], "token_revoked");
    let renewed = renew(&refresh).await;
    assert_eq!(renewed["scope"], "channels:read");

    let [access, refresh] = ["access_token", "refresh_token"].map(|name| text(&renewed[name]));
    assert_eq!(harness.call(&refresh, "auth.revoke", &[]).await["revoked"], true);
    assert_eq!(renew(&refresh).await["error"], "invalid_refresh_token");
    assert_eq!(harness.call(&access, "auth.test", &[]).await["ok"], true);
    assert_eq!(harness.slack().grants()[0].live_refresh_tokens, 0);
}

#[tokio::test]
async fn a_refresh_token_calls_nothing_but_its_own_revocation() {
    let harness = Harness::with_app(|app| app.token_rotation = true);
    let connected = harness.connect("", "channels:read", ADA).await;
    let refresh = text(&connected["authed_user"]["refresh_token"]);
    for method in ["auth.test", "conversations.list"] {
        assert_eq!(harness.call(&refresh, method, &[]).await["error"], "invalid_auth");
    }
}

#[tokio::test]
async fn a_bot_whose_token_is_revoked_leaves_its_channels() {
    let harness = Harness::with_app(|_| {});
    let token = harness.bot_token("groups:read").await;
    harness.slack().invite_bot(CLIENT, "#leads").unwrap();
    harness.call(&token, "auth.revoke", &[]).await;
    let token = harness.bot_token("groups:read").await;
    let listed = harness.call(&token, "conversations.list", &[("types", "private_channel")]).await;
    assert_eq!(listed["channels"], json!([]));
}

#[tokio::test]
async fn revoke_all_leaves_nothing_standing() {
    let harness = Harness::with_app(|_| {});
    let connected = harness.connect("chat:write", "search:read", ADA).await;
    assert_eq!(harness.slack().revoke_all(), 2);
    let bot = harness.call(&text(&connected["access_token"]), "auth.test", &[]).await;
    assert_eq!(bot["error"], "token_revoked");
    assert!(harness.slack().grants().is_empty());
}

#[tokio::test]
async fn auth_test_tells_who_the_token_acts_as() {
    let harness = Harness::with_app(|_| {});
    let connected = harness.connect("chat:write", "search:read", ADA).await;
    let user = text(&connected["authed_user"]["access_token"]);
    let user = harness.call(&user, "auth.test", &[]).await;
    assert_eq!(user["user"], "ada");
    assert_eq!(user["team_id"], "T0SIMACME1");
    assert_eq!(user["url"], "http://127.0.0.1:8788/slack/");
    assert!(user.get("bot_id").is_none());
    let bot = harness.call(&text(&connected["access_token"]), "auth.test", &[]).await;
    assert_eq!(bot["bot_id"], json!(harness.slack().apps()[0].bot_id));
    assert_eq!(bot["user_id"], connected["bot_user_id"]);
}

#[tokio::test]
async fn odd_requests_are_refused_with_slacks_codes() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("channels:read").await;
    assert_eq!(harness.call(&token, "users.list", &[]).await["error"], "unknown_method");
    let cases = [
        (None, "x=1", "missing_post_type"),
        (Some("text/xml"), "<x/>", "invalid_post_type"),
        (Some("application/json; charset=koi8-r"), "{}", "invalid_charset"),
        (Some("application/json; charset=utf-8"), "{", "invalid_json"),
        (Some("application/json; charset=utf-8"), "[]", "json_not_object"),
        (Some("application/x-www-form-urlencoded"), "types[]=im", "invalid_array_arg"),
        (Some("application/x-www-form-urlencoded"), "a.b=1", "invalid_arg_name"),
    ];
    for (content_type, body, error) in cases {
        let mut request =
            Request::post("/slack/api/auth.test").header(AUTHORIZATION, format!("Bearer {token}"));
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let answer = harness.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.json()["error"], error);
    }
}

#[tokio::test]
async fn a_body_without_charset_earns_a_warning() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("channels:read").await;
    let request = Request::post("/slack/api/auth.test")
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from("{}"));
    let answer = harness.send(request.unwrap()).await.json();
    assert_eq!(answer["ok"], true);
    assert_eq!(answer["warning"], "missing_charset");
    assert_eq!(answer["response_metadata"]["warnings"], json!(["missing_charset"]));
}
