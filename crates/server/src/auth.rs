use astralform_domain::{Caller, EndUserId, Principal};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};

use crate::{App, Problem};

/// A request with a valid API key.
pub(crate) struct Authenticated(pub(crate) Principal);

/// A request with a valid API key, and the end user it names, if it names one.
pub(crate) struct Acting(pub(crate) Caller);

impl FromRequestParts<App> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let key = bearer(&parts.headers)?;
        let agent = text(&parts.headers, "x-agent-id")?;
        Ok(Self(app.engine().authenticate(key, agent).await?))
    }
}

impl FromRequestParts<App> for Acting {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Authenticated(principal) = Authenticated::from_request_parts(parts, app).await?;
        let end_user = end_user(&parts.headers)?;
        Ok(Self(Caller { principal, end_user }))
    }
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let expected = "send the API key as `Authorization: Bearer sk_…`";
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, key) =
        value.and_then(|value| value.split_once(' ')).ok_or(Problem::unauthorized(expected))?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(key.trim())
    } else {
        Err(Problem::unauthorized(expected))
    }
}

fn end_user(headers: &HeaderMap) -> Result<Option<EndUserId>, Problem> {
    let Some(value) = headers.get("x-end-user-id") else {
        return Ok(None);
    };
    let parsed = std::str::from_utf8(value.as_bytes()).ok().and_then(|id| id.parse().ok());
    let detail = "X-End-User-ID must have 1 to 255 printable characters";
    parsed.map(Some).ok_or_else(|| Problem::bad_request("invalid_end_user", detail))
}

fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Problem> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    let detail = format!("the header {name} must be plain text");
    value.to_str().map(Some).map_err(|_| Problem::bad_request("invalid_header", detail))
}
