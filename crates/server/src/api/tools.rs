use std::collections::BTreeMap;

use astralform_catalog::{ArgumentFault, Tool};
use astralform_domain::{CallId, Caller, ConnectionId, FailureKind, ToolName, limits};
use astralform_engine::{
    Availability, CallFailure, CallRefusal, CredentialRefusal, ListedTool, Outcome, Outside,
    ToolCall,
};
use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json, value::RawValue};

use super::auth_requests::{AuthRequestView, Wait, patience};
use crate::{
    App, Problem, Refusal,
    auth::Acting,
    body::{Keyed, Path, Query, TOOL_CALL},
    numbers,
    once::{IdempotencyScope, IdempotentAnswer, once},
    served,
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToolsQuery {
    /// Whose way of describing tools is wanted.
    #[serde(default)]
    format: Format,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Mcp,
    Openai,
    Anthropic,
}

/// The tools of an agent.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ToolsView {
    /// The tools, described as `format` asks.
    #[schemars(with = "Vec<Map<String, Value>>")]
    tools: Vec<Value>,
    /// Whether each can be called now, by its name.
    availability: BTreeMap<String, AvailabilityView>,
}

/// Whether a tool can be called now.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
enum AvailabilityView {
    /// It can.
    Ready,
    /// A call asks the end user first.
    AuthRequired {
        /// What is missing.
        why: String,
        /// What to do.
        fix: String,
    },
    /// It cannot, and the end user cannot change that.
    Unavailable {
        /// What is in the way.
        why: String,
        /// What to do.
        fix: String,
    },
}

/// What names a tool in a path.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ToolPath {
    /// The tool's name.
    name: String,
}

/// A call of a tool.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-of-other-fields" = "a tool's arguments go inside `arguments`"))]
pub(crate) struct CallRequest {
    /// The tool's arguments; none when left out.
    #[serde(default)]
    #[schemars(with = "Map<String, Value>")]
    arguments: Value,
    /// The account to use, where the end user has several.
    connection_id: Option<ConnectionId>,
    /// Seconds to wait for the end user, if they must be asked.
    #[serde(default)]
    wait_seconds: Wait,
}

/// How a call ended.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub(crate) enum CallView {
    /// The tool's result.
    Completed {
        /// The result, as the tool's output schema says.
        #[schemars(with = "Value")]
        data: Box<RawValue>,
        /// The result as JSON text, for models that take text.
        text: String,
        /// The call's id.
        call_id: CallId,
    },
    /// The end user has to be asked first; nothing was changed at the provider.
    AuthRequired {
        /// What to show them.
        auth_request: Box<AuthRequestView>,
    },
    /// It went wrong at the provider, or on the way there.
    Failed {
        /// How.
        error: FailureView,
        /// The call's id.
        call_id: CallId,
    },
}

/// How a call went wrong.
#[derive(Serialize, JsonSchema)]
pub(crate) struct FailureView {
    kind: FailureKind,
    /// What happened and what to do, for a model or a person.
    message: String,
    /// Whether the same call may succeed later, and cannot happen twice by it.
    retryable: bool,
    /// When it makes sense to try again, where the provider said so.
    retry_after_ms: Option<u64>,
    /// The provider's HTTP status, where there was an answer.
    provider_status: Option<u16>,
}

pub(crate) async fn list(
    State(app): State<App>,
    Acting(caller): Acting,
    Query(ToolsQuery { format }): Query<ToolsQuery>,
) -> Result<Json<ToolsView>, Problem> {
    let engine = app.engine();
    let listed = engine.tools.list_tools(&caller).await?;
    Ok(Json(ToolsView {
        tools: listed.iter().map(|listed| format.describe(listed.tool)).collect(),
        availability: listed.into_iter().map(availability).collect(),
    }))
}

pub(crate) async fn call(
    State(app): State<App>,
    Acting(caller): Acting,
    Path(ToolPath { name }): Path<ToolPath>,
    sent: Keyed<CallRequest, TOOL_CALL>,
) -> Result<IdempotentAnswer<CallView>, Problem> {
    let served = served::current();
    let tool: Option<ToolName> = name.parse().ok();
    if let (Some(served), Some(tool)) = (&served, &tool) {
        served.note_tool(tool);
    }
    if !tool.is_some_and(|tool| caller.principal.credential.allows(&tool)) {
        return Err(app.engine().offers.no_tool(&caller, &name).await?.into()); // nor a kept answer of it
    }
    check_weight(&sent.raw)?;
    check_numbers(&sent.raw)?;
    let sent =
        sent.within(|| IdempotencyScope::of(&caller, &format!("POST /v1/tools/{name}/call")));
    let work = app.clone();
    let answer = once(&app, sent, CallView::is_final, move |request| async move {
        Box::pin(run(&work, &caller, &name, request)).await
    })
    .await?;
    if let (IdempotentAnswer::Kept(_), Some(served)) = (&answer, &served) {
        served.note_outcome("replayed", None);
    }
    Ok(answer)
}

