use astralform_domain::{
    ConnectorSlug, Endpoints, Environment, Patch, ScopeSet, Secret, Tenant, ToolName,
};
use astralform_engine::{
    SettingsError,
    project_connectors::{Change, ClientChange, Enable, NewClient, Verdict},
};
use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::views::ProjectConnectorView;
use crate::{
    App, Problem,
    api::page::PageView,
    auth::{InProject, InTenant},
    body::{Body, Keyed, Path, Query},
    once::{Answer, Scope, once},
};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct ListQuery {
    /// Only this environment's.
    environment: Option<Environment>,
}

/// What names a connector in a path.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct SlugPath {
    /// The connector's name in the catalogue.
    pub(crate) slug: ConnectorSlug,
}

/// A connector to be enabled.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EnableConnector")]
pub(crate) struct EnableRequest {
    /// The connector, by its name in the catalogue.
    connector: ConnectorSlug,
    /// The environment to enable it in.
    environment: Environment,
    /// Your own OAuth app; without it the connector waits for one. Not needed in the sandbox.
    credentials: Option<CredentialsRequest>,
    /// What to ask end users for instead of the connector's minimum.
    scopes: Option<ScopeSet>,
    /// The only tools to offer.
    tools: Option<Vec<ToolName>>,
    /// Whether end users must connect accounts of their own, where they may; true when left out.
    require_auth: Option<bool>,
    /// Whether end users may connect accounts of their own; true when left out.
    allow_end_user_auth: Option<bool>,
    /// Addresses that replace the catalogue's: another installation of the same service.
    #[serde(default)]
    endpoints: Endpoints,
    /// Whether to talk to the simulator; in `test` only.
    #[serde(default)]
    sandbox: bool,
}

/// Your OAuth app.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Credentials")]
struct CredentialsRequest {
    /// Left out when only the secret is new.
    client_id: Option<String>,
    /// Goes in, and never comes out again.
    #[serde(deserialize_with = "secret")]
    #[schemars(with = "String")]
    client_secret: Secret,
}

/// What is to change of a connector; what is left out stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConnectorChange")]
pub(crate) struct ChangeRequest {
    /// `false` pauses the connector: calls are refused, connections stay.
    is_enabled: Option<bool>,
    /// Whether end users must connect accounts of their own, where they may.
    require_auth: Option<bool>,
    /// Whether end users may connect accounts of their own.
    allow_end_user_auth: Option<bool>,
    /// What to ask end users for; null for the connector's minimum.
    #[serde(default)]
    #[schemars(with = "Option<ScopeSet>")]
    scopes: Patch<ScopeSet>,
    /// The only tools to offer; null for all.
    #[serde(default)]
    #[schemars(with = "Option<Vec<ToolName>>")]
    tools: Patch<Vec<ToolName>>,
    /// All the addresses that replace the catalogue's. Needs the client secret again.
    endpoints: Option<Endpoints>,
    /// Whether to talk to the simulator; in `test` only.
    sandbox: Option<bool>,
    /// A new secret, or another app.
    credentials: Option<CredentialsRequest>,
    /// How many connections may become unusable, as the refusal said.
    confirm_reconnects: Option<i64>,
}

/// What the provider makes of the credentials.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CheckView {
    /// `accepted`: it refused a made-up code, and not your app. `rejected`: it refused your app.
    /// `unknown`: it did not answer in a form that tells.
    credentials: &'static str,
    /// The provider's word for it.
    reason: Option<String>,
}

/// What disabling a connector ended.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DisabledView {
    /// How many connections were revoked.
    revoked_connections: u64,
}

pub(crate) async fn list(
    State(app): State<App>,
    InProject { project, .. }: InProject,
    Query(ListQuery { environment }): Query<ListQuery>,
) -> Result<Json<PageView<ProjectConnectorView>>, Problem> {
    let found = app.engine().connector_overviews(project, environment).await?;
    Ok(Json(PageView::whole(found.into_iter().map(Into::into).collect())))
}

