mod assign;
mod assignment;

use std::process::ExitCode;

use astralform_domain::{AgentId, AgentName};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::{
    management::{OVER_A_SERVER, ProjectAccess, Request, count, text, yes},
    table::{facts, table},
};
use assignment::{Assignment, in_words};

/// Look at the agents of a project, and say which connectors and tools they may use
#[derive(Subcommand)]
#[command(after_help = OVER_A_SERVER)]
pub(crate) enum AgentsCommand {
    /// List the agents of a project
    List(ListAgents),
    /// Create an agent; no connector is assigned to it, unless some are named
    Create(CreateAgent),
    /// Show an agent
    Show(ShowAgent),
    /// Change an agent's name, or whether it may act
    Update(UpdateAgent),
    /// Delete an agent
    Delete(DeleteAgent),
    /// Assign connectors to an agent, in place of those that were assigned before
    Assign(assign::AssignConnectors),
}

#[derive(Args)]
pub(crate) struct ListAgents {
    #[command(flatten)]
    access: ProjectAccess,
}

#[derive(Args)]
pub(crate) struct CreateAgent {
    /// The name that requests give in `X-Agent-ID`
    name: AgentName,
    /// A connector that it may use, as for `agents assign`; give it once for each
    #[arg(long = "connector", value_name = "CONNECTOR")]
    connectors: Vec<Assignment>,
    /// Make it one that may not act yet
    #[arg(long)]
    disabled: bool,
    #[command(flatten)]
    access: ProjectAccess,
}

#[derive(Args)]
pub(crate) struct ShowAgent {
    /// The agent, by name or id
    #[arg(value_parser = name_or_id)]
    agent: String,
    #[command(flatten)]
    access: ProjectAccess,
}

#[derive(Args)]
pub(crate) struct UpdateAgent {
    /// The agent, by name or id
    #[arg(value_parser = name_or_id)]
    agent: String,
    #[command(flatten)]
    change: AgentChange,
    #[command(flatten)]
    access: ProjectAccess,
}

/// What is to change; what is left out stays.
#[derive(Args)]
#[group(required = true, multiple = true)]
struct AgentChange {
    /// Another name: requests that give the old one are refused from then on
    #[arg(long)]
    name: Option<AgentName>,
    /// Whether it may act: false refuses every request that acts as it
    #[arg(long, value_name = "true|false")]
    enabled: Option<bool>,
}

#[derive(Args)]
pub(crate) struct DeleteAgent {
    /// The agent, by name or id
    #[arg(value_parser = name_or_id)]
    agent: String,
    /// Revoke the API keys and end the sessions that are bound to it, without which it is not
    /// deleted
    #[arg(long)]
    end_dependents: bool,
    #[command(flatten)]
    access: ProjectAccess,
}

impl AgentsCommand {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run().await?,
            Self::Create(create) => create.run().await?,
            Self::Show(show) => show.run().await?,
            Self::Update(update) => update.run().await?,
            Self::Delete(delete) => delete.run().await?,
            Self::Assign(assign) => assign.run().await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl ListAgents {
    async fn run(self) -> anyhow::Result<()> {
        let project = self.access.open().await?;
        let path = project.path("/agents");
        project.at.list(&path, &[], in_table, "There are no agents.").await
    }
}

fn in_table(rows: &[Value]) -> String {
    let cells = rows.iter().map(|row| {
        [
            text(row, "/id"),
            text(row, "/name"),
            yes(row, "is_default"),
            yes(row, "is_enabled"),
            in_words(row),
            text(row, "/created_at"),
        ]
    });
    let headings = ["ID", "NAME", "DEFAULT", "MAY ACT", "CONNECTORS", "CREATED"];
    table(headings, &cells.collect::<Vec<_>>())
}

fn in_facts(agent: &Value) -> String {
    facts(&[
        ("id", text(agent, "/id")),
        ("name", text(agent, "/name")),
        ("default", yes(agent, "is_default")),
        ("may act", yes(agent, "is_enabled")),
        ("connectors", in_words(agent)),
        ("created", text(agent, "/created_at")),
        ("version", agent["version"].to_string()),
    ])
}

impl CreateAgent {
    async fn run(self) -> anyhow::Result<()> {
        let project = self.access.open().await?;
        let connectors: Vec<_> = self.connectors.iter().map(Assignment::body).collect();
        let body =
            json!({"name": self.name, "is_enabled": !self.disabled, "connectors": connectors});
        let made = project.at.server.post(&project.path("/agents"), &[], &body).await?;
        project.at.show(&made, in_facts)?;
        Ok(())
    }
}

impl ShowAgent {
    async fn run(self) -> anyhow::Result<()> {
        let project = self.access.open().await?;
        let path = project.path(&format!("/agents/{}", self.agent));
        project.at.show(&project.at.server.get(&path, &[]).await?, in_facts)?;
        Ok(())
    }
}

impl UpdateAgent {
    async fn run(self) -> anyhow::Result<()> {
        let project = self.access.open().await?;
        let path = project.path(&format!("/agents/{}", self.agent));
        let AgentChange { name, enabled } = self.change;
        let mut body = Map::new();
        body.extend(name.map(|name| ("name".to_owned(), json!(name))));
        body.extend(enabled.map(|enabled| ("is_enabled".to_owned(), json!(enabled))));
        let changed = project.at.server.change(&path, &body.into()).await?;
        project.at.show(&changed, in_facts)?;
        Ok(())
    }
}

impl DeleteAgent {
    async fn run(self) -> anyhow::Result<()> {
        let project = self.access.open().await?;
        let path = project.path(&format!("/agents/{}", self.agent));
        let seen = project.at.server.get(&path, &[]).await?;
        let query = [("end_dependents", "true")];
        let mut request = Request::delete(&path).if_unchanged(&seen);
        if self.end_dependents {
            request = request.query(&query);
        }
        let ended = project.at.server.send(request).await?;
        project.at.show(&ended, |ended| {
            let keys = count(ended, "revoked_api_keys", "API key");
            format!("Deleted, with {keys} and {}.", count(ended, "ended_sessions", "session"))
        })?;
        Ok(())
    }
}

/// Takes what can stand in a path as an agent.
fn name_or_id(text: &str) -> Result<String, String> {
    if text.parse::<AgentId>().is_ok() {
        return Ok(text.to_owned());
    }
    let name = text.parse::<AgentName>();
    name.map(String::from).map_err(|error| error.to_string())
}
