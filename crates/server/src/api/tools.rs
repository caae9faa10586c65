use std::{collections::BTreeMap, time::Duration};

use astralform_catalog::Tool;
use astralform_domain::{CallId, Caller, ConnectionId};
use astralform_engine::{
    Availability, CallFailure, CredentialRefusal, ListedTool, Outcome, Outside, ToolCall,
};
use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::auth_requests::{AuthRequestView, LONGEST_WAIT};
use crate::{
    App, Problem,
    auth::Acting,
    body::{Keyed, Path, Query},
    once::{Answer, Scope, once},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    #[serde(default)]
    format: Format,
}

/// Whose way of describing tools is wanted.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Mcp,
    Openai,
    Anthropic,
}

#[derive(Serialize)]
pub(crate) struct ToolsView {
    tools: Vec<Value>,
    availability: BTreeMap<String, AvailabilityView>,
}

#[derive(Serialize)]
struct AvailabilityView {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallRequest {
    #[serde(default = "no_arguments")]
    arguments: Value,
    #[serde(default)]
    connection_id: Option<ConnectionId>,
    /// Seconds to wait for the end user; 55 at most.
    #[serde(default)]
    wait_seconds: u64,
}

#[derive(Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub(crate) enum CallView {
    Completed { data: Value, text: String, call_id: CallId },
    AuthRequired { auth_request: Box<AuthRequestView> },
    Failed { error: FailureView, call_id: CallId },
}

#[derive(Serialize)]
pub(crate) struct FailureView {
    kind: &'static str,
    message: String,
    retryable: bool,
    retry_after_ms: Option<u64>,
    provider_status: Option<u16>,
}

/// Lists the tools of an agent, described as its framework wants them.
pub(crate) async fn list(
    State(app): State<App>,
    Acting(caller): Acting,
    Query(ListQuery { format }): Query<ListQuery>,
) -> Result<Json<ToolsView>, Problem> {
    let listed = app.engine().list_tools(&caller).await?;
    Ok(Json(ToolsView {
        tools: listed.iter().map(|listed| format.describe(listed.tool)).collect(),
        availability: listed.into_iter().map(availability).collect(),
    }))
}

/// Calls a tool for an end user.
pub(crate) async fn call(
    State(app): State<App>,
    Acting(caller): Acting,
    Path(name): Path<String>,
    sent: Keyed<CallRequest>,
) -> Result<Answer<CallView>, Problem> {
    let scope = Scope::of(&caller, &format!("POST /v1/tools/{name}/call"));
    let work = app.clone();
    once(&app, scope, sent, CallView::is_final, move |request| async move {
        Box::pin(run(&work, &caller, &name, request)).await.map(|view| (StatusCode::OK, view))
    })
    .await
}

async fn run(
    app: &App,
    caller: &Caller,
    name: &str,
    request: CallRequest,
) -> Result<CallView, Problem> {
    let call_id = app.engine().new_call_id();
    let call = ToolCall {
        arguments: request.arguments,
        connection: request.connection_id,
        wait: Duration::from_secs(request.wait_seconds.min(LONGEST_WAIT)),
    };
    let outcome = app.engine().call_tool(caller, name, &call).await?;
    tracing::info!(call.id = %call_id, tool = name, outcome = word(&outcome), "tool called");
    Ok(match outcome {
        Outcome::Completed(data) => CallView::Completed { text: data.to_string(), data, call_id },
        Outcome::AuthRequired(prompt) => {
            CallView::AuthRequired { auth_request: Box::new((*prompt).into()) }
        }
        Outcome::Failed(failure) => CallView::Failed { error: failure.into(), call_id },
    })
}

impl CallView {
    /// Whether the same call must not be carried out again: it was done, or may have been.
    fn is_final(&self) -> bool {
        match self {
            Self::Completed { .. } => true,
            Self::AuthRequired { .. } => false,
            Self::Failed { error, .. } => !error.retryable,
        }
    }
}

impl Format {
    fn describe(self, tool: &Tool) -> Value {
        let (name, description) = (tool.name.as_str(), tool.description.trim());
        let input = tool.input.json();
        match self {
            Self::Mcp => json!({
                "name": name,
                "title": tool.title,
                "description": description,
                "inputSchema": input,
                "outputSchema": tool.output.json(),
                "annotations": {
                    "title": tool.title,
                    "readOnlyHint": tool.annotations.read_only,
                    "destructiveHint": tool.annotations.destructive,
                    "idempotentHint": tool.annotations.idempotent,
                    "openWorldHint": true,
                },
            }),
            Self::Openai => json!({
                "type": "function",
                "function": {"name": name, "description": description, "parameters": input},
            }),
            Self::Anthropic => {
                json!({"name": name, "description": description, "input_schema": input})
            }
        }
    }
}

fn availability(listed: ListedTool<'_>) -> (String, AvailabilityView) {
    let view = match listed.availability {
        Availability::Ready => AvailabilityView { state: "ready", why: None, fix: None },
        Availability::AuthRequired(reason) => AvailabilityView {
            state: "auth_required",
            why: Some(reason),
            fix: Some("call the tool, and show the end user the link in the answer".to_owned()),
        },
        Availability::Unavailable(Outside::Connector(why)) => AvailabilityView {
            state: "unavailable",
            why: Some(why.to_string()),
            fix: Some("correct the connector's settings in this project".to_owned()),
        },
        Availability::Unavailable(Outside::Credential(refusal)) => AvailabilityView {
            state: "unavailable",
            why: Some(refusal.to_string()),
            fix: Some(fix(refusal).to_owned()),
        },
    };
    (listed.tool.name.as_str().to_owned(), view)
}

fn fix(refusal: CredentialRefusal) -> &'static str {
    match refusal {
        CredentialRefusal::EndUserRequired => "name the end user in the header X-End-User-ID",
        CredentialRefusal::UnknownConnection => "name a connection of this end user, or none",
        CredentialRefusal::NothingShared => {
            "share an account: POST /v1/projects/{project}/connectors/{slug}/shared-connection"
        }
        CredentialRefusal::SharedUnusable => {
            "share the account again: POST /v1/projects/{project}/connectors/{slug}/shared-connection"
        }
    }
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Completed(_) => "completed",
        Outcome::AuthRequired(_) => "auth_required",
        Outcome::Failed(failure) => failure.kind.as_str(),
    }
}

fn no_arguments() -> Value {
    json!({})
}

impl From<CallFailure> for FailureView {
    fn from(failure: CallFailure) -> Self {
        let after = failure.retry_after.map(|after| after.as_millis());
        Self {
            kind: failure.kind.as_str(),
            retryable: failure.kind.is_retryable(),
            retry_after_ms: after.and_then(|after| u64::try_from(after).ok()),
            provider_status: failure.provider_status,
            message: failure.message,
        }
    }
}
