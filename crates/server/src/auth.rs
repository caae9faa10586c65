use astralform_domain::{
    Administrator, Caller, EndUserId, Environment, Principal, ProjectId, RuntimeCredential, Tenant,
};
use astralform_engine::authentication::Said;
use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::{HeaderMap, header, request::Parts},
};
use serde::Deserialize;

use crate::{App, Problem, body::Query};

/// A runtime request, and the end user it names, if it names one: with an API key, or with a
/// session, which names both agent and end user itself.
pub(crate) struct Acting(pub(crate) Caller);

/// The same with an end user.
pub(crate) struct ActingFor(pub(crate) Caller, pub(crate) EndUserId);

/// A runtime request of a developer's backend: with an API key.
pub(crate) struct Backend(pub(crate) Principal);

/// A request of somebody who administers: with an admin token.
pub(crate) struct Managing(pub(crate) Administrator);

/// The same, in a project that the path names and that is one of theirs.
pub(crate) struct InProject {
    pub(crate) administrator: Administrator,
    pub(crate) project: ProjectId,
}

/// The same, in the environment that the query names.
pub(crate) struct InTenant(pub(crate) Tenant);

impl FromRequestParts<App> for Acting {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let said = Said {
            token: bearer(&parts.headers)?,
            agent: text(&parts.headers, "x-agent-id")?,
            end_user: end_user(&parts.headers)?,
        };
        Ok(Self(app.engine().authenticate(said).await?))
    }
}

impl FromRequestParts<App> for ActingFor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Acting(caller) = Acting::from_request_parts(parts, app).await?;
        let end_user = caller.end_user.clone().ok_or_else(Problem::end_user_required)?;
        Ok(Self(caller, end_user))
    }
}

impl FromRequestParts<App> for Backend {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Acting(caller) = Acting::from_request_parts(parts, app).await?;
        match caller.principal.credential {
            RuntimeCredential::ApiKey(_) => Ok(Self(caller.principal)),
            RuntimeCredential::Session { .. } => Err(Problem::backend_only()),
        }
    }
}

impl FromRequestParts<App> for Managing {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Ok(Self(app.engine().administrator(bearer(&parts.headers)?).await?))
    }
}

impl FromRequestParts<App> for InProject {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Managing(administrator) = Managing::from_request_parts(parts, app).await?;
        let missing = || Problem::not_found("there is no such project, or it is not yours");
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| missing())?;
        let named = params.iter().find(|(name, _)| *name == "project");
        let project = named.and_then(|(_, id)| id.parse().ok()).ok_or_else(missing)?;
        let role = app.engine().role_in(administrator, project).await?;
        role.ok_or_else(missing)?;
        Ok(Self { administrator, project })
    }
}

#[derive(Deserialize)]
struct Named {
    environment: Option<Environment>,
}

impl FromRequestParts<App> for InTenant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let InProject { project, .. } = InProject::from_request_parts(parts, app).await?;
        let Query(Named { environment }) = Query::from_request_parts(parts, app).await?;
        let detail = "name the environment: ?environment=live or ?environment=test";
        let environment =
            environment.ok_or_else(|| Problem::bad_request("environment_required", detail))?;
        Ok(Self(Tenant { project, environment }))
    }
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let expected = "send the token as `Authorization: Bearer …`";
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
