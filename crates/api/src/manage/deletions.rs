use astralform_domain::EndUserId;
use astralform_management::deletions::Deleted;
use astralform_surface::{
    App, Problem,
    auth::{InEnvironment, InProject},
    body::{Body, Path},
};
use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// That a project is really to be deleted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DeleteProject")]
pub(crate) struct DeleteRequest {
    /// The project's name or id, to the letter.
    confirm: String,
}

/// What names an end user in a path.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct EndUserPath {
    /// Your own id of them.
    end_user: EndUserId,
}

/// What ended.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DeletedView {
    /// How many connections were revoked.
    revoked_connections: u64,
    /// How many sessions were ended.
    ended_sessions: usize,
    /// How many API keys were revoked.
    revoked_api_keys: usize,
}

pub(crate) async fn project(
    State(app): State<App>,
    InProject { by, .. }: InProject,
    Body(DeleteRequest { confirm }): Body<DeleteRequest>,
) -> Result<Json<DeletedView>, Problem> {
    Ok(Json(app.management().connections.delete_project(&by, &confirm).await?.into()))
}

pub(crate) async fn end_user(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Path(EndUserPath { end_user }): Path<EndUserPath>,
) -> Result<Json<DeletedView>, Problem> {
    let deleted = app.management().connections.delete_end_user(&by, environment, &end_user).await?;
    Ok(Json(deleted.into()))
}

impl From<Deleted> for DeletedView {
    fn from(deleted: Deleted) -> Self {
        Self {
            revoked_connections: deleted.connections,
            ended_sessions: deleted.sessions,
            revoked_api_keys: deleted.api_keys,
        }
    }
}
