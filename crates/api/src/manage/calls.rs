mod usage;

use astralform_domain::{
    AgentId, CallId, CallLine, CallOutcome, ConnectionId, ConnectorSlug, EndUserId, RequestId,
    Timestamp,
};
use astralform_management::calls::{
    CallFilter, CallPage, CallPart, InvalidPlace, ListedCall, Place,
};
use astralform_surface::{
    App, Problem, Refusal,
    auth::InEnvironment,
    body::{Path, Query},
};
use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use usage::usage;

use crate::page::PageQuery;

/// A tool call that has ended.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CallLogView {
    /// Its id.
    id: CallId,
    /// When it ended.
    at: Timestamp,
    /// The connector whose tool it is; null where there is no such tool.
    connector: Option<ConnectorSlug>,
    /// The tool that was called.
    tool: String,
    /// The agent that called.
    agent_id: AgentId,
    /// The end user, by your own id of them; null where the call named none, or they were deleted.
    end_user_id: Option<EndUserId>,
    /// What the request was authenticated with: the id of an API key or of a session.
    actor: String,
    /// The connection that paid.
    connection_id: Option<ConnectionId>,
    /// How it ended.
    outcome: CallOutcome,
    /// Why: the `kind` of a failure, the `code` of a refusal, or the `reason` of an auth request.
    reason: Option<String>,
    /// The HTTP status of the provider's last answer.
    provider_status: Option<u16>,
    /// How many requests were sent to the provider.
    attempts: u16,
    /// How long it took in all, in milliseconds, with what it waited for.
    took_ms: f64,
    /// How long its parts took, in milliseconds.
    times_ms: TimesView,
    /// What the connector has the log say of it: ids and lengths, never content.
    summary: Option<String>,
    /// The HTTP request that it came by.
    request_id: Option<RequestId>,
}

/// How long the parts of a call took, in milliseconds.
#[derive(Serialize, JsonSchema)]
struct TimesView {
    /// Until it was known who calls, and that they may.
    authenticate: f64,
    /// Until there was a credential to send; a refresh on the way included.
    credential: f64,
    /// To check the arguments and make the requests of them.
    plan: f64,
    /// Until the provider had answered.
    provider: f64,
    /// Until the first byte of the provider's last answer, where there was one.
    first_byte: Option<f64>,
    /// To make the result of the answers.
    shape: f64,
}

/// Which calls are listed; each that is named has to fit.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct CallsQuery {
    /// Those that ended then or later.
    since: Option<Timestamp>,
    /// Those that ended before then.
    until: Option<Timestamp>,
    /// Those that came by this request.
    request_id: Option<RequestId>,
    /// Those for this end user, by your own id of them.
    end_user_id: Option<EndUserId>,
    /// Those that this connection paid.
    connection_id: Option<ConnectionId>,
    /// Those by this agent.
    agent_id: Option<AgentId>,
    /// Those of this connector's tools.
    connector: Option<ConnectorSlug>,
    /// Those of this tool.
    tool: Option<String>,
    /// Those that ended so.
    outcome: Option<CallOutcome>,
    /// Those that ended so for this reason.
    reason: Option<String>,
}

/// A part of the call log.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CallLogPage")]
pub(crate) struct CallPageView {
    /// The calls, the newest first.
    data: Vec<CallLogView>,
    /// What to send as `cursor` for the next part; null on the last one.
    next_cursor: Option<String>,
    /// How far back was looked for calls that fit, where that is not yet all of the time that was
    /// asked for: `next_cursor` goes on from there. Null otherwise.
    searched_back_to: Option<Timestamp>,
}

/// A place in the call log.
#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub(crate) struct CallCursor(#[schemars(with = "String")] Place);

impl TryFrom<String> for CallCursor {
    type Error = InvalidPlace;
    fn try_from(text: String) -> Result<Self, InvalidPlace> {
        text.parse().map(Self)
    }
}

/// What names a call in a path.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct CallPath {
    /// The call's id.
    id: CallId,
}

pub(crate) async fn list(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Query(query): Query<CallsQuery>,
    Query(page): Query<PageQuery<CallCursor>>,
) -> Result<Json<CallPageView>, Problem> {
    let calls = &app.management().calls;
    let after = page.cursor.as_ref().map(|CallCursor(place)| *place);
    let part = CallPart { after, limit: page.limit() };
    let found = calls.page(&by, environment, query.into(), part).await?;
    let CallPage { calls, next, searched_back_to } = found;
    Ok(Json(CallPageView {
        data: calls.into_iter().map(CallLogView::from).collect(),
        next_cursor: next.map(|place| place.to_string()),
        searched_back_to,
    }))
}

pub(crate) async fn find(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Path(CallPath { id }): Path<CallPath>,
) -> Result<Json<CallLogView>, Problem> {
    let found = app.management().calls.find(&by, environment, id).await?;
    Ok(Json(found.ok_or(Refusal::UnknownCall)?.into()))
}

impl From<CallsQuery> for CallFilter {
    fn from(query: CallsQuery) -> Self {
        let CallsQuery { since, until, request_id, end_user_id, connection_id, agent_id, .. } =
            query;
        let CallsQuery { connector, tool, outcome, reason, .. } = query;
        Self {
            since,
            until,
            id: None,
            request: request_id,
            end_user: end_user_id,
            connection: connection_id,
            agent: agent_id,
            connector,
            tool,
            outcome,
            reason,
        }
    }
}

impl From<ListedCall> for CallLogView {
    fn from(ListedCall(line): ListedCall) -> Self {
        let times_ms = TimesView::from(&line);
        Self {
            id: line.id,
            at: line.at,
            connector: line.connector,
            tool: line.tool,
            agent_id: line.agent,
            end_user_id: line.end_user,
            actor: line.by.to_string(),
            connection_id: line.connection,
            outcome: line.outcome,
            reason: line.reason.map(Into::into),
            provider_status: line.status,
            attempts: line.attempts,
            took_ms: millis(line.took),
            times_ms,
            summary: line.summary,
            request_id: line.request,
        }
    }
}

impl From<&CallLine> for TimesView {
    fn from(CallLine { times, .. }: &CallLine) -> Self {
        Self {
            authenticate: millis(times.authenticate),
            credential: millis(times.credential),
            plan: millis(times.plan),
            provider: millis(times.provider),
            first_byte: times.first_byte.map(millis),
            shape: millis(times.shape),
        }
    }
}

/// Returns a duration in milliseconds, to the microsecond.
fn millis(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
