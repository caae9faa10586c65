use std::process::ExitCode;

use astralform_domain::{AgentId, ConnectorSlug, Day, Environment, UsageBy};
use clap::Args;
use serde_json::Value;

use crate::{
    management::{OVER_A_SERVER, ProjectAccess, text},
    table::table,
};

/// Say how many calls, refreshes and prompts there were, and how they ended
#[derive(Args)]
#[command(after_help = OVER_A_SERVER)]
pub(crate) struct Usage {
    /// The environment
    #[arg(long, value_name = "live|test")]
    environment: Environment,
    /// The first day, in UTC [default: six days before the last one]
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Option<Day>,
    /// The last day, in UTC [default: today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: Option<Day>,
    /// What is of this connector
    #[arg(long, value_name = "SLUG")]
    connector: Option<ConnectorSlug>,
    /// What is of this tool
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    /// What is of this agent
    #[arg(long, value_name = "ID")]
    agent: Option<AgentId>,
    /// By what it is told apart: any of day, connector, tool and agent, with commas
    #[arg(long, value_delimiter = ',', default_value = "connector", value_name = "LIST")]
    by: Vec<UsageBy>,
    #[command(flatten)]
    access: ProjectAccess,
}

impl Usage {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let project = self.access.open().await?;
        let by: Vec<_> = self.by.iter().map(|by| by.as_str()).collect();
        let given = [
            ("environment", Some(self.environment.to_string())),
            ("from", self.from.map(|day| day.to_string())),
            ("to", self.to.map(|day| day.to_string())),
            ("connector", self.connector.as_ref().map(ToString::to_string)),
            ("tool", self.tool.clone()),
            ("agent_id", self.agent.map(|id| id.to_string())),
            ("by", Some(by.join(","))),
        ];
        let query: Vec<_> =
            given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
        let usage = project.at.server.get(&project.path("/usage"), &query).await?;
        let rows = usage["data"].as_array().map_or(&[][..], Vec::as_slice);
        project.at.show(&usage["data"], |_| in_table(rows))?;
        Ok(ExitCode::SUCCESS)
    }
}

const HEADINGS: [&str; 12] = [
    "DAY",
    "CONNECTOR",
    "TOOL",
    "AGENT",
    "CALLS",
    "COMPLETED",
    "FAILED",
    "REFUSED",
    "TOOK p50",
    "p99 ms",
    "OURS p99 ms",
    "REFRESHES, PROMPTS",
];

fn in_table(rows: &[Value]) -> String {
    if rows.is_empty() {
        return "There was nothing in these days.".to_owned();
    }
    let cells = rows.iter().map(|row| {
        let number = |pointer: &str| {
            row.pointer(pointer).and_then(Value::as_u64).unwrap_or_default().to_string()
        };
        let millis = |pointer: &str| {
            let found = row.pointer(pointer).and_then(Value::as_f64);
            found.map_or("-".to_owned(), |millis| format!("{millis:.1}"))
        };
        [
            text(row, "/day"),
            text(row, "/connector"),
            text(row, "/tool"),
            text(row, "/agent_id"),
            number("/calls"),
            number("/outcomes/completed"),
            number("/outcomes/failed"),
            number("/outcomes/refused"),
            millis("/took_ms/p50"),
            millis("/took_ms/p99"),
            millis("/added_ms/p99"),
            [words(&row["refreshes"]), words(&row["prompts"])].concat().join(", "),
        ]
    });
    table(HEADINGS, &cells.collect::<Vec<_>>())
}

fn words(counts: &Value) -> Vec<String> {
    let counts = counts.as_object().into_iter().flatten();
    counts.map(|(word, number)| format!("{number} {word}")).collect()
}
