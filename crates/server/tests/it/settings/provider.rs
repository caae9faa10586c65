use std::sync::{Arc, Mutex};

use astralform_testkit::{Setup, TestServer};
use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::Redirect,
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

type Fields = Vec<(String, String)>;

/// A provider that takes the client secrets it is told to.
#[derive(Clone)]
pub(super) struct Provider {
    pub(super) base: Url,
    accepted: Arc<Mutex<Vec<String>>>,
    is_down: Arc<Mutex<bool>>,
    shown: Arc<Mutex<Vec<String>>>,
}

fn field(fields: &Fields, name: &str) -> String {
    let found = fields.iter().find(|(known, _)| known == name);
    found.map_or_else(String::new, |(_, value)| value.clone())
}

impl Provider {
    pub(super) async fn start(accepted: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let is_down = Arc::default();
        let shown = Arc::default();
        let provider = Self { base, accepted: Arc::default(), is_down, shown };
        provider.accept(accepted);
        let router = Router::new()
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/revoke", post(async || StatusCode::OK))
            .route("/me", get(async || Json(json!({"id": "1", "name": "Ada"}))))
            .route("/notes", get(async || Json(json!({"notes": []}))))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    /// Takes these secrets from here on, and no others.
    pub(super) fn accept(&self, secrets: &[&str]) {
        *self.accepted.lock().unwrap() = secrets.iter().map(|&secret| secret.to_owned()).collect();
    }

    pub(super) fn set_down(&self, is_down: bool) {
        *self.is_down.lock().unwrap() = is_down;
    }

    /// Returns the secrets it was shown, in the order of coming.
    pub(super) fn shown(&self) -> Vec<String> {
        self.shown.lock().unwrap().clone()
    }

    /// Returns the product with this provider's connector enabled, its app being `app` with
    /// `secret`.
    pub(super) async fn server(&self, secret: &str) -> TestServer {
        let base = self.base.as_str().trim_end_matches('/');
        let yaml = include_str!("../notes.yaml")
            .replace("  issuer: {issuer}\n", "  client_auth: body\n")
            .replace("{authorize_url}", &format!("{base}/authorize"))
            .replace("{token_url}", &format!("{base}/token"))
            .replace("{api_base_url}", base)
            .replace("{revocation_url}", &format!("{base}/revoke"));
        let connector = Some((yaml, "app".to_owned(), secret.to_owned()));
        TestServer::with(Setup { connector, ..Setup::default() }).await
    }
}

async fn authorize(Query(fields): Query<Fields>) -> Redirect {
    let mut back: Url = field(&fields, "redirect_uri").parse().unwrap();
    back.query_pairs_mut()
        .append_pair("code", "good")
        .append_pair("state", &field(&fields, "state"));
    Redirect::to(back.as_str())
}

async fn token(
    State(provider): State<Provider>,
    Form(fields): Form<Fields>,
) -> (StatusCode, Json<Value>) {
    if *provider.is_down.lock().unwrap() {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!("down")));
    }
    let secret = field(&fields, "client_secret");
    provider.shown.lock().unwrap().push(secret.clone());
    if !provider.accepted.lock().unwrap().contains(&secret) {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_client"})));
    }
    if field(&fields, "code") != "good" {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"})));
    }
    (StatusCode::OK, Json(json!({"access_token": "CANARY-token", "token_type": "bearer"})))
}
