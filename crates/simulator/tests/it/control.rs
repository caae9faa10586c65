use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::harness::{ADA, CALLBACK, CLIENT, GRACE, Harness, SECRET, text};

#[tokio::test]
async fn an_app_registered_over_http_can_connect_people() {
    let harness = Harness::new();
    let app = json!({ "client_id": CLIENT, "client_secret": SECRET, "redirect_uris": [CALLBACK] });
    let created = harness.control("POST", "slack/apps", &app).await;
    assert_eq!(created.status, 201);
    assert!(!created.text.contains(SECRET));
    assert_eq!(harness.connect("", "channels:read", ADA).await["ok"], true);
    let listed = harness.get("/_control/slack/apps").await.json();
    assert_eq!(listed["data"][0]["client_id"], CLIENT);
    assert_eq!(listed["data"][0]["app_id"], created.json()["app_id"]);
}

#[tokio::test]
async fn registering_an_app_again_changes_nothing_about_it() {
    let harness = Harness::new();
    let app = json!({
        "client_id": CLIENT,
        "client_secret": SECRET,
        "redirect_uris": [CALLBACK],
        "token_rotation": true,
    });
    let created = harness.control("POST", "slack/apps", &app).await;
    let tokens = harness.connect("groups:read", "channels:read", ADA).await;
    let asked = [("client_id", CLIENT), ("user_scope", "channels:read")];
    let code = harness.consent(&asked, GRACE).await;
    let open = harness.authorize(&asked).await.consent();
    let invite = json!({ "client_id": CLIENT, "channel": "#leads" });
    assert_eq!(harness.control("POST", "slack/apps/invite", &invite).await.status, 204);

    let again = harness.control("POST", "slack/apps", &app).await;
    assert_eq!((again.status, again.json()), (created.status, created.json()));
    let bot = text(&tokens["access_token"]);
    let private = [("types", "private_channel")];
    let listed = harness.call(&bot, "conversations.list", &private).await;
    assert_eq!(listed["channels"][0]["name"], "leads");
    let refresh = text(&tokens["authed_user"]["refresh_token"]);
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    assert_eq!(harness.access(&fields).await["ok"], true);
    assert_eq!(harness.access(&[("code", &code)]).await["authed_user"]["id"], GRACE);
    let fields = [("consent", open.as_str()), ("decision", "allow")];
    harness.form("/slack/oauth/v2/authorize/decision", &fields).await.location();
    assert_eq!(harness.slack().apps().len(), 1);
}

#[tokio::test]
async fn faults_are_injected_listed_and_cleared_over_http() {
    let harness = Harness::new();
    let fault = json!({
        "endpoint": "auth.test",
        "fault": { "kind": "rate_limited", "value": { "retry_after_s": 3 } },
        "times": { "next": 2 },
    });
    assert_eq!(harness.control("POST", "slack/faults", &fault).await.status, 204);
    assert_eq!(harness.get("/_control/slack/faults").await.json(), json!({ "data": [fault] }));
    assert_eq!(harness.get("/slack/api/auth.test").await.status, 429);
    assert_eq!(harness.control("DELETE", "slack/faults", &Value::Null).await.status, 204);
    assert_eq!(harness.get("/slack/api/auth.test").await.status, 200);
    let fault = json!({ "endpoint": "*", "fault": { "kind": "drop_answer" }, "times": "always" });
    assert_eq!(harness.control("POST", "slack/faults", &fault).await.status, 204);
}

#[tokio::test]
async fn tokens_are_revoked_and_expired_by_whose_they_are() {
    let harness = Harness::with_app(|_| {});
    harness.connect("chat:write", "channels:read", ADA).await;
    harness.connect("chat:write", "channels:read", GRACE).await;
    let expired = harness.control("POST", "slack/tokens/expire", &json!({ "user_id": ADA })).await;
    assert_eq!(expired.json(), json!({ "affected": 1 }));
    let revoked = json!({ "token_type": "user", "client_id": CLIENT });
    let revoked = harness.control("POST", "slack/tokens/revoke", &revoked).await;
    assert_eq!(revoked.json(), json!({ "affected": 2 }));
    let left = harness.get("/_control/slack/tokens").await.json();
    assert_eq!(left["data"].as_array().unwrap().len(), 1);
    assert_eq!(left["data"][0]["token_type"], "bot");
    assert_eq!(left["data"][0]["live_access_tokens"], 1);
    let all = harness.control("POST", "slack/tokens/revoke", &json!({ "all": true })).await;
    assert_eq!(all.json(), json!({ "affected": 1 }));
}

