use astralform_domain::{
    AgentId, AgentName, AssignedTools, Assignment, ConnectorSlug, Environment, Patch, Timestamp,
    ToolName,
};
use astralform_management::{
    Right,
    agents::{Agent, AgentChange, AssignmentError, NewAgent},
};
use astralform_surface::{
    App, Problem,
    auth::InProject,
    body::{Body, Keyed, ListBody, Path, Query},
    idempotency::{IdempotencyScope, IdempotentAnswer, made_once},
    version::{IfMatch, Versioned},
};
use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::page::PageView;

/// An agent of a project.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AgentView {
    /// Its id.
    id: AgentId,
    /// The name that requests give in `X-Agent-ID`.
    name: AgentName,
    /// Whether it is the one meant by requests that name none.
    is_default: bool,
    /// Whether it may act.
    is_enabled: bool,
    /// The connectors assigned to it; null when all are.
    connectors: Option<Vec<AssignmentView>>,
    /// When it was made.
    created_at: Timestamp,
    /// How often it was changed, and once more; what `If-Match` takes.
    version: i64,
}

/// A connector that is assigned to an agent.
#[derive(Serialize, JsonSchema)]
struct AssignmentView {
    /// The connector.
    connector: ConnectorSlug,
    /// The only tools of it that the agent may use; null when there is no such list.
    tools: Option<Vec<ToolName>>,
    /// Whether the agent may use only those tools that change nothing at the provider.
    read_only: bool,
}

/// A connector to be assigned to an agent.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AssignConnector")]
pub(crate) struct AssignmentRequest {
    /// The connector.
    connector: ConnectorSlug,
    /// The only tools of it that the agent may use; all when left out.
    tools: Option<Vec<ToolName>>,
    /// Whether the agent may use only those tools that change nothing at the provider.
    #[serde(default)]
    read_only: bool,
}

/// An agent to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CreateAgent")]
pub(crate) struct AgentCreateRequest {
    /// The name that requests give in `X-Agent-ID`.
    name: AgentName,
    /// Whether it may act; true when left out.
    is_enabled: Option<bool>,
    /// The connectors assigned to it; none when left out.
    connectors: Option<Vec<AssignmentRequest>>,
}

/// What is to change of an agent; what is left out stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AgentChange")]
pub(crate) struct AgentChangeRequest {
    /// Another name. Requests that give the old one are refused from then on.
    name: Option<AgentName>,
    /// `false` refuses every request that acts as it.
    is_enabled: Option<bool>,
    /// All the connectors assigned to it; null for all there are.
    #[serde(default)]
    #[schemars(with = "Option<Vec<AssignmentRequest>>")]
    connectors: Patch<Vec<AssignmentRequest>>,
}

/// What names an agent in a path.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct AgentPath {
    /// The agent's name or id.
    agent: String,
}

/// How an agent is deleted.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct AgentDeleteQuery {
    /// `true` revokes the API keys and ends the sessions that are bound to it.
    end_dependents: Option<bool>,
}

/// What ended with an agent.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DeletedAgentView {
    /// How many API keys were revoked.
    revoked_api_keys: usize,
    /// How many sessions were ended.
    ended_sessions: usize,
}

pub(crate) async fn list(
    State(app): State<App>,
    InProject { by, .. }: InProject,
) -> Result<Json<PageView<AgentView>>, Problem> {
    let found = app.management().agents.list(&by).await?;
    Ok(Json(PageView::whole(found.into_iter().map(Into::into).collect())))
}

pub(crate) async fn create(
    State(app): State<App>,
    InProject { by, administrator }: InProject,
    sent: Keyed<AgentCreateRequest>,
) -> Result<IdempotentAnswer<AgentView, 201>, Problem> {
    // Agents belong to no environment; one of the two stands for the scope.
    let tenant = by.may(Right::Look)?.tenant(Environment::Test);
    let route = "POST /v1/projects/{project}/agents";
    let scope = IdempotencyScope::of_member(administrator, tenant, route);
    let work = app.clone();
    made_once(&app, sent, scope, move |request| async move {
        let AgentCreateRequest { name, is_enabled, connectors } = request;
        let connectors = Some(assignments(connectors.unwrap_or_default())?);
        let new = NewAgent { name, is_enabled: is_enabled.unwrap_or(true), connectors };
        Ok(work.management().agents.create(&by, new).await?.into())
    })
    .await
}

