mod views;

use astralform_catalog::{ArgumentFault, Tool};
use astralform_domain::{Caller, ConnectionId, ToolName, limits};
use astralform_engine::{CallRefusal, Outcome, ToolCall};
use astralform_surface::{
    App, Problem, Refusal,
    auth::Acting,
    body::{Keyed, Path, Query, TOOL_CALL},
    idempotency::{IdempotencyScope, IdempotentAnswer, answer_once},
    served,
};
use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use super::auth_requests::{Wait, patience};
use crate::numbers;
use views::{CallView, ToolsView, availability, word};

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
    if let Err(problem) = check(&app, &caller, &name, tool.as_ref(), &sent.raw).await {
        let engine = app.engine();
        engine.tools.note_refused(&caller, &name, served::came(), problem.code().as_str());
        return Err(problem);
    }
    let sent =
        sent.within(|| IdempotencyScope::of(&caller, &format!("POST /v1/tools/{name}/call")));
    let work = app.clone();
    let answer = answer_once(&app, sent, CallView::is_final, move |request| async move {
        run(&work, &caller, &name, request).await
    })
    .await?;
    if let (IdempotentAnswer::Replayed(_), Some(served)) = (&answer, &served) {
        served.note_outcome("replayed", None);
    }
    Ok(answer)
}

/// Refuses what no stored answer may be replayed for either.
async fn check(
    app: &App,
    caller: &Caller,
    name: &str,
    tool: Option<&ToolName>,
    body: &[u8],
) -> Result<(), Problem> {
    if !tool.is_some_and(|tool| caller.principal.credential.allows(tool)) {
        return Err(app.engine().offers.no_tool(caller, name).await?.into());
    }
    check_weight(body)?;
    check_numbers(body)
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
        id: call_id,
        came: served::came(),
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
