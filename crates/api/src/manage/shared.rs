use astralform_domain::{AuthRequestId, Owner};
use astralform_engine::Confirmation;
use astralform_surface::{
    App, Problem,
    auth::InTenant,
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
    InTenant(tenant): InTenant,
    Path(SlugPath { slug }): Path<SlugPath>,
) -> Result<Json<AuthRequestView>, Problem> {
    Ok(Json(app.engine().project_connectors.share(tenant, &slug).await?.into()))
}

pub(crate) async fn confirm(
    State(app): State<App>,
    InTenant(tenant): InTenant,
    Path(SlugPath { .. }): Path<SlugPath>,
    Body(SharedConfirmRequest { auth_request_id, confirmation }): Body<SharedConfirmRequest>,
) -> Result<Json<AuthRequestView>, Problem> {
    let confirmed = run_detached(async move {
        let said = Confirmation { owner: &Owner::Project, proof: &confirmation };
        app.engine().confirmations.confirm(tenant, auth_request_id, &said).await
    });
    Ok(Json(confirmed.await?.into()))
}