pub(crate) async fn show(
    State(app): State<App>,
    InProject { by, .. }: InProject,
    Path(AgentPath { agent }): Path<AgentPath>,
) -> Result<Versioned<AgentView>, Problem> {
    Ok(versioned(app.management().agents.find(&by, &agent).await?))
}

pub(crate) async fn change(
    State(app): State<App>,
    InProject { by, .. }: InProject,
    Path(AgentPath { agent }): Path<AgentPath>,
    IfMatch(expected): IfMatch,
    Body(request): Body<AgentChangeRequest>,
) -> Result<Versioned<AgentView>, Problem> {
    let AgentChangeRequest { name, is_enabled, connectors } = request;
    let connectors = match connectors {
        Patch::Keep => Patch::Keep,
        Patch::Clear => Patch::Clear,
        Patch::Set(list) => Patch::Set(assignments(list)?),
    };
    let change = AgentChange { name, is_enabled, connectors };
    Ok(versioned(app.management().agents.change(&by, &agent, change, expected).await?))
}

pub(crate) async fn assign(
    State(app): State<App>,
    InProject { by, .. }: InProject,
    Path(AgentPath { agent }): Path<AgentPath>,
    IfMatch(expected): IfMatch,
    ListBody(list): ListBody<AssignmentRequest>,
) -> Result<Versioned<AgentView>, Problem> {
    let connectors = Patch::Set(assignments(list)?);
    let change = AgentChange { connectors, ..AgentChange::default() };
    Ok(versioned(app.management().agents.change(&by, &agent, change, expected).await?))
}

pub(crate) async fn delete(
    State(app): State<App>,
    InProject { by, .. }: InProject,
    Path(AgentPath { agent }): Path<AgentPath>,
    Query(AgentDeleteQuery { end_dependents }): Query<AgentDeleteQuery>,
    IfMatch(expected): IfMatch,
) -> Result<Json<DeletedAgentView>, Problem> {
    let ends = end_dependents.unwrap_or(false);
    let deleted = app.management().agents.delete(&by, &agent, ends, expected).await?;
    let (revoked_api_keys, ended_sessions) = (deleted.api_keys, deleted.sessions);
    Ok(Json(DeletedAgentView { revoked_api_keys, ended_sessions }))
}

fn assignments(list: Vec<AssignmentRequest>) -> Result<Vec<Assignment>, AssignmentError> {
    list.into_iter().map(assignment).collect()
}

fn assignment(request: AssignmentRequest) -> Result<Assignment, AssignmentError> {
    let AssignmentRequest { connector, tools, read_only } = request;
    let tools = match (tools, read_only) {
        (Some(_), true) => return Err(AssignmentError::ToolsAndReadOnly { connector }),
        (Some(tools), false) => AssignedTools::Only(tools),
        (None, true) => AssignedTools::ReadOnly,
        (None, false) => AssignedTools::All,
    };
    Ok(Assignment { connector, tools })
}

fn versioned(agent: Agent) -> Versioned<AgentView> {
    Versioned(agent.version, agent.into())
}

impl From<Agent> for AgentView {
    fn from(agent: Agent) -> Self {
        let connectors = agent.connectors.map(|all| all.into_iter().map(Into::into).collect());
        Self {
            id: agent.id,
            name: agent.name,
            is_default: agent.is_default,
            is_enabled: agent.is_enabled,
            connectors,
            created_at: agent.created_at,
            version: agent.version,
        }
    }
}

impl From<Assignment> for AssignmentView {
    fn from(Assignment { connector, tools }: Assignment) -> Self {
        let read_only = tools == AssignedTools::ReadOnly;
        let tools = match tools {
            AssignedTools::Only(tools) => Some(tools),
            AssignedTools::All | AssignedTools::ReadOnly => None,
        };
        Self { connector, tools, read_only }
    }
}
