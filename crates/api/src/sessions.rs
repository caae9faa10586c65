use std::time::Duration;

use astralform_domain::{Caller, EndUserId, Timestamp, ToolName};
use astralform_engine::sessions::NewSession;
use astralform_surface::{
    App, Problem,
    auth::Backend,
    body::Keyed,
    idempotency::{IdempotencyScope, IdempotentAnswer, answer_once},
};
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A session to be opened.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionRequest {
    /// The end user it acts for.
    end_user_id: EndUserId,
    /// The agent it acts as, by name or id; the key's own, or `default`, when left out.
    agent: Option<String>,
    /// The only tools it may use; all of the agent's when left out.
    tools: Option<Vec<ToolName>>,
    /// Seconds it lives.
    #[serde(default = "an_hour")]
    #[schemars(range(min = 60, max = 43_200))]
    expires_in: u64,
}

/// A session. Its token cannot be had again.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SessionView {
    /// What to send as `Authorization: Bearer …`.
    token: String,
    /// The end of its life.
    expires_at: Timestamp,
    /// Where MCP clients go with it; null until this server speaks MCP.
    mcp_url: Option<String>,
    /// Where the end user sees their connections; null until this server has that page.
    account_url: Option<String>,
}

pub(crate) async fn create(
    State(app): State<App>,
    Backend(principal): Backend,
    sent: Keyed<SessionRequest>,
) -> Result<IdempotentAnswer<SessionView, 201>, Problem> {
    let caller = Caller { principal: principal.clone(), end_user: None };
    let sent = sent.within(|| IdempotencyScope::of(&caller, "POST /v1/sessions"));
    let work = app.clone();
    answer_once(
        &app,
        sent,
        |_| true,
        move |request| async move {
            let new = NewSession {
                end_user: request.end_user_id,
                agent: request.agent,
                tools: request.tools,
                life: Duration::from_secs(request.expires_in),
            };
            let opened = work.engine().sessions.open_session(&principal, new).await?;
            let token = opened.token.expose().to_owned();
            let expires_at = opened.expires_at;
            Ok(SessionView { token, expires_at, mcp_url: None, account_url: None })
        },
    )
    .await
}

fn an_hour() -> u64 {
    3_600
}
