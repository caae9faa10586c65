use std::{collections::BTreeMap, str::FromStr};

use astralform_domain::{AgentId, ConnectorSlug, Day, UsageBy};
use astralform_management::calls::{Percentiles, Usage, UsageSearch};
use astralform_surface::{App, Problem, auth::InEnvironment, body::Query};
use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::millis;
use crate::page::PageView;

/// Of which days, and by what told apart, usage is wanted.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UsageQuery {
    /// The first day, in UTC; six days before the last one when left out.
    from: Option<Day>,
    /// The last day, in UTC; today when left out.
    to: Option<Day>,
    /// What is of this connector.
    connector: Option<ConnectorSlug>,
    /// What is of this tool.
    tool: Option<String>,
    /// What is of this agent.
    agent_id: Option<AgentId>,
    /// By what it is told apart: any of `day`, `connector`, `tool` and `agent`, with commas;
    /// `connector` when left out.
    #[schemars(with = "Option<String>")]
    by: Option<Groups>,
}

/// A list of ways to tell usage apart.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Groups(Vec<UsageBy>);

/// What there was of something, on some days.
#[derive(Serialize, JsonSchema)]
pub(crate) struct UsageView {
    /// The day, in UTC, where days are told apart.
    day: Option<Day>,
    /// The connector, where connectors are told apart; null for names that are of no tool.
    connector: Option<ConnectorSlug>,
    /// The tool, where tools are told apart.
    tool: Option<String>,
    /// The agent, where agents are told apart.
    agent_id: Option<AgentId>,
    /// How many calls there were, however they ended.
    calls: u64,
    /// How many of them ended so.
    outcomes: BTreeMap<String, u64>,
    /// How many failed, by the `kind` of the failure.
    failures: BTreeMap<String, u64>,
    /// How many were refused, by the `code` of the refusal.
    refusals: BTreeMap<String, u64>,
    /// How long they took, in milliseconds.
    took_ms: Option<PercentilesView>,
    /// How long they took here, without the provider, in milliseconds.
    added_ms: Option<PercentilesView>,
    /// How many refreshes of tokens there were, by how they ended.
    refreshes: BTreeMap<String, u64>,
    /// How many prompts came to each status; those that were opened are `pending`.
    prompts: BTreeMap<String, u64>,
}

/// How long the half, 95 and 99 of a hundred calls took at most, each to within an eighth.
#[derive(Serialize, JsonSchema)]
struct PercentilesView {
    /// The half.
    p50: f64,
    /// 95 of a hundred.
    p95: f64,
    /// 99 of a hundred.
    p99: f64,
}

pub(crate) async fn usage(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Query(query): Query<UsageQuery>,
) -> Result<Json<PageView<UsageView>>, Problem> {
    let UsageQuery { from, to, connector, tool, agent_id, by: groups } = query;
    let groups = groups.map_or_else(|| vec![UsageBy::Connector], |Groups(groups)| groups);
    let search = UsageSearch { from, to, connector, tool, agent: agent_id, by: groups };
    let found = app.management().calls.usage(&by, environment, &search).await?;
    Ok(Json(PageView::whole(found.into_iter().map(UsageView::from).collect())))
}

impl TryFrom<String> for Groups {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let groups = text.split(',').map(|word| UsageBy::from_str(word.trim()));
        let groups: Result<Vec<_>, _> = groups.collect();
        groups.map(Self).map_err(|_| {
            "it has to be any of day, connector, tool and agent, with commas between them"
                .to_owned()
        })
    }
}

impl From<Usage> for UsageView {
    fn from(usage: Usage) -> Self {
        let Usage { day, connector, tool, agent, calls, failures, refusals, .. } = usage;
        let outcomes = usage.outcomes.into_iter();
        Self {
            day,
            connector,
            tool,
            agent_id: agent,
            calls,
            outcomes: outcomes.map(|(end, number)| (end.to_string(), number)).collect(),
            failures,
            refusals,
            took_ms: usage.took.map(Into::into),
            added_ms: usage.added.map(Into::into),
            refreshes: usage.refreshes,
            prompts: usage.prompts,
        }
    }
}

impl From<Percentiles> for PercentilesView {
    fn from(Percentiles { p50, p95, p99 }: Percentiles) -> Self {
        Self { p50: millis(p50), p95: millis(p95), p99: millis(p99) }
    }
}
