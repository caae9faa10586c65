use astralform_domain::{
    AgentId, AuthFailure, AuthReason, AuthRequestId, AuthStatus, ConnectionEvent, ConnectionStatus,
    EventPlace, Happening, HappeningKind, PromptEvent, RefreshFailure, StatusReason, Timestamp,
};
use astralform_surface::{
    App, Problem,
    auth::InEnvironment,
    body::{Path, Query},
};
use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    connections::ConnectionPath,
    page::{PageQuery, PageView},
};

/// Something that happened to a connection, once or several times in a row.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ConnectionEventView {
    /// What it tells of.
    #[serde(rename = "type")]
    kind: HappeningKind,
    /// When it happened, or happened first; when the prompt was opened.
    at: Timestamp,
    /// When it happened last; when the prompt's status last changed.
    last_at: Timestamp,
    /// How often it happened in a row. Prompts that expired one after another are one row.
    times: i64,
    /// What the connection's status was; null when it has just been made.
    old_status: Option<ConnectionStatus>,
    /// What the connection's status is since.
    new_status: Option<ConnectionStatus>,
    /// Why the connection's status is that.
    reason: Option<StatusReason>,
    /// Why the token was not refreshed.
    refresh_failure: Option<RefreshFailure>,
    /// The prompt; of several in a row, the last one.
    prompt: Option<PromptEventView>,
}

/// A prompt that was to renew a connection, or that led to it.
#[derive(Serialize, JsonSchema)]
struct PromptEventView {
    /// The auth request's id.
    auth_request_id: AuthRequestId,
    /// The agent that asked.
    agent_id: AgentId,
    /// Why it asked.
    reason: AuthReason,
    /// How far the prompt got.
    status: AuthStatus,
    /// How it went wrong.
    failure: Option<AuthFailure>,
}

pub(crate) async fn list(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Path(ConnectionPath { id }): Path<ConnectionPath>,
    Query(page): Query<PageQuery<EventPlace>>,
) -> Result<Json<PageView<ConnectionEventView>>, Problem> {
    let connections = &app.management().connections;
    let found = connections.history(&by, environment, id, page.cursor, page.one_more()).await?;
    Ok(Json(page.view(found, |event| event.place.to_string())))
}

impl From<ConnectionEvent> for ConnectionEventView {
    fn from(event: ConnectionEvent) -> Self {
        let mut view = Self {
            kind: event.what.kind(),
            at: event.at,
            last_at: event.last_at,
            times: event.times,
            old_status: None,
            new_status: None,
            reason: None,
            refresh_failure: None,
            prompt: None,
        };
        match event.what {
            Happening::StatusChanged { old, new, reason } => {
                view.old_status = old;
                view.new_status = Some(new);
                view.reason = reason;
            }
            Happening::Refreshed => {}
            Happening::NotRefreshed(why) => view.refresh_failure = Some(why),
            Happening::Prompted(prompt) => view.prompt = Some(prompt.into()),
        }
        view
    }
}

impl From<PromptEvent> for PromptEventView {
    fn from(prompt: PromptEvent) -> Self {
        let PromptEvent { request, agent, reason, status, failure } = prompt;
        Self { auth_request_id: request, agent_id: agent, reason, status, failure }
    }
}
