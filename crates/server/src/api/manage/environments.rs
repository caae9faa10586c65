use astralform_domain::{Environment, EnvironmentSettings, VerifyEndUser};
use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};

use crate::{
    App, Problem,
    auth::InProject,
    body::{Body, Path},
};

/// The settings of one environment.
#[derive(Serialize)]
pub(crate) struct EnvironmentView {
    environment: Environment,
    /// Who vouches for the person who finished in the browser.
    verify_end_user: VerifyEndUser,
    /// Where browsers may be sent afterwards; exact matches only.
    return_urls: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeRequest {
    verify_end_user: Option<VerifyEndUser>,
    return_urls: Option<Vec<String>>,
}

#[derive(Deserialize)]
pub(crate) struct EnvironmentPath {
    environment: Environment,
}

/// Shows the settings of an environment.
pub(crate) async fn show(
    State(app): State<App>,
    InProject { project, .. }: InProject,
    Path(EnvironmentPath { environment }): Path<EnvironmentPath>,
) -> Result<Json<EnvironmentView>, Problem> {
    let tenant = astralform_domain::Tenant { project, environment };
    let settings = app.engine().environment_settings(tenant).await?;
    Ok(Json(view(environment, settings)))
}

/// Changes the settings of an environment.
pub(crate) async fn change(
    State(app): State<App>,
    InProject { administrator, project }: InProject,
    Path(EnvironmentPath { environment }): Path<EnvironmentPath>,
    Body(ChangeRequest { verify_end_user, return_urls }): Body<ChangeRequest>,
) -> Result<Json<EnvironmentView>, Problem> {
    let tenant = astralform_domain::Tenant { project, environment };
    let engine = app.engine();
    let before = engine.environment_settings(tenant).await?;
    let wanted = EnvironmentSettings {
        verify_end_user: verify_end_user.unwrap_or(before.verify_end_user),
        return_urls: return_urls.unwrap_or(before.return_urls),
    };
    engine.change_environment(administrator, tenant, &wanted).await?;
    Ok(Json(view(environment, wanted)))
}

fn view(environment: Environment, settings: EnvironmentSettings) -> EnvironmentView {
    let EnvironmentSettings { verify_end_user, return_urls } = settings;
    EnvironmentView { environment, verify_end_user, return_urls }
}
