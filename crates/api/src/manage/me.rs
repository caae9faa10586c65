use astralform_domain::{AdminAccess, AdminTokenId, Email, MemberId, Role, TeamId, Timestamp};
use astralform_management::{
    admin_tokens::{ListedToken, WantedToken},
    members::Membership,
};
use astralform_surface::{
    App, Problem,
    auth::Managing,
    body::{Body, Path},
    idempotency::IdempotentAnswer,
};
use axum::{Json, extract::State, response::NoContent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::page::PageView;

/// Whose admin token it is.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MeView {
    /// Who they are.
    member: MemberView,
    /// The teams they belong to.
    teams: Vec<TeamView>,
    /// What the token allows.
    access: AdminAccess,
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
pub(crate) struct TeamView {
    /// Its id.
    id: TeamId,
    /// Its name.
    name: String,
    /// What they may do in it.
    role: Role,
}

/// An admin token, without the token itself.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AdminTokenView {
    /// Its id.
    id: AdminTokenId,
    /// What you call it.
    name: String,
    /// What it allows of what you may.
    access: AdminAccess,
    /// Its end.
    hint: String,
    /// When it was made.
    created_at: Timestamp,
    /// When it was last used, to within a minute or so.
    last_used_at: Option<Timestamp>,
    /// When it ends by itself.
    expires_at: Option<Timestamp>,
    /// When it was revoked; it is listed for another 90 days.
    revoked_at: Option<Timestamp>,
}

/// A fresh admin token.
#[derive(Serialize, JsonSchema)]
pub(crate) struct NewAdminTokenView {
    /// Its id.
    id: AdminTokenId,
    /// The token itself, which is not shown again.
    token: String,
}

/// An admin token to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CreateAdminToken")]
pub(crate) struct AdminTokenCreateRequest {
    /// What it is for.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// What it allows of what you may; `write` when left out.
    access: Option<AdminAccess>,
    /// When it ends by itself; not later than the token that makes it.
    expires_at: Option<Timestamp>,
}

/// What names an admin token in a path.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct AdminTokenPath {
    /// The token's id.
    id: AdminTokenId,
}

pub(crate) async fn show(
    State(app): State<App>,
    Managing(administrator): Managing,
) -> Result<Json<MeView>, Problem> {
    let (member, teams) = app.management().members.member(administrator).await?;
    let member = MemberView { id: member.id, email: member.email };
    let teams = teams.into_iter().map(Into::into).collect();
    Ok(Json(MeView { member, teams, access: administrator.access }))
}

pub(crate) async fn teams(
    State(app): State<App>,
    Managing(administrator): Managing,
) -> Result<Json<PageView<TeamView>>, Problem> {
    let (_, teams) = app.management().members.member(administrator).await?;
    Ok(Json(PageView::whole(teams.into_iter().map(Into::into).collect())))
}

pub(crate) async fn admin_tokens(
    State(app): State<App>,
    Managing(administrator): Managing,
) -> Result<Json<PageView<AdminTokenView>>, Problem> {
    let found = app.management().admin_tokens.list(administrator).await?;
    Ok(Json(PageView::whole(found.into_iter().map(Into::into).collect())))
}

pub(crate) async fn create_admin_token(
    State(app): State<App>,
    Managing(administrator): Managing,
    Body(request): Body<AdminTokenCreateRequest>,
) -> Result<IdempotentAnswer<NewAdminTokenView, 201>, Problem> {
    let AdminTokenCreateRequest { name, access, expires_at } = request;
    let access = access.unwrap_or(AdminAccess::Write);
    let wanted = WantedToken { name, access, expires_at };
    let made = app.management().admin_tokens.create(administrator, wanted).await?;
    let token = made.secret.expose().to_owned();
    Ok(IdempotentAnswer::Fresh(NewAdminTokenView { id: made.id, token }))
}

pub(crate) async fn revoke_admin_token(
    State(app): State<App>,
    Managing(administrator): Managing,
    Path(AdminTokenPath { id }): Path<AdminTokenPath>,
) -> Result<NoContent, Problem> {
    app.management().admin_tokens.revoke(administrator, id).await?;
    Ok(NoContent)
}

impl From<Membership> for TeamView {
    fn from(membership: Membership) -> Self {
        let Membership { team, team_name, role } = membership;
        Self { id: team, name: team_name, role }
    }
}

impl From<ListedToken> for AdminTokenView {
    fn from(listed: ListedToken) -> Self {
        let ListedToken { token, created_at, .. } = listed;
        Self {
            id: token.id,
            name: token.name,
            access: token.access,
            hint: token.hint,
            created_at,
            last_used_at: token.used_at,
            expires_at: token.expires_at,
            revoked_at: token.revoked_at,
        }
    }
}
