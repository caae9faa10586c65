use axum::body::Body;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::{ADA, CALLBACK, CHALLENGE, CLIENT, GRACE, Harness, SECRET, VERIFIER, text};

const ASKED: &[(&str, &str)] =
    &[("client_id", CLIENT), ("redirect_uri", CALLBACK), ("user_scope", "channels:read")];

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn with_challenge() -> Vec<(&'static str, &'static str)> {
    let pkce = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    ASKED.iter().copied().chain(pkce).collect()
}

#[tokio::test]
async fn user_scopes_alone_give_no_token_at_the_top() {
    let harness = Harness::with_app(|_| {});
    let answer = harness.connect("", "channels:read,search:read", GRACE).await;
    let expected = ["ok", "app_id", "team", "enterprise", "is_enterprise_install", "authed_user"];
    assert_eq!(keys(&answer), expected);
    let user = &answer["authed_user"];
    assert_eq!(keys(user), ["id", "access_token", "token_type", "scope"]);
    assert_eq!(user["id"], GRACE);
    assert_eq!(user["token_type"], "user");
    assert_eq!(user["scope"], "channels:read,search:read");
    assert!(text(&user["access_token"]).starts_with("xoxp-"));
}

#[tokio::test]
async fn bot_scopes_alone_give_a_bot_token_and_only_the_id_of_the_person() {
    let harness = Harness::with_app(|_| {});
    let answer = harness.connect("channels:read,chat:write", "", ADA).await;
    assert!(text(&answer["access_token"]).starts_with("xoxb-"));
    assert_eq!(answer["token_type"], "bot");
    assert_eq!(answer["scope"], "channels:read,chat:write");
    assert_eq!(answer["authed_user"], json!({ "id": ADA }));
    assert_eq!(answer["team"], json!({ "id": "T0SIMACME1", "name": "Acme (simulated)" }));
    assert_eq!(answer["enterprise"], Value::Null);
    assert!(answer.get("expires_in").is_none());
    assert_eq!(answer["bot_user_id"], json!(harness.slack().apps()[0].bot_user_id));
}

#[tokio::test]
async fn both_kinds_of_scopes_give_both_tokens() {
    let harness = Harness::with_app(|_| {});
    let answer = harness.connect("chat:write", "search:read", ADA).await;
    assert!(text(&answer["access_token"]).starts_with("xoxb-"));
    assert!(text(&answer["authed_user"]["access_token"]).starts_with("xoxp-"));
}

#[tokio::test]
async fn a_code_works_once() {
    let harness = Harness::with_app(|_| {});
    let code = harness.consent(ASKED, ADA).await;
    let fields = [("code", code.as_str()), ("redirect_uri", CALLBACK)];
    assert_eq!(harness.access(&fields).await["ok"], true);
    assert_eq!(harness.access(&fields).await, json!({ "ok": false, "error": "invalid_code" }));
}

#[tokio::test]
async fn a_code_lives_ten_minutes() {
    let harness = Harness::with_app(|_| {});
    let code = harness.consent(ASKED, ADA).await;
    harness.pass_seconds(600);
    let fields = [("code", code.as_str()), ("redirect_uri", CALLBACK)];
    assert_eq!(harness.access(&fields).await["error"], "invalid_code");
}

#[tokio::test]
async fn the_redirect_uri_has_to_be_repeated_when_it_was_named() {
    let harness = Harness::with_app(|_| {});
    let code = harness.consent(ASKED, ADA).await;
    assert_eq!(harness.access(&[("code", &code)]).await["error"], "bad_redirect_uri");
    let code = harness.consent(ASKED, ADA).await;
    let other = [("code", code.as_str()), ("redirect_uri", "https://app.example/other")];
    assert_eq!(harness.access(&other).await["error"], "bad_redirect_uri");

    let unnamed = [("client_id", CLIENT), ("user_scope", "channels:read")];
    let code = harness.consent(&unnamed, ADA).await;
    assert_eq!(harness.access(&[("code", &code)]).await["ok"], true);
}

#[tokio::test]
async fn a_code_is_worth_nothing_to_another_app() {
    let harness = Harness::with_app(|_| {});
    let other = astralform_simulator::slack::SlackApp::new("3.4", "other", CALLBACK);
    harness.slack().register_app(other).unwrap();
    let code = harness.consent(ASKED, ADA).await;
    let fields = [
        ("client_id", "3.4"),
        ("client_secret", "other"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
    ];
    let answer = harness.form("/slack/api/oauth.v2.access", &fields).await.json();
    assert_eq!(answer["error"], "invalid_code");
}

#[tokio::test]
async fn wrong_clients_and_grants_are_told_apart_with_http_200() {
    let harness = Harness::with_app(|_| {});
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[], "invalid_client_id"),
        (&[("client_id", "9.9"), ("client_secret", SECRET)], "invalid_client_id"),
        (&[("client_id", CLIENT)], "bad_client_secret"),
        (&[("client_id", CLIENT), ("client_secret", "no")], "bad_client_secret"),
        (
            &[("client_id", CLIENT), ("client_secret", SECRET), ("grant_type", "password")],
            "invalid_grant_type",
        ),
        (&[("client_id", CLIENT), ("client_secret", SECRET)], "invalid_code"),
    ];
    for (fields, error) in cases {
        let answer = harness.form("/slack/api/oauth.v2.access", fields).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json(), json!({ "ok": false, "error": error }));
    }
}

