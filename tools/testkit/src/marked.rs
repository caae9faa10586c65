//! A provider whose every secret is marked, and that remembers what it was shown.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::Redirect,
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

/// What the provider gives out.
pub const CODE: &str = "CANARY-code-0123456789abcdef";
/// The access token.
pub const ACCESS_TOKEN: &str = "CANARY-access-token-0123456789abcdef";
/// The refresh token.
pub const REFRESH_TOKEN: &str = "CANARY-refresh-token-0123456789abcdef";

type Fields = Vec<(String, String)>;

/// The provider while it runs. Dropping it ends it.
pub struct MarkedProvider {
    /// Where it is.
    pub base: Url,
    seen: Seen,
    task: JoinHandle<()>,
}

/// What it was shown, in the order of coming.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Fields>>, Arc<AtomicBool>);

impl MarkedProvider {
    /// Starts it on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Seen::default();
        let router = Router::new()
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/revoke", post(revoke))
            .route("/me", get(me))
            .route("/notes", get(notes))
            .with_state(seen.clone());
        let serve = async { axum::serve(listener, router).await.expect("it serves") };
        let base = format!("http://{address}").parse().expect("an address");
        Self { base, seen, task: tokio::spawn(serve) }
    }

    /// Revokes nothing from now on and answers 503, or does again.
    pub fn refuse_to_revoke(&self, refuses: bool) {
        self.seen.1.store(refuses, Ordering::SeqCst);
    }

    /// Returns the values it was shown under a name: a parameter's, or `authorization`.
    pub fn shown(&self, name: &str) -> Vec<String> {
        let seen = self.seen.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }
}

impl Drop for MarkedProvider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Seen {
    fn note(&self, fields: Fields) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(fields);
    }

    fn note_authorization(&self, headers: &HeaderMap) {
        let value = headers.get("authorization").and_then(|value| value.to_str().ok());
        self.note(
            value.map(|value| ("authorization".to_owned(), value.to_owned())).into_iter().collect(),
        );
    }
}

/// Consents at once.
async fn authorize(State(seen): State<Seen>, Query(fields): Query<Fields>) -> Redirect {
    let field =
        |name: &str| fields.iter().find(|(known, _)| known == name).expect("a field").1.clone();
    let mut back: Url = field("redirect_uri").parse().expect("an address");
    back.query_pairs_mut().append_pair("code", CODE).append_pair("state", &field("state"));
    seen.note(fields);
    Redirect::to(back.as_str())
}

async fn token(
    State(seen): State<Seen>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Json<Value> {
    seen.note_authorization(&headers);
    seen.note(fields);
    Json(json!({
        "access_token": ACCESS_TOKEN,
        "refresh_token": REFRESH_TOKEN,
        "token_type": "bearer",
        "expires_in": 3600,
    }))
}

async fn revoke(
    State(seen): State<Seen>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> StatusCode {
    if seen.1.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    seen.note_authorization(&headers);
    seen.note(fields);
    StatusCode::OK
}

async fn me(State(seen): State<Seen>, headers: HeaderMap) -> Json<Value> {
    seen.note_authorization(&headers);
    Json(json!({"id": "acc_1", "name": "Ada"}))
}

/// Repeats the token that it was shown, as careless providers do; `limit=2` is an error.
async fn notes(
    State(seen): State<Seen>,
    headers: HeaderMap,
    Query(fields): Query<Fields>,
) -> (StatusCode, Json<Value>) {
    seen.note_authorization(&headers);
    let shown = format!("you sent {ACCESS_TOKEN}");
    if fields.iter().any(|(name, value)| name == "limit" && value == "2") {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "bad", "message": shown})));
    }
    (StatusCode::OK, Json(json!({"notes": [{"id": "n1", "title": shown}]})))
}
