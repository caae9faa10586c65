use std::collections::HashMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use url::form_urlencoded::{self, Serializer};

use crate::apps::basic;
use crate::github::Github;
use crate::github::app::RegisteredApp;
use crate::github::state::State as GithubState;
use crate::github::tokens::{ACCESS_SECONDS, Grant, Issued, REFRESH_SECONDS};
use crate::outside::Outside;
use crate::pkce;
use crate::requests::Noted;

type Members = Map<String, Value>;
type Arguments = HashMap<String, String>;

/// The error codes of the token endpoint, each in GitHub's sense.
const ERRORS: &[(&str, &str)] = &[
    ("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect."),
    ("redirect_uri_mismatch", "The redirect_uri is not one of those registered with the app."),
    ("bad_verification_code", "The code passed is incorrect or expired."),
    ("bad_refresh_token", "The refresh token passed is incorrect or expired."),
    ("unsupported_grant_type", "The grant_type is neither authorization_code nor refresh_token."),
    ("unverified_user_email", "The user must have a verified primary email."),
];

/// Codes and refresh tokens become tokens; refusals come with HTTP 200, too.
pub(crate) async fn post(
    State(github): State<Github>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let arguments = arguments(&headers, &body);
    let credentials = credentials(&headers, &arguments);
    let grant_type = arguments.get("grant_type").map_or("authorization_code", String::as_str);
    let mut noted = Noted {
        client_id: credentials.as_ref().map(|(id, _)| id.clone()),
        grant_type: Some(grant_type.to_owned()),
        error: None,
    };
    let mut state = github.state();
    let app = credentials.and_then(|(id, secret)| state.proven(&id, &secret).cloned());
    let outcome = match (app, grant_type) {
        (None, _) => Err("incorrect_client_credentials"),
        (Some(app), "authorization_code") => {
            exchange(&app, &arguments, &mut state, &github.outside)
        }
        (Some(app), "refresh_token") => {
            let refresh_token = arguments.get("refresh_token").map_or("", String::as_str);
            let rotated = state.tokens.rotate(&app.client_id, refresh_token, &github.outside);
            rotated.ok_or("bad_refresh_token")
        }
        _ => Err("unsupported_grant_type"),
    };
    noted.error = outcome.as_ref().err().map(|&code| code.to_owned());
    let members = outcome.map_or_else(refusal, |issued| token(&issued));
    let mut response = worded(&headers, members);
    response.extensions_mut().insert(noted);
    response
}

/// Returns the answer with one of the endpoint's error codes.
pub(crate) fn refused(code: &str) -> Option<Response> {
    let (code, _) = ERRORS.iter().find(|(known, _)| *known == code)?;
    Some(Json(refusal(code)).into_response())
}

/// Exchanges a code; whatever comes of it, the code is used up.
fn exchange(
    app: &RegisteredApp,
    arguments: &Arguments,
    state: &mut GithubState,
    outside: &Outside,
) -> Result<Issued, &'static str> {
    let code = arguments.get("code").map_or("", String::as_str);
    let agreed = state.consents.redeem(code, outside.now());
    let agreed = agreed.filter(|agreed| agreed.asked.client_id == app.client_id);
    let agreed = agreed.ok_or("bad_verification_code")?;
    let redirect_uri = arguments.get("redirect_uri");
    if redirect_uri.is_some_and(|given| *given != agreed.asked.redirect_uri) {
        return Err("redirect_uri_mismatch");
    }
    let verified = match (&agreed.asked.code_challenge, arguments.get("code_verifier")) {
        (Some(challenge), Some(verifier)) => pkce::verifies(verifier, challenge),
        (challenge, _) => challenge.is_none(),
    };
    if !verified {
        return Err("bad_verification_code");
    }
    let client_id = app.client_id.clone();
    let login = agreed.login;
    let grant = Grant { client_id, login, scopes: agreed.asked.scopes };
    Ok(state.tokens.issue(grant, app.expiring_tokens, outside))
}

fn token(issued: &Issued) -> Members {
    let mut members = Members::new();
    members.insert("access_token".to_owned(), json!(issued.access_token));
    if let Some(refresh_token) = &issued.refresh_token {
        members.insert("expires_in".to_owned(), json!(ACCESS_SECONDS));
        members.insert("refresh_token".to_owned(), json!(refresh_token));
        members.insert("refresh_token_expires_in".to_owned(), json!(REFRESH_SECONDS));
    }
    members.insert("token_type".to_owned(), json!("bearer"));
    members.insert("scope".to_owned(), json!(issued.scopes.join(",")));
    members
}

fn refusal(code: &str) -> Members {
    let description = ERRORS.iter().find(|(known, _)| *known == code).map_or("", |(_, why)| why);
    let mut members = Members::new();
    members.insert("error".to_owned(), json!(code));
    members.insert("error_description".to_owned(), json!(description));
    members.insert("error_uri".to_owned(), json!("https://docs.github.com/apps/oauth-apps"));
    members
}

/// Writes it as a form, unless JSON is asked for.
fn worded(headers: &HeaderMap, members: Members) -> Response {
    let accepted = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accepted.contains("json") {
        return Json(members).into_response();
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let pairs = members.iter().map(|(name, value)| (name, text(value)));
    let form = Serializer::new(String::new()).extend_pairs(pairs).finish();
    let kind = "application/x-www-form-urlencoded; charset=utf-8";
    ([(CONTENT_TYPE, kind)], form).into_response()
}

fn arguments(headers: &HeaderMap, body: &[u8]) -> Arguments {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        let object: Members = serde_json::from_slice(body).unwrap_or_default();
        let texts = object.into_iter().filter_map(|(name, value)| match value {
            Value::String(text) => Some((name, text)),
            _ => None,
        });
        return texts.collect();
    }
    form_urlencoded::parse(body).into_owned().collect()
}

fn credentials(headers: &HeaderMap, arguments: &Arguments) -> Option<(String, String)> {
    if headers.contains_key(AUTHORIZATION) {
        return basic(headers);
    }
    Some((arguments.get("client_id")?.clone(), arguments.get("client_secret")?.clone()))
}
