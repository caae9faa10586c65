use axum::Json;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::Hostile;

/// A write; its marker says which one it is.
#[derive(Deserialize)]
pub(super) struct Item {
    marker: String,
}

pub(super) async fn me(State(provider): State<Hostile>, headers: HeaderMap) -> Response {
    match provider.account(&headers) {
        Ok(account) => Json(json!({"id": account, "name": account})).into_response(),
        Err(refused) => refused,
    }
}

pub(super) async fn list(State(provider): State<Hostile>, headers: HeaderMap) -> Response {
    match provider.account(&headers) {
        Ok(account) => Json(json!({"items": [{"owner": account}]})).into_response(),
        Err(refused) => refused,
    }
}

pub(super) async fn add(
    State(provider): State<Hostile>,
    headers: HeaderMap,
    Json(item): Json<Item>,
) -> Response {
    if let Err(refused) = provider.account(&headers) {
        return refused;
    }
    provider.state().book.write(&item.marker);
    (StatusCode::CREATED, Json(json!({"marker": item.marker}))).into_response()
}

impl Hostile {
    /// Whose token it is, or the answer to a dead one (RFC 6750 §3).
    fn account(&self, headers: &HeaderMap) -> Result<String, Response> {
        let now = self.outside.now();
        let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = value.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let mut state = self.state();
        let account = state.families.account(token, &state.temper, now).map(ToOwned::to_owned);
        let ledger = &mut state.book.ledger;
        let counted = if account.is_some() { &mut ledger.calls } else { &mut ledger.dead_calls };
        *counted += 1;
        account.ok_or_else(|| {
            let challenge = [(WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")];
            let body = Json(json!({"error": "invalid_token"}));
            (StatusCode::UNAUTHORIZED, challenge, body).into_response()
        })
    }
}
