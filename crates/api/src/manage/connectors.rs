use std::collections::BTreeMap;

use astralform_domain::{
    ConnectorSlug, Endpoints, Environment, Patch, ScopeSet, Secret, SettingsPatch, ToolName,
};
use astralform_engine::{
    Credentials,
    project_connectors::{ConnectorChange, Enable, Finding, Overview, Verdict},
};
use astralform_management::Right;
use astralform_surface::{
    App, Problem,
    auth::{InEnvironment, InProject},
    body::{Body, Keyed, Path, Query},
    idempotency::{IdempotencyScope, IdempotentAnswer, made_once},
    version::{IfMatch, Versioned},
};
use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::views::ProjectConnectorView;
use crate::page::PageView;

/// Which connectors are listed.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ConnectorsQuery {
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
    /// Your own OAuth app as `client_id` and `client_secret`, or an API key as `api_key` with what
    /// else the connector's `fields` name. Without an app the connector waits for one; none of it is
    /// needed in the sandbox. Secrets go in, and never come out again.
    #[serde(default, deserialize_with = "credentials")]
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    credentials: Option<Credentials>,
    /// What to ask end users for instead of the connector's minimum.
    scopes: Option<ScopeSet>,
    /// The only tools to offer.
    tools: Option<Vec<ToolName>>,
    /// Whether end users must connect accounts of their own, where they may; true when left out.
    require_auth: Option<bool>,
    /// Whether end users may connect accounts of their own. Left out, it is true, but for a
    /// connector that takes API keys: there it is false, so that your key serves everybody.
    allow_end_user_auth: Option<bool>,
    /// Addresses that replace the catalogue's: another installation of the same service.
    #[serde(default)]
    endpoints: Endpoints,
    /// Whether to talk to the simulator; in `test` only.
    #[serde(default)]
    sandbox: bool,
}

/// What is to change of a connector; what is left out stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConnectorChange")]
pub(crate) struct ConnectorChangeRequest {
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
    /// All the addresses that replace the catalogue's. Needs the client secret or key again.
    endpoints: Option<Endpoints>,
    /// Whether to talk to the simulator; in `test` only.
    sandbox: Option<bool>,
    /// A new `client_secret` of the same app, another app, or another `api_key`.
    #[serde(default, deserialize_with = "credentials")]
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    credentials: Option<Credentials>,
    /// How many connections may become unusable, as the refusal said.
    confirm_reconnects: Option<i64>,
}

/// What the provider makes of the credentials.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CheckView {
    /// `accepted`: it took your key, or refused a made-up code and not your app. `rejected`: it
    /// refused your app or key.
    /// `unknown`: it could not be asked, or did not answer in a form that tells.
    credentials: &'static str,
    /// The provider's word for it, or what kept it from being asked, and what to do.
    reason: String,
    /// The redirect URI that has to be registered at the provider, to the letter.
    redirect_uri: String,
    /// What else is wrong, or will be; errors and warnings.
    findings: Vec<FindingView>,
}

/// Something that is wrong with an enabled connector, or will be.
#[derive(Serialize, JsonSchema)]
struct FindingView {
    /// Its stable name.
    code: &'static str,
    /// `error`: something does not work. `warning`: it works now, and should be looked at.
    severity: &'static str,
    /// What is wrong.
    why: String,
    /// What to do.
    fix: String,
}

/// What disabling a connector ended.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DisabledView {
    /// How many connections were revoked.
    revoked_connections: u64,
}

pub(crate) async fn list(
    State(app): State<App>,
    InProject { by, .. }: InProject,
    Query(ConnectorsQuery { environment }): Query<ConnectorsQuery>,
) -> Result<Json<PageView<ProjectConnectorView>>, Problem> {
    let found = app.management().connectors.list(&by, environment).await?;
    Ok(Json(PageView::whole(found.into_iter().map(Into::into).collect())))
}

