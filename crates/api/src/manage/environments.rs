use astralform_domain::{Environment, EnvironmentSettings, VerifyEndUser};
use astralform_engine::members::EnvironmentChange;
use astralform_surface::{
    App, Problem,
    auth::InProject,
    body::{Body, Path},
};
use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The settings of one environment.
#[derive(Serialize, JsonSchema)]
pub(crate) struct EnvironmentView {
    /// Which one.
    environment: Environment,
    /// Who vouches for the person who finished in the browser.
    verify_end_user: VerifyEndUser,
    /// Where browsers may be sent afterwards; exact matches only.
    return_urls: Vec<String>,
}

/// What is to change of an environment; what is left out stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EnvironmentChange")]
pub(crate) struct EnvironmentChangeRequest {
    /// Only an owner of the team may switch it off in `live`.
    verify_end_user: Option<VerifyEndUser>,
    /// All of them; 20 at most: https, http on loopback, or with `confirm` an application's own
    /// scheme such as `com.example.app:/done`.
    return_urls: Option<Vec<String>>,
}

/// What names an environment in a path.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct EnvironmentPath {
    /// The environment.
    environment: Environment,
}

pub(crate) async fn show(
    State(app): State<App>,
    InProject { project, .. }: InProject,
    Path(EnvironmentPath { environment }): Path<EnvironmentPath>,
) -> Result<Json<EnvironmentView>, Problem> {
    let tenant = astralform_domain::Tenant { project, environment };
    let settings = app.engine().row_tags.environment_settings(tenant).await?;
    Ok(Json(view(environment, settings)))
}

pub(crate) async fn change(
    State(app): State<App>,
    InProject { administrator, project, .. }: InProject,
    Path(EnvironmentPath { environment }): Path<EnvironmentPath>,
    Body(EnvironmentChangeRequest { verify_end_user, return_urls }): Body<EnvironmentChangeRequest>,
) -> Result<Json<EnvironmentView>, Problem> {
    let tenant = astralform_domain::Tenant { project, environment };
    let change = EnvironmentChange { verify_end_user, return_urls };
    let settings = app.engine().members.change_environment(administrator, tenant, change).await?;
    Ok(Json(view(environment, settings)))
}

fn view(environment: Environment, settings: EnvironmentSettings) -> EnvironmentView {
    let EnvironmentSettings { verify_end_user, return_urls } = settings;
    EnvironmentView { environment, verify_end_user, return_urls }
}
