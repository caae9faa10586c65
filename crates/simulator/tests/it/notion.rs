//! What the Notion tests have in common.

use astralform_simulator::notion::{Notion, NotionApp};
use axum::body::Body;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::{Answer, CALLBACK, Harness, encoded, parameter, text};

pub(crate) const CLIENT: &str = "1f0c9a52-7c6e-4d0a-9f6b-2b6c4f7e1a01";
pub(crate) const SECRET: &str = "secret_shh";
pub(crate) const VERSION: &str = "2026-03-11";
pub(crate) const ADA: &str = "11111111-0000-4000-8000-0000000000a1";
pub(crate) const GRACE: &str = "11111111-0000-4000-8000-0000000000a2";
pub(crate) const HANDBOOK: &str = "22222222-0000-4000-8000-000000000001";
/// In the handbook.
pub(crate) const SECURITY: &str = "22222222-0000-4000-8000-000000000002";
pub(crate) const WIKI: &str = "22222222-0000-4000-8000-000000000003";
/// Alan's own.
pub(crate) const PAYROLL: &str = "22222222-0000-4000-8000-000000000008";
pub(crate) const ROADMAP: &str = "33333333-0000-4000-8000-000000000001";
pub(crate) const ROADMAP_DATABASE: &str = "33333333-0000-4000-8000-000000000002";

/// Returns a simulator with an app registered as `CLIENT`.
pub(crate) fn with_app(change: impl FnOnce(&mut NotionApp)) -> Harness {
    let harness = Harness::new();
    register(&harness, change);
    harness
}

pub(crate) fn register(harness: &Harness, change: impl FnOnce(&mut NotionApp)) {
    let mut app = NotionApp::new(CLIENT, SECRET, CALLBACK);
    change(&mut app);
    notion(harness).register_app(app).expect("a sound app");
}

pub(crate) fn notion(harness: &Harness) -> &Notion {
    harness.simulator.notion()
}

/// The usual parameters of the authorize URL.
pub(crate) const ASKED: [(&str, &str); 5] = [
    ("client_id", CLIENT),
    ("redirect_uri", CALLBACK),
    ("response_type", "code"),
    ("owner", "user"),
    ("state", "a state"),
];

pub(crate) async fn authorize(harness: &Harness, parameters: &[(&str, &str)]) -> Answer {
    harness.get(&format!("/notion/v1/oauth/authorize?{}", encoded(parameters))).await
}

/// Decides on the consent page.
pub(crate) async fn decide(harness: &Harness, page: &Answer, rest: &[(&str, &str)]) -> Answer {
    let consent = page.consent();
    let fields = [&[("consent", consent.as_str())], rest].concat();
    harness.form("/notion/v1/oauth/authorize/decision", &fields).await
}

/// Goes through the consent page and returns the code.
pub(crate) async fn code(harness: &Harness, person: &str, shared: &[&str]) -> String {
    let page = authorize(harness, &ASKED).await;
    let pages = shared.iter().map(|id| ("page", *id));
    let fields: Vec<_> =
        [("person", person), ("decision", "allow")].into_iter().chain(pages).collect();
    parameter(&decide(harness, &page, &fields).await.location(), "code").expect("a code")
}

/// Calls a token endpoint as the app.
pub(crate) async fn oauth(harness: &Harness, endpoint: &str, body: &Value) -> Answer {
    let basic = STANDARD.encode(format!("{CLIENT}:{SECRET}"));
    let request = Request::post(format!("/notion/v1/oauth/{endpoint}"))
        .header(AUTHORIZATION, format!("Basic {basic}"))
        .header(CONTENT_TYPE, "application/json");
    harness.send(request.body(Body::from(body.to_string())).expect("a request")).await
}

pub(crate) async fn exchange(harness: &Harness, code: &str) -> Answer {
    let body =
        json!({ "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK });
    oauth(harness, "token", &body).await
}

/// Connects Ada, who shares these, and returns the token endpoint's answer.
pub(crate) async fn connect(harness: &Harness, shared: &[&str]) -> Value {
    let code = code(harness, ADA, shared).await;
    exchange(harness, &code).await.json()
}

pub(crate) async fn token(harness: &Harness, shared: &[&str]) -> String {
    text(&connect(harness, shared).await["access_token"])
}

pub(crate) async fn get(harness: &Harness, token: &str, path: &str) -> Answer {
    let request = Request::get(format!("/notion/v1/{path}"))
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header("notion-version", VERSION);
    harness.send(request.body(Body::empty()).expect("a request")).await
}

pub(crate) async fn post(harness: &Harness, token: &str, path: &str, body: &Value) -> Answer {
    let request = Request::post(format!("/notion/v1/{path}"))
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header("notion-version", VERSION)
        .header(CONTENT_TYPE, "application/json");
    harness.send(request.body(Body::from(body.to_string())).expect("a request")).await
}

/// Returns the status and code of a refusal.
pub(crate) fn refusal(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    assert!(body["request_id"].is_string(), "{body}");
    if let Some(error) = body["error"].as_str() {
        return (answer.status.as_u16(), error.to_owned());
    }
    assert_eq!(body["object"], "error", "{body}");
    assert_eq!(body["status"], answer.status.as_u16(), "{body}");
    (answer.status.as_u16(), text(&body["code"]))
}

pub(crate) fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}
