//! Who sends a request, as handlers take it: each of these is had with a credential alone.

mod described;

use std::sync::Arc;

use astralform_domain::{
    Administrator, Caller, EndUserId, Environment, Principal, ProjectId, RuntimeCredential, limits,
};
use astralform_engine::{CredentialRefusal, authentication::RequestClaims};
use astralform_management::ProjectActor;
use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::{HeaderMap, header, request::Parts},
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    App, Given, Problem, Refusal,
    body::Query,
    cors,
    openapi::Queries,
    served::{self, Served},
};
pub(crate) use described::{describe, refers_to};

/// A runtime request, and the end user it names, if it names one: with an API key, or with a
/// session, which names both agent and end user itself.
pub struct Acting(pub Caller);

/// A runtime request that names an end user.
pub struct ActingFor(pub Caller, pub EndUserId);

/// A runtime request of a developer's backend: with an API key.
pub struct Backend(pub Principal);

/// A request of an administrator: with an admin token.
pub struct Managing(pub Administrator);

/// A request of an administrator about a project of theirs, which the path names.
pub struct InProject {
    /// Who acts there.
    pub by: ProjectActor,
    /// Who that is, wherever they act.
    pub administrator: Administrator,
}

/// A request about an environment of a project, which the query names.
pub struct InEnvironment {
    /// Who acts in the project.
    pub by: ProjectActor,
    /// Whom the admin token belongs to.
    pub administrator: Administrator,
    /// The environment.
    pub environment: Environment,
}

/// A request about an environment of a project that may have been deleted.
pub struct InPastEnvironment {
    /// Who acts in the project.
    pub by: ProjectActor,
    /// The environment.
    pub environment: Environment,
}

impl FromRequestParts<App> for Acting {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let token = bearer(&parts.headers)?;
        let claims = RequestClaims {
            token,
            agent: agent(&parts.headers)?,
            end_user: end_user(&parts.headers)?,
        };
        let served = served::current();
        if let Some(served) = &served {
            listen_to(app, served, token).await?;
        }
        let caller = app.engine().authentication.authenticate(claims).await?;
        if let Some(served) = &served {
            app.throttle().admit(served, &caller).await?;
        }
        cors::admit(app, served.as_deref(), &caller, &parts.headers).await?;
        check_query(parts)?;
        Ok(Self(caller))
    }
}

/// Refuses a token that is not known here already, of an address that has sent too many wrong ones:
/// to look for it costs more than to refuse it.
async fn listen_to(app: &App, served: &Served, token: &str) -> Result<(), Problem> {
    if app.throttle().is_exhausted(served) && !app.engine().cache.remembers(token) {
        return Err(app.throttle().refuse_stranger(served).await);
    }
    Ok(())
}

/// Refuses a query parameter that the operation does not take. Only callers whose credential is
/// good are told so.
fn check_query(parts: &Parts) -> Result<(), Refusal> {
    parts.extensions.get::<Arc<Queries>>().map_or(Ok(()), |queries| queries.check(parts))
}

impl FromRequestParts<App> for ActingFor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Acting(caller) = Acting::from_request_parts(parts, app).await?;
        let end_user = caller.end_user.clone().ok_or(CredentialRefusal::EndUserRequired)?;
        Ok(Self(caller, end_user))
    }
}

impl FromRequestParts<App> for Backend {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Acting(caller) = Acting::from_request_parts(parts, app).await?;
        match caller.principal.credential {
            RuntimeCredential::ApiKey { .. } => Ok(Self(caller.principal)),
            RuntimeCredential::Session { .. } => Err(Refusal::BackendOnly.into()),
        }
    }
}

impl FromRequestParts<App> for Managing {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let token = bearer(&parts.headers)?;
        let served = served::current();
        if let Some(served) = &served {
            listen_to(app, served, token).await?;
        }
        let administrator = app.engine().authentication.administrator(token).await?;
        if let Some(served) = &served {
            app.throttle().admit_member(served, administrator).await?;
        }
        check_query(parts)?;
        Ok(Self(administrator))
    }
}

impl FromRequestParts<App> for InProject {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Managing(administrator) = Managing::from_request_parts(parts, app).await?;
        let project = project(parts, app).await?;
        let by = app.management().members.in_project(administrator, project).await?;
        Ok(Self { by: by.ok_or(Refusal::UnknownProject)?, administrator })
    }
}

async fn project(parts: &mut Parts, app: &App) -> Result<ProjectId, Problem> {
    let params = RawPathParams::from_request_parts(parts, app).await;
    let params = params.map_err(|_| Refusal::UnknownProject)?;
    let named = params.iter().find(|(name, _)| *name == "project");
    named.and_then(|(_, id)| id.parse().ok()).ok_or_else(|| Refusal::UnknownProject.into())
}

/// What names a project in a path.
#[derive(Deserialize, JsonSchema)]
struct ProjectPath {
    /// The project's id.
    #[expect(dead_code, reason = "it is read from the path, and described here")]
    project: ProjectId,
}

#[derive(Deserialize, JsonSchema)]
struct EnvironmentQuery {
    /// The environment that is meant.
    #[expect(dead_code, reason = "it is read as one that may be missing, and described here")]
    environment: Environment,
}

#[derive(Deserialize, JsonSchema)]
struct Named {
    environment: Option<Environment>,
}

impl FromRequestParts<App> for InEnvironment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let InProject { by, administrator } = InProject::from_request_parts(parts, app).await?;
        Ok(Self { by, administrator, environment: environment(parts, app).await? })
    }
}

impl FromRequestParts<App> for InPastEnvironment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Managing(administrator) = Managing::from_request_parts(parts, app).await?;
        let project = project(parts, app).await?;
        let by = app.management().members.in_past_project(administrator, project).await?;
        let by = by.ok_or(Refusal::UnknownProject)?;
        Ok(Self { by, environment: environment(parts, app).await? })
    }
}

async fn environment(parts: &mut Parts, app: &App) -> Result<Environment, Problem> {
    let Query(Named { environment }) = Query::from_request_parts(parts, app).await?;
    environment.ok_or_else(|| Refusal::EnvironmentRequired.into())
}

/// Returns the token that a request carries.
///
/// # Errors
/// When it carries none, or in another way than as a bearer token.
pub fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let value = headers.get(header::AUTHORIZATION).ok_or(Refusal::NoToken)?;
    let value = value.to_str().map_err(|_| Refusal::InvalidHeader("Authorization"))?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::NoBearer);
    }
    let token = token.trim();
    if token.is_empty() { Err(Refusal::NoToken) } else { Ok(token) }
}

fn end_user(headers: &HeaderMap) -> Result<Option<EndUserId>, Problem> {
    let Some(value) = headers.get("x-end-user-id") else {
        return Ok(None);
    };
    let parsed = std::str::from_utf8(value.as_bytes()).ok().and_then(|id| id.parse().ok());
    parsed.map(Some).ok_or_else(|| {
        let given = Given::of(value.as_bytes(), limits::END_USER.count());
        Refusal::InvalidEndUser(given).into()
    })
}

fn agent(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get("x-agent-id") else {
        return Ok(None);
    };
    value.to_str().map(Some).map_err(|_| Refusal::InvalidHeader("X-Agent-ID").into())
}
