use astralform_domain::{Email, EndUserId, Environment, RequestId, TeamId, Timestamp};
use astralform_management::audit_log::{AuditSearch, ListedEntry};
use astralform_surface::{
    App, Problem, Refusal,
    auth::{InProject, Managing},
    body::{Path, Query},
};
use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::page::{PageQuery, PageView};

/// Something that was done, by whom, and what was so before and after.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AuditEntryView {
    /// Its number in its chain, from 1.
    number: i64,
    /// When it was done.
    at: Timestamp,
    /// Who did it: the id of a member, an API key, a session or an auth request, or `operator`.
    actor: String,
    /// The address of the member who did it.
    actor_email: Option<Email>,
    /// What was done, such as `connector.enabled`.
    action: String,
    /// The environment that it was done in.
    environment: Option<Environment>,
    /// What it was done to.
    subject: String,
    /// What stands for the end user whom it concerns.
    end_user: Option<String>,
    /// The end user, by your own id of them; null once they are deleted.
    end_user_id: Option<EndUserId>,
    /// What was so `before` and `after`, and what else there is to say; never a secret.
    details: Map<String, Value>,
    /// The request that did it.
    request_id: Option<RequestId>,
    /// The address that the request came from; of IPv6, its network.
    address: Option<String>,
}

/// Which entries are listed; each that is named has to fit.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct AuditQuery {
    /// Those of this environment.
    environment: Option<Environment>,
    /// Those of this action, such as `connector.disabled`.
    action: Option<String>,
    /// Those by this actor, as its `actor` is written.
    actor: Option<String>,
    /// Those about this subject.
    subject: Option<String>,
    /// Those about this end user, by your own id of them; needs `environment`.
    end_user: Option<EndUserId>,
    /// Those written then or later.
    since: Option<Timestamp>,
    /// Those written before then.
    until: Option<Timestamp>,
}

/// What names a team in a path.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct TeamPath {
    /// The team's id.
    team: TeamId,
}

pub(crate) async fn of_project(
    State(app): State<App>,
    InProject { by, .. }: InProject,
    Query(query): Query<AuditQuery>,
    Query(page): Query<PageQuery<i64>>,
) -> Result<Json<PageView<AuditEntryView>>, Problem> {
    let log = &app.management().audit_log;
    let found = log.of_project(&by, &query.into(), page.cursor, page.one_more()).await?;
    Ok(Json(page.view(found, |shown| shown.entry.number.to_string())))
}

pub(crate) async fn of_team(
    State(app): State<App>,
    Managing(administrator): Managing,
    Path(TeamPath { team }): Path<TeamPath>,
    Query(query): Query<AuditQuery>,
    Query(page): Query<PageQuery<i64>>,
) -> Result<Json<PageView<AuditEntryView>>, Problem> {
    let management = app.management();
    let by = management.members.in_team(administrator, team).await?;
    let by = by.ok_or(Refusal::UnknownTeam)?;
    let log = &management.audit_log;
    let found = log.of_team(&by, &query.into(), page.cursor, page.one_more()).await?;
    Ok(Json(page.view(found, |shown| shown.entry.number.to_string())))
}

impl From<AuditQuery> for AuditSearch {
    fn from(query: AuditQuery) -> Self {
        let AuditQuery { environment, action, actor, subject, end_user, since, until } = query;
        Self { environment, action, actor, subject, end_user, since, until }
    }
}

impl From<ListedEntry> for AuditEntryView {
    fn from(shown: ListedEntry) -> Self {
        let ListedEntry { entry, actor_email, end_user } = shown;
        Self {
            number: entry.number,
            at: entry.at,
            actor: entry.actor,
            actor_email,
            action: entry.action,
            environment: entry.environment,
            subject: entry.subject,
            end_user: entry.end_user,
            end_user_id: end_user,
            details: serde_json::from_str(&entry.details).unwrap_or_default(),
            request_id: entry.request,
            address: entry.address,
        }
    }
}