pub(crate) async fn enable(
    State(app): State<App>,
    InProject { by, administrator }: InProject,
    sent: Keyed<EnableRequest>,
) -> Result<IdempotentAnswer<ProjectConnectorView, 201>, Problem> {
    let environment = sent.value.environment;
    let tenant = by.may(Right::Look)?.tenant(environment);
    let route = "POST /v1/projects/{project}/connectors";
    let scope = IdempotencyScope::of_member(administrator, tenant, route);
    let work = app.clone();
    made_once(&app, sent, scope, move |request| async move {
        let slug = request.connector.clone();
        let connectors = &work.management().connectors;
        connectors.enable(&by, environment, request.into()).await?;
        Ok(connectors.find(&by, environment, &slug).await?.into())
    })
    .await
}

pub(crate) async fn show(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Path(SlugPath { slug }): Path<SlugPath>,
) -> Result<Versioned<ProjectConnectorView>, Problem> {
    Ok(versioned(app.management().connectors.find(&by, environment, &slug).await?))
}

pub(crate) async fn change(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Path(SlugPath { slug }): Path<SlugPath>,
    IfMatch(expected): IfMatch,
    Body(request): Body<ConnectorChangeRequest>,
) -> Result<Versioned<ProjectConnectorView>, Problem> {
    let connectors = &app.management().connectors;
    let change = ConnectorChange { expected, ..request.into() };
    connectors.change(&by, environment, &slug, &change).await?;
    Ok(versioned(connectors.find(&by, environment, &slug).await?))
}

pub(crate) async fn disable(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Path(SlugPath { slug }): Path<SlugPath>,
) -> Result<Json<DisabledView>, Problem> {
    let revoked_connections = app.management().connectors.disable(&by, environment, &slug).await?;
    Ok(Json(DisabledView { revoked_connections }))
}

pub(crate) async fn check(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Path(SlugPath { slug }): Path<SlugPath>,
) -> Result<Json<CheckView>, Problem> {
    let checked = app.management().connectors.check(&by, environment, &slug).await?;
    let (credentials, reason) = match checked.verdict {
        Verdict::Accepted(why) => ("accepted", why),
        Verdict::Rejected(why) => ("rejected", why),
        Verdict::Unknown(why) => ("unknown", why),
    };
    let findings = checked.findings.iter().map(Into::into).collect();
    Ok(Json(CheckView { credentials, reason, redirect_uri: checked.redirect_uri, findings }))
}

impl From<&Finding> for FindingView {
    fn from(finding: &Finding) -> Self {
        Self {
            code: finding.code(),
            severity: finding.severity().as_str(),
            why: finding.why(),
            fix: finding.fix(),
        }
    }
}

fn versioned(overview: Overview) -> Versioned<ProjectConnectorView> {
    Versioned(overview.settings.version, overview.into())
}

impl From<EnableRequest> for Enable {
    fn from(request: EnableRequest) -> Self {
        let settings = SettingsPatch {
            is_enabled: None,
            require_auth: request.require_auth,
            allow_end_user_auth: request.allow_end_user_auth,
            scopes: request.scopes.into(),
            tools: request.tools.into(),
            endpoints: Some(request.endpoints),
            sandbox: Some(request.sandbox),
        };
        Self { connector: request.connector, credentials: request.credentials, settings }
    }
}

impl From<ConnectorChangeRequest> for ConnectorChange {
    fn from(request: ConnectorChangeRequest) -> Self {
        let settings = SettingsPatch {
            is_enabled: request.is_enabled,
            require_auth: request.require_auth,
            allow_end_user_auth: request.allow_end_user_auth,
            scopes: request.scopes,
            tools: request.tools,
            endpoints: request.endpoints,
            sandbox: request.sandbox,
        };
        Self {
            settings,
            credentials: request.credentials,
            confirmed: request.confirm_reconnects,
            expected: None,
        }
    }
}

fn credentials<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Credentials>, D::Error> {
    let fields = Option::<BTreeMap<String, String>>::deserialize(deserializer)?;
    let Some(fields) = fields else { return Ok(None) };
    Ok(Some(fields.into_iter().map(|(name, text)| (name, Secret::new(text))).collect()))
}
