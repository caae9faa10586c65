use astralform_domain::{Environment, EnvironmentSettings, VerifyEndUser};
use astralform_management::environments::{EnvironmentChange, VersionedSettings};
use astralform_surface::{
    App, Problem,
    auth::InProject,
    body::{Body, Path},
    version::{IfMatch, Versioned},
};
use axum::extract::State;
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
    /// The origins whose pages may call with a session of this environment; exact matches only.
    allowed_origins: Vec<String>,
    /// How often it was changed, and once more; what `If-Match` takes.
    version: i64,
}

/// What is to change of an environment; what is left out stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EnvironmentChange")]
pub(crate) struct EnvironmentChangeRequest {
    /// Only an owner of the team may change it.
    verify_end_user: Option<VerifyEndUser>,
    /// All of them; 20 at most: https, http on loopback, or with `confirm` an application's own
    /// scheme such as `com.example.app:/done`.
    return_urls: Option<Vec<String>>,
    /// All of them; 20 at most: https, or http on loopback, as browsers spell them in the header
    /// `Origin`.
    allowed_origins: Option<Vec<String>>,
}

/// What names an environment in a path.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct EnvironmentPath {
    /// The environment.
    pub(super) environment: Environment,
}

pub(crate) async fn show(
    State(app): State<App>,
    InProject { by, .. }: InProject,
    Path(EnvironmentPath { environment }): Path<EnvironmentPath>,
) -> Result<Versioned<EnvironmentView>, Problem> {
    Ok(view(environment, app.management().environments.settings(&by, environment).await?))
}

pub(crate) async fn change(
    State(app): State<App>,
    InProject { by, .. }: InProject,
    Path(EnvironmentPath { environment }): Path<EnvironmentPath>,
    IfMatch(expected): IfMatch,
    Body(request): Body<EnvironmentChangeRequest>,
) -> Result<Versioned<EnvironmentView>, Problem> {
    let EnvironmentChangeRequest { verify_end_user, return_urls, allowed_origins } = request;
    let change = EnvironmentChange { verify_end_user, return_urls, allowed_origins };
    let changed = app.management().environments.change(&by, environment, change, expected).await?;
    Ok(view(environment, changed))
}

fn view(environment: Environment, found: VersionedSettings) -> Versioned<EnvironmentView> {
    let VersionedSettings { settings, version } = found;
    let EnvironmentSettings { verify_end_user, return_urls, allowed_origins } = settings;
    let view =
        EnvironmentView { environment, verify_end_user, return_urls, allowed_origins, version };
    Versioned(version, view)
}
