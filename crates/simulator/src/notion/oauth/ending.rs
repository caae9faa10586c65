use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::client::{body, client, text};
use crate::notion::Notion;
use crate::notion::answer::{Refusal, respond};
use crate::notion::state::State as NotionState;
use crate::requests::Noted;

/// Ends the token that is named, and no other.
pub(crate) async fn revoke(
    State(notion): State<Notion>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    answer(&notion, &headers, &bytes, |state, token, is_own| {
        if is_own {
            state.tokens.end(token);
        }
        json!({})
    })
}

/// Says whether a token works.
pub(crate) async fn introspect(
    State(notion): State<Notion>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    answer(&notion, &headers, &bytes, |state, token, is_own| {
        let issued_at =
            state.tokens.owner(token).filter(|_| is_own).map(|(_, issued_at)| issued_at);
        let mut answer = json!({ "active": issued_at.is_some() });
        if let Some(Some(at)) = issued_at {
            answer["iat"] = (at / 1_000).into();
        }
        answer
    })
}

/// Returns what both have in common: an app names a token. One of another app is not told from one
/// that does not exist.
fn answer(
    notion: &Notion,
    headers: &HeaderMap,
    bytes: &[u8],
    act: impl FnOnce(&mut NotionState, &str, bool) -> Value,
) -> Response {
    let mut noted = Noted::default();
    let outcome = named(notion, headers, bytes, &mut noted, act);
    respond(outcome, &notion.outside, noted)
}

fn named(
    notion: &Notion,
    headers: &HeaderMap,
    bytes: &[u8],
    noted: &mut Noted,
    act: impl FnOnce(&mut NotionState, &str, bool) -> Value,
) -> Result<Value, Refusal> {
    let mut state = notion.state();
    let app = client(headers, &state)?;
    noted.client_id = Some(app.client_id.clone());
    let body = body(headers, bytes, &["token"])?;
    let token = text(&body, "token")?;
    let owner = state.tokens.owner(token).map(|(grant, _)| grant.client_id.clone());
    Ok(act(&mut state, token, owner.as_ref() == Some(&app.client_id)))
}
