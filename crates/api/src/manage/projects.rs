use astralform_domain::{
    Accent, Administrator, Patch, ProjectId, ProjectName, ProjectProfile, Role, TeamId, Timestamp,
};
use astralform_management::{
    Management, ProjectActor, members::ProjectOfMember, projects::ProfileChange,
};
use astralform_surface::{
    App, Problem, Refusal,
    auth::{InProject, Managing},
    body::{Body, PictureBody, Query},
    idempotency::IdempotentAnswer,
    version::{IfMatch, Versioned},
};
use axum::{Json, extract::State, response::NoContent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::page::{PageQuery, PageView};

/// A project of one of the member's teams.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ProjectView {
    /// Its id.
    id: ProjectId,
    /// Its name, which its end users see.
    name: ProjectName,
    /// The colour of the pages that its end users see.
    accent: Accent,
    /// Where its privacy policy is.
    privacy_url: Option<String>,
    /// Where its users get help.
    support_url: Option<String>,
    /// Where its logo is served.
    logo_url: Option<String>,
    /// The team it belongs to.
    team_id: TeamId,
    /// What you may do in it.
    role: Role,
    /// When it was made.
    created_at: Timestamp,
    /// Since when it is frozen: until an operator lifts that, nothing is called, asked or confirmed.
    frozen_at: Option<Timestamp>,
    /// How often it was changed, and once more; what `If-Match` takes.
    version: i64,
}

/// A project to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CreateProject")]
pub(crate) struct ProjectCreateRequest {
    /// What people call it.
    name: ProjectName,
    /// The team that administers it; the only one you belong to when left out.
    team_id: Option<TeamId>,
}

/// What is to change of a project; what is left out stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ProjectChange")]
pub(crate) struct ProjectChangeRequest {
    /// What people call it.
    name: Option<ProjectName>,
    /// The colour of the pages that its end users see.
    accent: Option<Accent>,
    /// Where its privacy policy is: an https address, or null.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    privacy_url: Patch<String>,
    /// Where its users get help: an https address, or null.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    support_url: Patch<String>,
}

/// Where a logo is.
#[derive(Serialize, JsonSchema)]
pub(crate) struct LogoView {
    /// Its address: another one for each picture.
    logo_url: String,
}

pub(crate) async fn list(
    State(app): State<App>,
    Managing(administrator): Managing,
    Query(page): Query<PageQuery<ProjectId>>,
) -> Result<Json<PageView<ProjectView>>, Problem> {
    let members = &app.management().members;
    let found = members.projects(administrator, page.cursor, page.one_more()).await?;
    let seen: Vec<_> = found.into_iter().map(|project| Seen(app.clone(), project)).collect();
    Ok(Json(page.view(seen, |Seen(_, project)| project.id.to_string())))
}

pub(crate) async fn create(
    State(app): State<App>,
    Managing(administrator): Managing,
    Body(ProjectCreateRequest { name, team_id }): Body<ProjectCreateRequest>,
) -> Result<IdempotentAnswer<ProjectView, 201>, Problem> {
    let management = app.management();
    let team = match team_id {
        Some(team) => team,
        None => only_team(&management, administrator).await?,
    };
    let by = management.members.in_team(administrator, team).await?;
    let made = management.projects.create(&by.ok_or(Refusal::UnknownTeam)?, &name).await?;
    let by = management.members.in_project(administrator, made.project).await?;
    let Versioned(_, view) = shown(&app, &by.ok_or(Refusal::UnknownProject)?).await?;
    Ok(IdempotentAnswer::Fresh(view))
}

async fn only_team(
    management: &Management,
    administrator: Administrator,
) -> Result<TeamId, Problem> {
    let (_, teams) = management.members.member(administrator).await?;
    match teams.as_slice() {
        [one] => Ok(one.team),
        _ => Err(Refusal::TeamRequired.into()),
    }
}

pub(crate) async fn show(
    State(app): State<App>,
    InProject { by, .. }: InProject,
) -> Result<Versioned<ProjectView>, Problem> {
    shown(&app, &by).await
}

pub(crate) async fn change(
    State(app): State<App>,
    InProject { by, .. }: InProject,
    IfMatch(expected): IfMatch,
    Body(request): Body<ProjectChangeRequest>,
) -> Result<Versioned<ProjectView>, Problem> {
    let ProjectChangeRequest { name, accent, privacy_url, support_url } = request;
    let change = ProfileChange { name, accent, privacy_url, support_url };
    app.management().projects.change(&by, change, expected).await?;
    shown(&app, &by).await
}

pub(crate) async fn set_logo(
    State(app): State<App>,
    InProject { by, .. }: InProject,
    PictureBody(picture): PictureBody,
) -> Result<Json<LogoView>, Problem> {
    app.management().logos.set(&by, picture.into()).await?;
    let Versioned(_, project) = shown(&app, &by).await?;
    Ok(Json(LogoView { logo_url: project.logo_url.ok_or(Refusal::NoLogo)? }))
}

pub(crate) async fn remove_logo(
    State(app): State<App>,
    InProject { by, .. }: InProject,
) -> Result<NoContent, Problem> {
    app.management().logos.remove(&by).await?;
    Ok(NoContent)
}

async fn shown(app: &App, by: &ProjectActor) -> Result<Versioned<ProjectView>, Problem> {
    let found = app.management().members.project(by).await?;
    let found = found.ok_or(Refusal::UnknownProject)?;
    Ok(Versioned(found.version, Seen(app.clone(), found).into()))
}

/// A project, as the server at an address shows it.
struct Seen(App, ProjectOfMember);

impl From<Seen> for ProjectView {
    fn from(Seen(app, project): Seen) -> Self {
        let ProjectOfMember { id, profile, version, logo, team, role, created_at, frozen_at } =
            project;
        let ProjectProfile { name, accent, privacy_url, support_url } = profile;
        let logo_url = logo.map(|digest| app.engine().site().logo_url(id, &digest));
        Self {
            id,
            name,
            accent,
            privacy_url,
            support_url,
            logo_url,
            team_id: team,
            role,
            created_at,
            frozen_at,
            version,
        }
    }
}
