//! What an app does about the tokens it holds; it proves itself with its secret.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{admitted, note, views};
use crate::apps::basic;
use crate::github::Github;
use crate::github::app::RegisteredApp;
use crate::github::refusal::Refusal;
use crate::github::state::State as GithubState;
use crate::github::tokens::Token;

/// Says what a token is.
pub(crate) async fn check(
    State(github): State<Github>,
    Path(client_id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut state = github.state();
    let described = named(&mut state, &client_id, &headers, &body).and_then(|(app, token)| {
        let known = alive(&state, &token, &client_id, github.outside.now());
        let known = known.ok_or_else(Refusal::not_found)?;
        let person = state.world.person(&known.login).ok_or_else(Refusal::not_found)?;
        Ok(views::authorization(&token, known, &app, person, &github.base()))
    });
    answered(described.map(|body| Json(body).into_response()), client_id)
}

/// Ends one token.
pub(crate) async fn delete_token(
    State(github): State<Github>,
    Path(client_id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    end(&github, client_id, &headers, &body, |state, token, _| state.tokens.end(token))
}

/// Ends all that a token's person has let the app do.
pub(crate) async fn delete_grant(
    State(github): State<Github>,
    Path(client_id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    end(&github, client_id, &headers, &body, |state, _, known| {
        state.tokens.withdraw(&known.client_id, &known.login);
    })
}

fn end(
    github: &Github,
    client_id: String,
    headers: &HeaderMap,
    body: &[u8],
    how: fn(&mut GithubState, &str, &Token),
) -> Response {
    let mut state = github.state();
    let ended = named(&mut state, &client_id, headers, body).and_then(|(_, token)| {
        let known = alive(&state, &token, &client_id, github.outside.now()).cloned();
        let known = known.ok_or_else(|| {
            let field =
                json!({ "resource": "OauthAccess", "field": "access_token", "code": "invalid" });
            Refusal::validation(field)
        })?;
        how(&mut state, &token, &known);
        Ok(StatusCode::NO_CONTENT.into_response())
    });
    answered(ended, client_id)
}

/// Returns the app that proves itself, and the token it names.
fn named(
    state: &mut GithubState,
    client_id: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(RegisteredApp, String), Refusal> {
    admitted(headers)?;
    let (id, secret) = basic(headers).ok_or_else(Refusal::requires_authentication)?;
    let app = state.proven(&id, &secret).cloned().ok_or_else(Refusal::bad_credentials)?;
    if app.client_id != client_id {
        return Err(Refusal::not_found());
    }
    let body: Value = serde_json::from_slice(body).map_err(|_| Refusal::bad_json())?;
    let token = body.get("access_token").and_then(Value::as_str).map(str::to_owned);
    let missing =
        json!({ "resource": "OauthAccess", "field": "access_token", "code": "missing_field" });
    Ok((app, token.ok_or_else(|| Refusal::validation(missing))?))
}

fn alive<'a>(state: &'a GithubState, token: &str, client_id: &str, now: i64) -> Option<&'a Token> {
    state.tokens.alive(token, now).filter(|known| known.client_id == client_id)
}

fn answered(outcome: Result<Response, Refusal>, client_id: String) -> Response {
    let is_error = outcome.is_err();
    let mut response = outcome.unwrap_or_else(Refusal::into_response);
    note(&mut response, client_id, is_error);
    response
}
