use std::collections::HashMap;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::{Form, Json};
use serde_json::{Value, json};

use super::families::{Ended, Place};
use super::temper::{Habit, Said, Temper, Trouble};
use super::{Hostile, Pair};
use crate::apps::basic;
use crate::gate::dropped;

type Fields = HashMap<String, String>;

/// A request of the token endpoint while it is under way.
struct UnderWay<'a>(&'a Hostile);

/// Returns the token endpoint (RFC 6749 §3.2).
pub(super) async fn token(
    State(provider): State<Hostile>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Response {
    let _under_way = UnderWay::enter(&provider);
    if !provider.knows(&headers, &fields) {
        return provider.refused(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    let field = |name: &str| fields.get(name).map(String::as_str);
    match field("grant_type") {
        Some("authorization_code") => exchange(&provider, &fields),
        Some("refresh_token") => {
            refresh(&provider, field("refresh_token").unwrap_or_default()).await
        }
        _ => provider.refused(StatusCode::BAD_REQUEST, "unsupported_grant_type"),
    }
}

/// Returns the revocation endpoint (RFC 7009): a token that is unknown is dead already.
pub(super) async fn revoke(
    State(provider): State<Hostile>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Response {
    let known = provider.knows(&headers, &fields);
    if let Some(hang) = provider.hang_of_revocation() {
        tokio::time::sleep(hang).await;
        return dropped();
    }
    let mut state = provider.state();
    state.book.ledger.revocations += 1;
    if state.temper.has(Habit::RevocationDown) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    if !known {
        drop(state);
        return provider.refused(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    let place = fields.get("token").and_then(|token| state.families.any_token(token));
    if let Some(Place { family, .. }) = place {
        state.families.end(family, Ended::Returned);
    }
    StatusCode::OK.into_response()
}

fn exchange(provider: &Hostile, fields: &Fields) -> Response {
    let field = |name: &str| fields.get(name).map(String::as_str);
    let now = provider.outside.now();
    let mut state = provider.state();
    let account = state.consents.redeem(
        field("code").unwrap_or_default(),
        field("redirect_uri").unwrap_or_default(),
        field("code_verifier"),
    );
    let Some(account) = account else {
        drop(state);
        return provider.refused(StatusCode::BAD_REQUEST, "invalid_grant");
    };
    state.book.ledger.exchanges += 1;
    let pair = state.families.grant(&account, now);
    granted(&pair, &state.temper, !state.temper.has(Habit::GivesNoRefreshToken))
}

async fn refresh(provider: &Hostile, token: &str) -> Response {
    let (place, trouble, latency, hang) = {
        let mut state = provider.state();
        let Some(place) = state.families.refresh_token(token) else {
            state.book.ledger.refused += 1;
            drop(state);
            return provider.refused(StatusCode::BAD_REQUEST, "invalid_grant");
        };
        let trouble = state.befalls(place.family);
        (place, trouble, state.temper.latency, state.temper.hang)
    };
    tokio::time::sleep(latency / 2).await;
    match trouble {
        Some(Trouble::ServerError) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(Trouble::TooMany) => {
            return (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "1")]).into_response();
        }
        Some(Trouble::Html) => {
            return Html("<!doctype html><title>Maintenance</title>").into_response();
        }
        Some(Trouble::DropBefore) => return dropped(),
        Some(Trouble::HangBefore) => {
            tokio::time::sleep(hang).await;
            return dropped();
        }
        None | Some(Trouble::HangAfter | Trouble::DropAfter) => {}
    }
    let answer = provider.refresh(place);
    tokio::time::sleep(latency / 2).await;
    match trouble {
        Some(Trouble::HangAfter) => {
            tokio::time::sleep(hang).await;
            dropped()
        }
        Some(Trouble::DropAfter) => dropped(),
        _ => answer,
    }
}

fn granted(pair: &Pair, temper: &Temper, with_refresh_token: bool) -> Response {
    let mut body = json!({"access_token": pair.access_token, "token_type": "Bearer"});
    if with_refresh_token {
        body["refresh_token"] = json!(pair.refresh_token);
    }
    match &temper.expires_in {
        Said::Lifetime => body["expires_in"] = json!(temper.lifetime.as_secs()),
        Said::This(value) => body["expires_in"] = value.clone(),
        Said::Nothing => {}
    }
    ([(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

impl super::State {
    /// Returns what befalls the refresh that has come for a grant.
    fn befalls(&mut self, family: usize) -> Option<Trouble> {
        let attempt = self.families.attempt(family);
        if self.temper.chances.revokes(family, attempt) {
            self.families.end(family, Ended::Revoked);
        }
        let chosen = self.next.pop_front();
        let trouble = chosen.or_else(|| self.temper.chances.trouble(family, attempt));
        if let Some(trouble) = trouble {
            *self.book.ledger.troubles.entry(trouble.name()).or_default() += 1;
        }
        trouble
    }
}

impl Hostile {
    /// Counts a revocation that is not answered, and returns how long its line is held.
    fn hang_of_revocation(&self) -> Option<std::time::Duration> {
        let mut state = self.state();
        let hangs = state.temper.has(Habit::RevocationHangs);
        state.book.ledger.revocations += u64::from(hangs);
        hangs.then_some(state.temper.hang)
    }

    /// Returns whether it is the one app that it knows, by HTTP Basic or in the body.
    fn knows(&self, headers: &HeaderMap, fields: &Fields) -> bool {
        let state = self.state();
        let field = |name| fields.get(name).cloned();
        let named = basic(headers).or_else(|| Some((field("client_id")?, field("client_secret")?)));
        !state.temper.has(Habit::RefusesClient) && named.is_some_and(|named| named == state.client)
    }

    fn refresh(&self, place: Place) -> Response {
        let now = self.outside.now();
        let mut state = self.state();
        let super::State { families, temper, .. } = &mut *state;
        let pair = families.refresh(place, temper, now);
        let Some(pair) = pair else {
            state.book.ledger.refused += 1;
            drop(state);
            return self.refused(StatusCode::BAD_REQUEST, "invalid_grant");
        };
        state.book.ledger.refreshes += 1;
        granted(&pair, &state.temper, !state.temper.has(Habit::OmitsRefreshToken))
    }

    /// Returns a refusal as RFC 6749 §5.2 has it, or with HTTP 200.
    fn refused(&self, status: StatusCode, error: &str) -> Response {
        let body: Value = json!({"error": error, "error_description": "simulated"});
        let status =
            if self.state().temper.has(Habit::RefusesWithOk) { StatusCode::OK } else { status };
        (status, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
    }
}

impl<'a> UnderWay<'a> {
    fn enter(provider: &'a Hostile) -> Self {
        provider.state().book.enter();
        Self(provider)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.state().book.leave();
    }
}