#[tokio::test]
async fn the_clock_runs_ahead_until_a_reset() {
    let harness = Harness::with_app(|app| app.token_rotation = true);
    let token = harness.user_token("channels:read").await;
    let hours = json!({ "seconds": 43_200 });
    assert_eq!(harness.control("POST", "slack/clock/advance", &hours).await.status, 204);
    assert_eq!(harness.call(&token, "auth.test", &[]).await["error"], "token_expired");
}

#[tokio::test]
async fn a_reset_keeps_the_apps_and_nothing_else() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("channels:read").await;
    assert_eq!(harness.control("POST", "reset", &Value::Null).await.status, 204);
    assert!(harness.slack().requests().is_empty());
    assert_eq!(harness.slack().apps().len(), 1);
    assert_eq!(harness.call(&token, "auth.test", &[]).await["error"], "invalid_auth");
    assert_eq!(harness.connect("", "channels:read", ADA).await["ok"], true);
}

#[tokio::test]
async fn bots_are_invited_over_http() {
    let harness = Harness::with_app(|_| {});
    let invite = json!({ "client_id": CLIENT, "channel": "#general" });
    assert_eq!(harness.control("POST", "slack/apps/invite", &invite).await.status, 204);
    for (client_id, channel) in [("9.9", "#general"), (CLIENT, "#nowhere")] {
        let invite = json!({ "client_id": client_id, "channel": channel });
        let answer = harness.control("POST", "slack/apps/invite", &invite).await;
        assert_eq!(answer.status, 404);
    }
}

#[tokio::test]
async fn mistakes_are_answered_with_a_precise_problem() {
    let harness = Harness::new();
    let app = |uri: &str, id: &str| json!({ "client_id": id, "client_secret": SECRET, "redirect_uris": [uri] });
    let cases = [
        ("slack/faults", json!([]), 422, "invalid_body"),
        (
            "slack/faults",
            json!({ "endpoint": "x", "fault": { "kind": "html" } }),
            422,
            "invalid_fault",
        ),
        (
            "slack/faults",
            json!({ "endpoint": "*", "fault": { "kind": "fire" } }),
            422,
            "invalid_body",
        ),
        ("slack/tokens/revoke", json!({}), 422, "ambiguous_selection"),
        ("slack/tokens/expire", json!({ "all": true, "user_id": ADA }), 422, "ambiguous_selection"),
        ("slack/tokens/revoke", json!({ "user": ADA }), 422, "invalid_body"),
        ("slack/apps", app("http://app.example/", "1.2"), 422, "invalid_app"),
        ("slack/apps", app("https://app.example/#x", "1.2"), 422, "invalid_app"),
        ("slack/apps", app(CALLBACK, "a:b"), 422, "invalid_app"),
        ("slack/nothing", json!({}), 404, "not_found"),
    ];
    for (path, body, status, code) in cases {
        let answer = harness.control("POST", path, &body).await;
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.text);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert_eq!(answer.json()["code"], code, "{path} {body}: {}", answer.text);
        assert_eq!(answer.json()["status"], status);
        assert!(!answer.json()["detail"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn malformed_bodies_and_web_pages_are_refused() {
    let harness = Harness::new();
    let post = || Request::post("/_control/slack/faults");
    let malformed = post().header("content-type", "application/json").body(Body::from("{"));
    let answer = harness.send(malformed.unwrap()).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (400, &json!("malformed_json")));
    let untyped = post().body(Body::from("{}"));
    let answer = harness.send(untyped.unwrap()).await;
    assert_eq!(answer.status, 415);
    assert_eq!(answer.json()["code"], "json_content_type_required");
    let page = Request::post("/_control/reset").header("origin", "https://evil.example");
    let answer = harness.send(page.body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (403, &json!("browser_refused")));
}
