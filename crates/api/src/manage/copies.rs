use astralform_domain::{ConnectorSlug, Environment};
use astralform_management::copies::{ConnectorCopy, Copied, CopyAction, CopyPlan, CopySetting};
use astralform_surface::{
    App, Problem,
    auth::InProject,
    body::{Body, Path, Query},
};
use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::environments::EnvironmentPath;

/// What copying from the other environment would change.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CopyPlanView {
    /// The environment that is copied from.
    from: Environment,
    /// The environment that is copied to.
    to: Environment,
    /// The return URLs that are added.
    return_urls: Vec<String>,
    /// The allowed origins that are added.
    allowed_origins: Vec<String>,
    /// The connectors that are enabled or changed.
    connectors: Vec<ConnectorCopyView>,
    /// What differs and is not copied, and why.
    left_out: Vec<String>,
    /// What has to be sent for this to be done, and nothing else.
    digest: String,
}

/// What copying does to a connector.
#[derive(Serialize, JsonSchema)]
struct ConnectorCopyView {
    /// Which one.
    connector: ConnectorSlug,
    /// `enable`: it is enabled, and waits for credentials of its own. `change`: its settings are
    /// changed.
    action: &'static str,
    /// The settings that are not as they were.
    changes: Vec<CopySettingView>,
}

/// A setting that copying changes.
#[derive(Serialize, JsonSchema)]
struct CopySettingView {
    /// Its name.
    name: &'static str,
    /// What it is; null for its default.
    before: Value,
    /// What it becomes.
    after: Value,
}

/// What was copied.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CopiedView {
    /// What was to be copied.
    plan: CopyPlanView,
    /// The connectors that could not be copied, which are as they were.
    refused: Vec<RefusedCopyView>,
}

/// A connector that could not be copied.
#[derive(Serialize, JsonSchema)]
struct RefusedCopyView {
    /// Which one.
    connector: ConnectorSlug,
    /// Why, and what to do.
    reason: String,
}

/// Where from.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct CopyQuery {
    /// The environment that is copied from.
    from: Environment,
}

/// What is to be copied.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CopyEnvironment")]
pub(crate) struct CopyRequest {
    /// The environment that is copied from.
    from: Environment,
    /// The `digest` of the plan, as it was shown.
    digest: String,
}

pub(crate) async fn plan(
    State(app): State<App>,
    InProject { by, .. }: InProject,
    Path(EnvironmentPath { environment }): Path<EnvironmentPath>,
    Query(CopyQuery { from }): Query<CopyQuery>,
) -> Result<Json<CopyPlanView>, Problem> {
    let plan = app.management().copies.plan(&by, from, environment).await?;
    Ok(Json(view(plan, from, environment)))
}

pub(crate) async fn copy(
    State(app): State<App>,
    InProject { by, .. }: InProject,
    Path(EnvironmentPath { environment }): Path<EnvironmentPath>,
    Body(CopyRequest { from, digest }): Body<CopyRequest>,
) -> Result<Json<CopiedView>, Problem> {
    let copied = app.management().copies.copy(&by, from, environment, &digest).await?;
    let Copied { plan, refused } = copied;
    let refused = refused
        .into_iter()
        .map(|(connector, why)| RefusedCopyView { connector, reason: why.to_string() });
    let refused = refused.collect();
    Ok(Json(CopiedView { plan: view(plan, from, environment), refused }))
}

fn view(plan: CopyPlan, from: Environment, to: Environment) -> CopyPlanView {
    CopyPlanView {
        from,
        to,
        digest: plan.digest(),
        return_urls: plan.return_urls,
        allowed_origins: plan.allowed_origins,
        connectors: plan.connectors.into_iter().map(Into::into).collect(),
        left_out: plan.left_out,
    }
}

impl From<ConnectorCopy> for ConnectorCopyView {
    fn from(copy: ConnectorCopy) -> Self {
        let action = match copy.action {
            CopyAction::Enable => "enable",
            CopyAction::Change => "change",
        };
        let changes = copy.changes.into_iter().map(|change| {
            let CopySetting { name, before, after } = change;
            CopySettingView { name, before, after }
        });
        Self { connector: copy.connector, action, changes: changes.collect() }
    }
}
