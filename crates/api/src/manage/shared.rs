use astralform_domain::AuthRequestId;
use astralform_surface::{
    App, Problem,
    auth::InEnvironment,
    body::{Body, Path},
    run_detached,
};
use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::Deserialize;

use super::connectors::SlugPath;
use crate::auth_requests::AuthRequestView;
/// Who shared an account.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SharedConfirmation")]
pub(crate) struct SharedConfirmRequest {
    /// The auth request that was answered.
    auth_request_id: AuthRequestId,
    /// The code that the browser was shown at the end.
    confirmation: String,
}

pub(crate) async fn share(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Path(SlugPath { slug }): Path<SlugPath>,
) -> Result<Json<AuthRequestView>, Problem> {
    Ok(Json(app.management().connectors.share(&by, environment, &slug).await?.into()))
}

pub(crate) async fn confirm(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Path(SlugPath { .. }): Path<SlugPath>,
    Body(SharedConfirmRequest { auth_request_id, confirmation }): Body<SharedConfirmRequest>,
) -> Result<Json<AuthRequestView>, Problem> {
    let confirmed = run_detached(async move {
        let connectors = &app.management().connectors;
        connectors.confirm_shared(&by, environment, auth_request_id, &confirmation).await
    });
    Ok(Json(confirmed.await?.into()))
}
