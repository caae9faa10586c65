use astralform_domain::{EndUserId, Role};
use astralform_engine::deletions::Deleted;
use astralform_surface::{
    App, Problem, Refusal,
    auth::{AdminInTenant, InProject},
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
    InProject { project, role, .. }: InProject,
    Body(DeleteRequest { confirm }): Body<DeleteRequest>,
) -> Result<Json<DeletedView>, Problem> {
    if role != Role::Owner {
        return Err(Refusal::OwnersOnly.into());
    }
    Ok(Json(app.engine().managed_connections.delete_project(project, &confirm).await?.into()))
}

pub(crate) async fn end_user(
    State(app): State<App>,
    AdminInTenant(tenant): AdminInTenant,
    Path(EndUserPath { end_user }): Path<EndUserPath>,
) -> Result<Json<DeletedView>, Problem> {
    Ok(Json(app.engine().managed_connections.delete_end_user(tenant, &end_user).await?.into()))
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
