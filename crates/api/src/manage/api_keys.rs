use std::time::Duration;

use astralform_domain::{ApiKeyId, ConnectorSlug, Email, Environment, Timestamp};
use astralform_management::{
    Right,
    api_keys::{ListedKey, NewApiKey, OVERLAP, WantedKey},
};
use astralform_surface::{
    App, Problem,
    auth::InProject,
    body::{Keyed, Path, Query, Whole},
    idempotency::{IdempotencyScope, IdempotentAnswer, made_once},
};
use axum::{Json, extract::State, response::NoContent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::page::{PageQuery, PageView};

/// An API key, without the key itself.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ApiKeyView {
    /// Its id.
    id: ApiKeyId,
    /// The environment that it opens.
    environment: Environment,
    /// What it is for.
    name: String,
    /// The only agent that it may act as; null when it may act as any.
    agent: Option<String>,
    /// The only connectors that it may use; null when it may use all of its agent's.
    connectors: Option<Vec<ConnectorSlug>>,
    /// Its end.
    hint: String,
    /// When it was made.
    created_at: Timestamp,
    /// Who made it: a member's id, or `operator` for the command line.
    created_by: String,
    /// The address of the member who made it.
    created_by_email: Option<Email>,
    /// When it was last used, to within a minute or so.
    last_used_at: Option<Timestamp>,
    /// When it ends by itself.
    expires_at: Option<Timestamp>,
    /// When it was revoked; it is listed for another 90 days.
    revoked_at: Option<Timestamp>,
}

/// A fresh API key.
#[derive(Serialize, JsonSchema)]
pub(crate) struct NewApiKeyView {
    /// Its id.
    id: ApiKeyId,
    /// The environment that it opens.
    environment: Environment,
    /// The key itself, which is not shown again.
    api_key: String,
}

/// An API key to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CreateApiKey")]
pub(crate) struct ApiKeyCreateRequest {
    /// The environment that it opens.
    environment: Environment,
    /// What it is for.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// The only agent that it may act as, by name or id; any when left out.
    agent: Option<String>,
    /// The only connectors that it may use; all of its agent's when left out.
    connectors: Option<Vec<ConnectorSlug>>,
    /// When it ends by itself; never when left out.
    expires_at: Option<Timestamp>,
}

/// How a key is rolled.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RollApiKey")]
pub(crate) struct ApiKeyRollRequest {
    /// For how many seconds the old key lives on, 604800 (7 days) at most; a day when left out.
    overlap_seconds: Option<Whole<0, 604_800>>,
}

/// Which keys are listed.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ApiKeysQuery {
    /// Only this environment's.
    environment: Option<Environment>,
}

/// What names an API key in a path.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ApiKeyPath {
    /// The key's id.
    id: ApiKeyId,
}

pub(crate) async fn list(
    State(app): State<App>,
    InProject { by, .. }: InProject,
    Query(ApiKeysQuery { environment }): Query<ApiKeysQuery>,
    Query(page): Query<PageQuery<ApiKeyId>>,
) -> Result<Json<PageView<ApiKeyView>>, Problem> {
    let keys = &app.management().api_keys;
    let found = keys.list(&by, environment, page.cursor, page.one_more()).await?;
    Ok(Json(page.view(found, |key| key.id.to_string())))
}

pub(crate) async fn show(
    State(app): State<App>,
    InProject { by, .. }: InProject,
    Path(ApiKeyPath { id }): Path<ApiKeyPath>,
) -> Result<Json<ApiKeyView>, Problem> {
    Ok(Json(app.management().api_keys.find(&by, id).await?.into()))
}

pub(crate) async fn create(
    State(app): State<App>,
    InProject { by, administrator }: InProject,
    sent: Keyed<ApiKeyCreateRequest>,
) -> Result<IdempotentAnswer<NewApiKeyView, 201>, Problem> {
    let tenant = by.may(Right::Look)?.tenant(sent.value.environment);
    let route = "POST /v1/projects/{project}/api-keys";
    let scope = IdempotencyScope::of_member(administrator, tenant, route);
    let work = app.clone();
    made_once(&app, sent, scope, move |request| async move {
        Ok(work.management().api_keys.create(&by, request.into()).await?.into())
    })
    .await
}

pub(crate) async fn roll(
    State(app): State<App>,
    InProject { by, administrator }: InProject,
    Path(ApiKeyPath { id }): Path<ApiKeyPath>,
    sent: Keyed<ApiKeyRollRequest>,
) -> Result<IdempotentAnswer<NewApiKeyView, 201>, Problem> {
    // The id says which environment is meant; one of the two stands for the scope.
    let tenant = by.may(Right::Look)?.tenant(Environment::Test);
    let route = format!("POST /v1/projects/{{project}}/api-keys/{id}/roll");
    let scope = IdempotencyScope::of_member(administrator, tenant, &route);
    let work = app.clone();
    made_once(&app, sent, scope, move |ApiKeyRollRequest { overlap_seconds }| async move {
        let overlap = overlap_seconds.map_or(OVERLAP, |given| Duration::from_secs(given.get()));
        Ok(work.management().api_keys.roll(&by, id, overlap).await?.into())
    })
    .await
}

pub(crate) async fn revoke(
    State(app): State<App>,
    InProject { by, .. }: InProject,
    Path(ApiKeyPath { id }): Path<ApiKeyPath>,
) -> Result<NoContent, Problem> {
    app.management().api_keys.revoke(&by, id).await?;
    Ok(NoContent)
}

impl From<ApiKeyCreateRequest> for WantedKey {
    fn from(request: ApiKeyCreateRequest) -> Self {
        let ApiKeyCreateRequest { environment, name, agent, connectors, expires_at } = request;
        Self { environment, name, agent, connectors, expires_at }
    }
}

impl From<NewApiKey> for NewApiKeyView {
    fn from(made: NewApiKey) -> Self {
        let environment = made.access.tenant.environment;
        Self { id: made.id, environment, api_key: made.secret.expose().to_owned() }
    }
}

impl From<ListedKey> for ApiKeyView {
    fn from(key: ListedKey) -> Self {
        Self {
            id: key.id,
            environment: key.access.tenant.environment,
            name: key.access.name,
            agent: key.agent_name,
            connectors: key.access.connectors,
            hint: key.hint,
            created_at: key.created_at,
            created_by: key.created_by,
            created_by_email: key.created_by_email,
            last_used_at: key.used_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
        }
    }
}
