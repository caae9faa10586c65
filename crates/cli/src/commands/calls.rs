mod follow;

use std::process::ExitCode;

use astralform_domain::{
    AgentId, CallId, CallOutcome, ConnectionId, ConnectorSlug, EndUserId, Environment, RequestId,
    Timestamp,
};
use clap::Args;
use serde_json::Value;

use crate::{
    management::{OVER_A_SERVER, ProjectAccess, text},
    out::print,
    table::{facts, table},
};

/// List the tool calls of a project, the newest first, or show one
#[derive(Args)]
#[command(after_help = OVER_A_SERVER)]
pub(crate) struct Calls {
    /// Show this call alone
    #[arg(value_name = "CALL", conflicts_with = "follow")]
    id: Option<CallId>,
    #[command(flatten)]
    search: Search,
    /// How many to list, 100 at most
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u8).range(1..=100))]
    limit: u8,
    /// Go on with the calls to come, the oldest first, until it is interrupted
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    access: ProjectAccess,
}

/// Which calls; each that is named has to fit.
#[derive(Args)]
struct Search {
    /// The environment
    #[arg(long, value_name = "live|test")]
    environment: Environment,
    /// Those for this end user, by the application's own id of them
    #[arg(long, value_name = "ID")]
    end_user: Option<EndUserId>,
    /// Those by this agent
    #[arg(long, value_name = "ID")]
    agent: Option<AgentId>,
    /// Those of this connector's tools
    #[arg(long, value_name = "SLUG")]
    connector: Option<ConnectorSlug>,
    /// Those of this tool
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    /// Those that this connection paid
    #[arg(long, value_name = "ID")]
    connection: Option<ConnectionId>,
    /// Those that came by this request
    #[arg(long, value_name = "ID")]
    request: Option<RequestId>,
    /// Those that ended so: completed, `auth_required`, failed, refused, abandoned or broken
    #[arg(long, value_name = "WORD")]
    outcome: Option<CallOutcome>,
    /// Those that ended so for this reason, such as `rate_limited`
    #[arg(long, value_name = "WORD")]
    reason: Option<String>,
    /// Those that ended then or later, as in 2026-11-30T14:03:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Those that ended before then
    #[arg(long, value_name = "TIME", conflicts_with = "follow")]
    until: Option<Timestamp>,
}

const HEADINGS: [&str; 8] =
    ["AT", "TOOL", "OUTCOME", "REASON", "END USER", "TOOK ms", "PROVIDER ms", "CALL"];

impl Calls {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let project = self.access.open().await?;
        let mut query = self.search.query();
        if let Some(id) = self.id {
            let path = project.path(&format!("/calls/{id}"));
            let query = [("environment", self.search.environment.as_str())];
            let call = project.at.server.get(&path, &query).await?;
            project.at.show(&call, in_words)?;
            return Ok(ExitCode::SUCCESS);
        }
        if self.follow {
            follow::follow(&project, query).await?;
            return Ok(ExitCode::SUCCESS);
        }
        query.push(("limit", self.limit.to_string()));
        let borrowed: Vec<_> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let page = project.at.server.get(&project.path("/calls"), &borrowed).await?;
        let calls = page["data"].as_array().map_or(&[][..], Vec::as_slice);
        project.at.show(&page["data"], |_| in_table(calls))?;
        if !project.at.is_json()
            && let Some(time) = page["searched_back_to"].as_str()
        {
            print(&format!("Searched back to {time}: go on with --until {time}."))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Search {
    fn query(&self) -> Vec<(&'static str, String)> {
        let given = [
            ("environment", Some(self.environment.to_string())),
            ("end_user_id", self.end_user.as_ref().map(ToString::to_string)),
            ("agent_id", self.agent.map(|id| id.to_string())),
            ("connector", self.connector.as_ref().map(ToString::to_string)),
            ("tool", self.tool.clone()),
            ("connection_id", self.connection.map(|id| id.to_string())),
            ("request_id", self.request.map(|id| id.to_string())),
            ("outcome", self.outcome.map(|word| word.to_string())),
            ("reason", self.reason.clone()),
            ("since", self.since.map(|time| time.to_string())),
            ("until", self.until.map(|time| time.to_string())),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

fn in_table(calls: &[Value]) -> String {
    if calls.is_empty() {
        return "There are no such calls.".to_owned();
    }
    table(HEADINGS, &calls.iter().map(row).collect::<Vec<_>>())
}

fn row(call: &Value) -> [String; 8] {
    [
        text(call, "/at"),
        text(call, "/tool"),
        text(call, "/outcome"),
        text(call, "/reason"),
        text(call, "/end_user_id"),
        millis(&call["took_ms"]),
        millis(&call["times_ms"]["provider"]),
        text(call, "/id"),
    ]
}

fn in_words(call: &Value) -> String {
    let number = |value: &Value| value.as_u64().map_or("-".to_owned(), |value| value.to_string());
    let part = |name: &str| format!("{} ms", millis(&call["times_ms"][name]));
    facts(&[
        ("call", text(call, "/id")),
        ("at", text(call, "/at")),
        ("tool", text(call, "/tool")),
        ("outcome", text(call, "/outcome")),
        ("reason", text(call, "/reason")),
        ("summary", text(call, "/summary")),
        ("end user", text(call, "/end_user_id")),
        ("agent", text(call, "/agent_id")),
        ("connection", text(call, "/connection_id")),
        ("by", text(call, "/actor")),
        ("request", text(call, "/request_id")),
        ("provider status", number(&call["provider_status"])),
        ("attempts", number(&call["attempts"])),
        ("took", format!("{} ms", millis(&call["took_ms"]))),
        ("  authenticate", part("authenticate")),
        ("  credential", part("credential")),
        ("  plan", part("plan")),
        ("  provider", part("provider")),
        ("  first byte", part("first_byte")),
        ("  shape", part("shape")),
    ])
}

fn millis(value: &Value) -> String {
    value.as_f64().map_or("-".to_owned(), |millis| format!("{millis:.1}"))
}