pub(crate) async fn enable(
    State(app): State<App>,
    InProject { administrator, project }: InProject,
    sent: Keyed<EnableRequest>,
) -> Result<Answer<ProjectConnectorView, 201>, Problem> {
    let tenant = Tenant { project, environment: sent.value.environment };
    let scope = Scope::of_member(administrator, tenant, "POST /v1/projects/{project}/connectors");
    let work = app.clone();
    once(
        &app,
        scope,
        sent,
        |_| true,
        move |request| async move {
            let slug = request.connector.clone();
            work.engine().enable(tenant, request.into_settings()?).await?;
            overview(&work, tenant, &slug).await
        },
    )
    .await
}

pub(crate) async fn show(
    State(app): State<App>,
    InTenant(tenant): InTenant,
    Path(SlugPath { slug }): Path<SlugPath>,
) -> Result<Json<ProjectConnectorView>, Problem> {
    Ok(Json(overview(&app, tenant, &slug).await?))
}

pub(crate) async fn change(
    State(app): State<App>,
    InTenant(tenant): InTenant,
    Path(SlugPath { slug }): Path<SlugPath>,
    Body(request): Body<ChangeRequest>,
) -> Result<Json<ProjectConnectorView>, Problem> {
    app.engine().change_connector(tenant, &slug, &request.into()).await?;
    Ok(Json(overview(&app, tenant, &slug).await?))
}

pub(crate) async fn disable(
    State(app): State<App>,
    InTenant(tenant): InTenant,
    Path(SlugPath { slug }): Path<SlugPath>,
) -> Result<Json<DisabledView>, Problem> {
    let revoked_connections = app.engine().disable_connector(tenant, &slug).await?;
    Ok(Json(DisabledView { revoked_connections }))
}

pub(crate) async fn check(
    State(app): State<App>,
    InTenant(tenant): InTenant,
    Path(SlugPath { slug }): Path<SlugPath>,
) -> Result<Json<CheckView>, Problem> {
    let (credentials, reason) = match app.engine().check_connector(tenant, &slug).await? {
        Verdict::Accepted => ("accepted", None),
        Verdict::Rejected(why) => ("rejected", Some(why)),
        Verdict::Unknown => ("unknown", None),
    };
    Ok(Json(CheckView { credentials, reason }))
}

async fn overview(
    app: &App,
    tenant: Tenant,
    slug: &ConnectorSlug,
) -> Result<ProjectConnectorView, Problem> {
    let found = app.engine().connector_overview(tenant, slug).await?;
    Ok(found.ok_or(SettingsError::NotEnabled)?.into())
}

impl EnableRequest {
    fn into_settings(self) -> Result<Enable, SettingsError> {
        let client = match self.credentials {
            Some(CredentialsRequest { client_id: Some(id), client_secret: secret }) => {
                Some(NewClient { id, secret })
            }
            Some(_) => return Err(SettingsError::BadCredential("client_id")),
            None => None,
        };
        Ok(Enable {
            client,
            scopes: self.scopes,
            tools: self.tools,
            require_auth: self.require_auth.unwrap_or(true),
            allow_end_user_auth: self.allow_end_user_auth.unwrap_or(true),
            endpoints: self.endpoints,
            sandbox: self.sandbox,
            ..Enable::new(self.connector)
        })
    }
}

impl From<ChangeRequest> for Change {
    fn from(request: ChangeRequest) -> Self {
        let client = request.credentials;
        Self {
            is_enabled: request.is_enabled,
            require_auth: request.require_auth,
            allow_end_user_auth: request.allow_end_user_auth,
            scopes: request.scopes,
            tools: request.tools,
            endpoints: request.endpoints,
            sandbox: request.sandbox,
            client: client.map(|c| ClientChange { id: c.client_id, secret: c.client_secret }),
            confirmed: request.confirm_reconnects,
        }
    }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}