#[tokio::test]
async fn credentials_in_the_query_are_not_seen() {
    let harness = Harness::with_app(|_| {});
    let path = format!("/slack/api/oauth.v2.access?client_id={CLIENT}&client_secret={SECRET}");
    assert_eq!(harness.form(&path, &[]).await.json()["error"], "invalid_client_id");
    assert_eq!(harness.get(&path).await.json()["error"], "invalid_client_id");
}

#[tokio::test]
async fn basic_authentication_and_a_json_body_work_too() {
    let harness = Harness::with_app(|_| {});
    let code = harness.consent(ASKED, ADA).await;
    let basic = STANDARD.encode(format!("{CLIENT}:{SECRET}"));
    let request = Request::post("/slack/api/oauth.v2.access")
        .header(AUTHORIZATION, format!("Basic {basic}"))
        .header(CONTENT_TYPE, "application/json; charset=utf-8")
        .body(Body::from(json!({ "code": code, "redirect_uri": CALLBACK }).to_string()));
    assert_eq!(harness.send(request.unwrap()).await.json()["ok"], true);
    let recorded = harness.slack().requests().pop().unwrap();
    assert_eq!(recorded.authorization_scheme.as_deref(), Some("Basic"));
    assert_eq!(recorded.client_id.as_deref(), Some(CLIENT));
    assert_eq!(recorded.grant_type.as_deref(), Some("authorization_code"));
}

#[tokio::test]
async fn an_app_without_pkce_must_not_use_it() {
    let harness = Harness::with_app(|_| {});
    let code = harness.consent(&with_challenge(), ADA).await;
    let fields = [("code", &*code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
    assert_eq!(harness.access(&fields).await["error"], "pkce_not_allowed");
    let code = harness.consent(&with_challenge(), ADA).await;
    let fields = [("code", &*code), ("redirect_uri", CALLBACK)];
    assert_eq!(harness.access(&fields).await["error"], "pkce_not_allowed");
    let code = harness.consent(ASKED, ADA).await;
    let fields = [("code", &*code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
    assert_eq!(harness.access(&fields).await["error"], "pkce_not_allowed");
}

#[tokio::test]
async fn an_app_with_pkce_needs_the_right_verifier() {
    let harness = Harness::with_app(|app| app.pkce = true);
    let wrong = VERIFIER.replace('d', "e");
    for (verifier, ok) in [(Some(VERIFIER), true), (Some(wrong.as_str()), false), (None, false)] {
        let code = harness.consent(&with_challenge(), ADA).await;
        let mut fields = vec![("code", &*code), ("redirect_uri", CALLBACK)];
        fields.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        let answer = harness.access(&fields).await;
        assert_eq!(answer["ok"], ok);
        assert_eq!(answer["error"].as_str(), (!ok).then_some("invalid_code_verifier"));
    }
    let code = harness.consent(ASKED, ADA).await;
    let fields = [("client_id", CLIENT), ("code", &*code), ("redirect_uri", CALLBACK)];
    let answer = harness.form("/slack/api/oauth.v2.access", &fields).await.json();
    assert_eq!(answer["error"], "bad_client_secret");
}

#[tokio::test]
async fn consenting_again_adds_scopes_to_the_same_token() {
    let harness = Harness::with_app(|_| {});
    let first = harness.connect("", "channels:read", ADA).await;
    let second = harness.connect("", "search:read", ADA).await;
    assert_eq!(first["authed_user"]["access_token"], second["authed_user"]["access_token"]);
    assert_eq!(second["authed_user"]["scope"], "channels:read,search:read");
}

#[tokio::test]
async fn all_people_of_a_workspace_share_the_bot_token_but_not_user_tokens() {
    let harness = Harness::with_app(|_| {});
    let ada = harness.connect("chat:write", "search:read", ADA).await;
    let grace = harness.connect("chat:write", "search:read", GRACE).await;
    assert_eq!(ada["access_token"], grace["access_token"]);
    assert_ne!(ada["authed_user"]["access_token"], grace["authed_user"]["access_token"]);
}
