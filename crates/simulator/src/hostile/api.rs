use axum::Json;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::{Habit, Hostile};

/// A write; its marker says which one it is.
#[derive(Deserialize)]
pub(super) struct Item {
    marker: String,
}

pub(super) async fn me(State(provider): State<Hostile>, headers: HeaderMap) -> Response {
    provider.state().book.ledger.identities += 1;
    match provider.account(&headers) {
        Some(account) => Json(json!({"id": account, "name": account})).into_response(),
        None => refused(),
    }
}

pub(super) async fn list(State(provider): State<Hostile>, headers: HeaderMap) -> Response {
    match provider.account(&headers) {
        Some(account) => Json(json!({"items": [{"owner": account}]})).into_response(),
        None => refused(),
    }
}

pub(super) async fn add(
    State(provider): State<Hostile>,
    headers: HeaderMap,
    Json(item): Json<Item>,
) -> Response {
    if provider.account(&headers).is_none() {
        return refused();
    }
    provider.state().book.write(&item.marker);
    (StatusCode::CREATED, Json(json!({"marker": item.marker}))).into_response()
}

/// Returns the answer to a dead token (RFC 6750 §3).
fn refused() -> Response {
    let challenge = [(WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")];
    (StatusCode::UNAUTHORIZED, challenge, Json(json!({"error": "invalid_token"}))).into_response()
}

impl Hostile {
    /// Returns whose account a good token opens.
    fn account(&self, headers: &HeaderMap) -> Option<String> {
        let now = self.outside.now();
        let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = value.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let mut state = self.state();
        let account = state.families.account(token, &state.temper, now);
        let account = account.filter(|_| !state.temper.has(Habit::RefusesTokens));
        let account = account.map(ToOwned::to_owned);
        let ledger = &mut state.book.ledger;
        let counted = if account.is_some() { &mut ledger.calls } else { &mut ledger.dead_calls };
        *counted += 1;
        account
    }
}
