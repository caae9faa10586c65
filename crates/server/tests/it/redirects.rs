//! P4: what a provider answers with a redirect goes nowhere, and nothing goes along.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use astralform_testkit::{Reply, Setup, TestServer};
use axum::{
    Json, Router,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::net::TcpListener;
use url::Url;

const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];
const TOOL: &str = "notes_list";

/// A provider that can be told to answer one of its paths with a redirect, and the other server
/// that the redirect leads to.
#[derive(Clone)]
struct Provider {
    base: Url,
    canary: Url,
    redirecting: Arc<Mutex<Option<(&'static str, u16)>>>,
    lured: Arc<AtomicUsize>,
}

async fn listen() -> (TcpListener, Url) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    (listener, url)
}

impl Provider {
    async fn start() -> Self {
        let ((listener, base), (canaries, canary)) = (listen().await, listen().await);
        let redirecting = Arc::default();
        let lured = Arc::default();
        let provider = Self { base, canary, redirecting, lured };
        let router = Router::new().fallback(answer).with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let lured = Router::new().fallback(lure).with_state(provider.clone());
        tokio::spawn(async move { axum::serve(canaries, lured).await });
        provider
    }

    fn redirect(&self, path: &'static str, status: u16) {
        *self.redirecting.lock().unwrap() = Some((path, status));
    }

    async fn server(&self) -> TestServer {
        let base = self.base.as_str().trim_end_matches('/');
        let yaml = include_str!("notes.yaml")
            .replace("{authorize_url}", &format!("{base}/authorize"))
            .replace("{token_url}", &format!("{base}/token"))
            .replace("{issuer}", base)
            .replace("{api_base_url}", base)
            .replace("{revocation_url}", &format!("{base}/revoke"));
        let connector = Some((yaml, "app".to_owned(), "CANARY-client-secret".to_owned()));
        TestServer::with(Setup { connector, ..Setup::default() }).await
    }

    fn lured(&self) -> usize {
        self.lured.load(Ordering::SeqCst)
    }
}

async fn lure(State(provider): State<Provider>) -> StatusCode {
    provider.lured.fetch_add(1, Ordering::SeqCst);
    StatusCode::OK
}

async fn answer(State(provider): State<Provider>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let redirecting = *provider.redirecting.lock().unwrap();
    if let Some((_, status)) = redirecting.filter(|(redirecting, _)| *redirecting == path) {
        let status = StatusCode::from_u16(status).unwrap();
        let to = provider.canary.join(&path).unwrap().to_string();
        return (status, [(header::LOCATION, to)]).into_response();
    }
    match path.as_str() {
        "/authorize" => consent(&provider.base, request.uri().query().unwrap_or_default()),
        "/token" => {
            Json(json!({"access_token": "CANARY-token", "token_type": "bearer"})).into_response()
        }
        "/me" => Json(json!({"id": "1", "name": "Ada"})).into_response(),
        "/notes" => Json(json!({"notes": []})).into_response(),
        _ => StatusCode::OK.into_response(),
    }
}

fn consent(base: &Url, query: &str) -> Response {
    let asked: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let field = |name: &str| asked.iter().find(|(known, _)| known == name).unwrap().1.clone();
    let mut back: Url = field("redirect_uri").parse().unwrap();
    back.query_pairs_mut()
        .append_pair("code", "CANARY-code")
        .append_pair("state", &field("state"))
        .append_pair("iss", base.as_str().trim_end_matches('/'));
    (StatusCode::FOUND, [(header::LOCATION, back.to_string())]).into_response()
}

async fn connect(server: &TestServer) -> Reply {
    let agent = server.agent("alice");
    let asked = agent.call(TOOL, json!({})).await;
    server.browser().to_provider(asked.link()).await;
    agent.call(TOOL, json!({})).await
}

#[tokio::test]
async fn p4_a_tool_call_follows_no_redirect() {
    let provider = Provider::start().await;
    let server = provider.server().await;
    assert_eq!(connect(&server).await.outcome(), "completed");
    for status in STATUSES {
        provider.redirect("/notes", status);
        let reply = server.agent("alice").call(TOOL, json!({})).await;
        assert_eq!(reply.outcome(), "failed", "{status}: {reply:?}");
        assert_eq!(provider.lured(), 0, "{status}");
    }
}

#[tokio::test]
async fn p4_neither_the_code_nor_the_apps_secret_nor_a_new_token_follows_a_redirect() {
    for path in ["/token", "/me"] {
        for status in STATUSES {
            let provider = Provider::start().await;
            let server = provider.server().await;
            provider.redirect(path, status);
            assert_eq!(connect(&server).await.outcome(), "auth_required", "{path} {status}");
            assert_eq!(provider.lured(), 0, "{path} {status}");
        }
    }
}

#[tokio::test]
async fn p4_a_token_that_is_withdrawn_follows_no_redirect() {
    for status in STATUSES {
        let provider = Provider::start().await;
        let server = provider.server().await;
        assert_eq!(connect(&server).await.outcome(), "completed");
        provider.redirect("/revoke", status);
        let agent = server.agent("alice");
        let listed = agent.get("/v1/connections").await;
        let path = format!("/v1/connections/{}", listed.body["data"][0]["id"].as_str().unwrap());
        assert_eq!(agent.delete(&path).await.status, 204);
        assert_eq!(provider.lured(), 0, "{status}");
    }
}
