//! Why a tool can or cannot be called.

use astralform_domain::{AgentName, ApiKeyId, ConnectorSlug, EndUserId, Environment};
use astralform_engine::explain::{Cause, Explanation, Step};
use astralform_management::explanations::AskedTool;
use astralform_surface::{
    App, Problem,
    auth::{Acting, InEnvironment},
    body::Query,
};
use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which tool is asked about.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ExplainQuery {
    /// The tool's name.
    tool: String,
}

/// Which tool of a project is asked about, and for whom.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ExplainForQuery {
    /// The tool's name.
    tool: String,
    /// The agent, by name or id; the default one when left out.
    agent: Option<String>,
    /// The end user, by your own id of them.
    end_user: Option<EndUserId>,
    /// The id of the API key that calls, where its limits are to count too.
    api_key: Option<ApiKeyId>,
}

/// Why a tool can or cannot be called.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ExplanationView {
    /// The tool that was asked about.
    tool: String,
    /// The connector that it belongs to; null where there is no such tool.
    connector: Option<ConnectorSlug>,
    /// The environment.
    environment: Environment,
    /// The agent; null where there is none of that name.
    agent: Option<AgentName>,
    /// Whether a call would be sent to the provider.
    is_available: bool,
    /// What a call goes through, in order.
    steps: Vec<StepView>,
    /// The first thing that is wrong; null where nothing is.
    cause: Option<CauseView>,
}

/// What has to be so before a tool can be called.
#[derive(Serialize, JsonSchema)]
struct StepView {
    /// What: `known`, `enabled`, `ready`, `agent`, `assigned`, `listed`, `allowed`, `connected`,
    /// `scopes`, `token` or `provider`.
    step: &'static str,
    /// Whether it is so: `ok`, `failed`, or `not_reached` after one that failed.
    state: &'static str,
}

/// What keeps a tool from being called.
#[derive(Serialize, JsonSchema)]
struct CauseView {
    /// Its stable name.
    code: &'static str,
    /// The step at which a call meets it.
    step: &'static str,
    /// What is wrong.
    why: String,
    /// What to do.
    fix: String,
}

pub(crate) async fn to_caller(
    State(app): State<App>,
    Acting(caller): Acting,
    Query(ExplainQuery { tool }): Query<ExplainQuery>,
) -> Result<Json<ExplanationView>, Problem> {
    let explained = app.engine().explain.to_caller(&caller, &tool).await??;
    Ok(Json(explained.into()))
}

pub(crate) async fn to_member(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Query(query): Query<ExplainForQuery>,
) -> Result<Json<ExplanationView>, Problem> {
    let ExplainForQuery { tool, agent, end_user, api_key } = query;
    let asked = AskedTool { environment, tool, agent, end_user, api_key };
    Ok(Json(app.management().explanations.explain(&by, &asked).await?.into()))
}

impl From<Explanation> for ExplanationView {
    fn from(explained: Explanation) -> Self {
        let failed = explained.cause.as_ref().map(Cause::step);
        let said = explained.why().zip(explained.fix());
        let cause = explained.cause.as_ref().zip(said).map(|(cause, (why, fix))| CauseView {
            code: cause.code(),
            step: cause.step().as_str(),
            why,
            fix,
        });
        Self {
            is_available: cause.is_none(),
            steps: Step::ALL.map(|step| step_view(step, failed)).into(),
            cause,
            tool: explained.tool,
            connector: explained.connector,
            environment: explained.environment,
            agent: explained.agent,
        }
    }
}

fn step_view(step: Step, failed: Option<Step>) -> StepView {
    let state = match failed {
        Some(failed) if step == failed => "failed",
        Some(failed) if step > failed => "not_reached",
        _ => "ok",
    };
    StepView { step: step.as_str(), state }
}