/// Refuses arguments that are too large. They are looked at only where the whole body is larger
/// than they may be.
fn check_weight(body: &[u8]) -> Result<(), Problem> {
    #[derive(Deserialize)]
    struct Arguments<'a> {
        #[serde(borrow)]
        arguments: Option<&'a RawValue>,
    }
    let most = limits::ARGUMENTS;
    if !most.is_exceeded_by(body.len()) {
        return Ok(());
    }
    let sent: Option<Arguments<'_>> = serde_json::from_slice(body).ok();
    let length = sent.and_then(|sent| sent.arguments).map_or(0, |arguments| arguments.get().len());
    if most.is_exceeded_by(length) {
        return Err(Refusal::ArgumentsTooLarge { given: length, most: most.value }.into());
    }
    Ok(())
}

/// Refuses a number of which less would be passed on than was sent.
fn check_numbers(body: &[u8]) -> Result<(), Problem> {
    let Some(pointer) = numbers::inexact(body, "arguments") else { return Ok(()) };
    let message = "has more digits than can be passed on: send fewer, or, where the tool takes a \
                   text, send it as one";
    let fault = ArgumentFault { pointer, message: message.to_owned() };
    Err(CallRefusal::InvalidArguments(vec![fault]).into())
}

async fn run(
    app: &App,
    caller: &Caller,
    name: &str,
    request: CallRequest,
) -> Result<CallView, Problem> {
    let call_id = app.engine().new_call_id();
    let call = ToolCall {
        arguments: if request.arguments.is_null() { json!({}) } else { request.arguments },
        connection: request.connection_id,
        wait: patience(request.wait_seconds),
    };
    let outcome = app.engine().tools.call_tool(caller, name, &call).await?;
    if let Some(served) = served::current() {
        served.note_outcome(word(&outcome), Some(call_id));
    }
    Ok(match outcome {
        Outcome::Completed(result) => {
            let data = result.into_json();
            CallView::Completed { text: data.get().to_owned(), data, call_id }
        }
        Outcome::AuthRequired(prompt) => {
            CallView::AuthRequired { auth_request: Box::new((*prompt).into()) }
        }
        Outcome::Failed(failure) => CallView::Failed { error: failure.into(), call_id },
    })
}

impl CallView {
    /// Returns whether the same call must not be carried out again: it was done, or may have been.
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
        let name = tool.name.as_str();
        let description = tool.description.trim();
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
        Availability::Ready => AvailabilityView::Ready,
        Availability::AuthRequired(why) => AvailabilityView::AuthRequired {
            why,
            fix: "call the tool, and show the end user the link in the answer".to_owned(),
        },
        Availability::Unavailable(Outside::Connector(why)) => AvailabilityView::Unavailable {
            why: why.to_string(),
            fix: "correct the connector's settings in this project".to_owned(),
        },
        Availability::Unavailable(Outside::Credential(refusal)) => {
            AvailabilityView::Unavailable { why: refusal.to_string(), fix: fix(refusal).to_owned() }
        }
    };
    (listed.tool.name.as_str().to_owned(), view)
}

fn fix(refusal: CredentialRefusal) -> &'static str {
    match refusal {
        CredentialRefusal::EndUserRequired => "name the end user in the header X-End-User-ID",
        CredentialRefusal::UnknownConnection => "name a connection of this end user, or none",
        CredentialRefusal::AwaitingConfirmation => "confirm the connection, or name another",
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

impl From<CallFailure> for FailureView {
    fn from(failure: CallFailure) -> Self {
        let after = failure.retry_after.map(|after| after.as_millis());
        Self {
            kind: failure.kind,
            retryable: failure.kind.is_retryable(),
            retry_after_ms: after.and_then(|after| u64::try_from(after).ok()),
            provider_status: failure.provider_status,
            message: failure.message,
        }
    }
}
