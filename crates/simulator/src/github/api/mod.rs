//! The REST API: what all of its methods have in common.

pub(crate) mod applications;
mod link;
mod matching;
mod query;
pub(crate) mod repos;
pub(crate) mod search;
pub(crate) mod user;
mod views;

use axum::Json;
use axum::http::header::{AUTHORIZATION, LINK, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::Github;
use super::limits::Resource;
use super::refusal::Refusal;
use super::scopes;
use super::state::State;
use super::tokens::Token;
use crate::requests::Noted;

/// The versions of the API, the default first.
const VERSIONS: &[&str] = &["2022-11-28", "2026-03-10"];

/// One method of the API.
pub(super) struct Method {
    /// The scopes that it can make use of, as a header of the answer lists them.
    accepted: &'static [&'static str],
    resource: Resource,
    run: fn(&Call<'_>) -> Result<Answer, Refusal>,
}

/// An authenticated call.
pub(super) struct Call<'a> {
    caller: &'a Token,
    state: &'a State,
    query: &'a str,
    base: &'a str,
}

/// A successful answer.
pub(super) struct Answer {
    body: Value,
    link: Option<String>,
}

// === impl Method ===

impl Method {
    /// Runs the method for whoever calls.
    fn run(&self, github: &Github, headers: &HeaderMap, query: Option<&str>) -> Response {
        let version = match admitted(headers) {
            Ok(version) => version,
            Err(refusal) => return refusal.into_response(),
        };
        let mut state = github.state();
        let now = github.outside.now();
        let caller = bearer(headers).and_then(|token| {
            state.tokens.alive(token, now).cloned().ok_or(Refusal::bad_credentials())
        });
        let caller = match caller {
            Ok(caller) => caller,
            Err(refusal) => return refusal.into_response(),
        };
        let usage = state.limits.count(&caller.client_id, &caller.login, self.resource, now);
        let query = query.unwrap_or_default();
        let base = github.base();
        let call = Call { caller: &caller, state: &state, query, base: &base };
        let outcome =
            usage.map_err(|usage| Refusal::primary_limit(&usage)).and_then(|_| (self.run)(&call));
        let error = outcome.is_err();
        let mut response = outcome.map_or_else(Refusal::into_response, Answer::into_response);
        let (Ok(usage) | Err(usage)) = usage;
        let headers = response.headers_mut();
        set(headers, usage.headers());
        set(
            headers,
            [
                ("x-oauth-scopes", caller.scopes.join(", ")),
                ("x-accepted-oauth-scopes", self.accepted.join(", ")),
                ("x-oauth-client-id", caller.client_id.clone()),
                ("x-github-api-version-selected", version.to_owned()),
                ("x-github-media-type", "github.v3; format=json".to_owned()),
            ],
        );
        note(&mut response, caller.client_id, error);
        response
    }
}

// === impl Call ===

impl Call<'_> {
    /// Returns whether the token shows its person's private things, too.
    fn sees_private(&self) -> bool {
        scopes::covers(&self.caller.scopes, "repo")
    }
}

// === impl Answer ===

impl Answer {
    fn whole(body: Value) -> Self {
        Self { body, link: None }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Json(self.body).into_response();
        set(response.headers_mut(), self.link.map(|link| (LINK.as_str(), link)));
        response
    }
}

/// Returns the version of the API that is asked for, where a program says what it is.
fn admitted(headers: &HeaderMap) -> Result<&str, Refusal> {
    if headers.get(USER_AGENT).is_none_or(HeaderValue::is_empty) {
        return Err(Refusal::no_user_agent());
    }
    let Some(version) = headers.get("x-github-api-version") else {
        return Ok(VERSIONS[0]);
    };
    let version = version.to_str().unwrap_or_default();
    let known = VERSIONS.iter().find(|known| **known == version);
    known.copied().ok_or_else(|| Refusal::unknown_version(version))
}

/// Returns the token, behind either of the words that GitHub takes.
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let value = headers.get(AUTHORIZATION).ok_or_else(Refusal::requires_authentication)?;
    let value = value.to_str().unwrap_or_default();
    let (scheme, token) = value.split_once(' ').unwrap_or_default();
    let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
    if known { Ok(token.trim()) } else { Err(Refusal::bad_credentials()) }
}

fn note(response: &mut Response, client_id: String, is_error: bool) {
    let noted = response.extensions().get::<Noted>().cloned().unwrap_or_default();
    let error = noted.error.filter(|_| is_error);
    response.extensions_mut().insert(Noted { client_id: Some(client_id), error, ..noted });
}

/// Adds headers to an answer.
pub(super) fn set(
    headers: &mut HeaderMap,
    values: impl IntoIterator<Item = (&'static str, String)>,
) {
    for (name, value) in values {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
