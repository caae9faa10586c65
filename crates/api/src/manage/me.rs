use astralform_domain::{Email, MemberId, ProjectId, ProjectName, Role, TeamId, Timestamp};
use astralform_engine::members::{Membership, ProjectOfMember};
use astralform_surface::{
    App, Problem, Refusal,
    auth::{InProject, Managing},
    body::{Body, Query},
};
use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::page::{PageQuery, PageView};
/// Whose admin token it is.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MeView {
    /// Who they are.
    member: MemberView,
    /// The teams they belong to.
    teams: Vec<TeamView>,
}

/// A member.
#[derive(Serialize, JsonSchema)]
struct MemberView {
    /// Their id.
    id: MemberId,
    /// Their address.
    email: Email,
}

/// A team that the member belongs to.
#[derive(Serialize, JsonSchema)]
struct TeamView {
    /// Its id.
    id: TeamId,
    /// Its name.
    name: String,
    /// What they may do in it.
    role: Role,
}

/// A project of one of the member's teams.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ProjectView {
    /// Its id.
    id: ProjectId,
    /// Its name.
    name: String,
    /// The team it belongs to.
    team_id: TeamId,
    /// When it was made.
    created_at: Timestamp,
    /// Since when it is frozen: until an operator lifts that, nothing is called, asked or confirmed.
    frozen_at: Option<Timestamp>,
}

/// What is to change of a project; what is left out stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ProjectChange")]
pub(crate) struct ProjectChangeRequest {
    /// What people call it.
    name: Option<ProjectName>,
}

pub(crate) async fn show(
    State(app): State<App>,
    Managing(administrator): Managing,
) -> Result<Json<MeView>, Problem> {
    let (member, teams) = app.engine().members.member(administrator).await?;
    let member = MemberView { id: member.id, email: member.email };
    Ok(Json(MeView { member, teams: teams.into_iter().map(Into::into).collect() }))
}

pub(crate) async fn projects(
    State(app): State<App>,
    Managing(administrator): Managing,
    Query(page): Query<PageQuery<ProjectId>>,
) -> Result<Json<PageView<ProjectView>>, Problem> {
    let engine = app.engine();
    let found = engine.members.projects_of(administrator, page.cursor, page.one_more()).await?;
    Ok(Json(page.view(found, |project| project.id.to_string())))
}

pub(crate) async fn rename_project(
    State(app): State<App>,
    InProject { administrator, project, role }: InProject,
    Body(ProjectChangeRequest { name }): Body<ProjectChangeRequest>,
) -> Result<Json<ProjectView>, Problem> {
    if role == Role::Member {
        return Err(Refusal::AdminsOnly.into());
    }
    let renamed =
        app.engine().members.rename_project(administrator, project, name.as_ref()).await?;
    Ok(Json(renamed.ok_or(Refusal::UnknownProject)?.into()))
}

impl From<Membership> for TeamView {
    fn from(membership: Membership) -> Self {
        let Membership { team, team_name, role } = membership;
        Self { id: team, name: team_name, role }
    }
}

impl From<ProjectOfMember> for ProjectView {
    fn from(project: ProjectOfMember) -> Self {
        let ProjectOfMember { id, name, team, created_at, frozen_at } = project;
        Self { id, name, team_id: team, created_at, frozen_at }
    }
}
