use clap::Args;
use serde_json::{Value, json};

use super::{Assignment, in_facts, name_or_id};
use crate::management::{ProjectAccess, Request};

#[derive(Args)]
pub(crate) struct AssignConnectors {
    /// The agent, by name or id
    #[arg(value_parser = name_or_id)]
    agent: String,
    #[command(flatten)]
    assigned: Assigned,
    #[command(flatten)]
    access: ProjectAccess,
}

/// What is assigned from then on, and nothing else.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Assigned {
    /// A connector, give it once for each: SLUG with all its tools, SLUG:read-only with those that
    /// change nothing at the provider, or SLUG:TOOL,TOOL with these alone
    #[arg(long = "connector", value_name = "CONNECTOR")]
    connectors: Vec<Assignment>,
    /// Every connector there is, and those that come later
    #[arg(long)]
    all: bool,
    /// No connector
    #[arg(long)]
    none: bool,
}

impl AssignConnectors {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let project = self.access.open().await?;
        let agent = project.path(&format!("/agents/{}", self.agent));
        let changed = if self.assigned.all {
            project.at.server.change(&agent, &json!({"connectors": null})).await?
        } else {
            let seen = project.at.server.get(&agent, &[]).await?;
            let path = format!("{agent}/connectors");
            let list: Value = self.assigned.connectors.iter().map(Assignment::body).collect();
            let request = Request::put(&path).json(&list).if_unchanged(&seen);
            project.at.server.send(request).await?
        };
        project.at.show(&changed, in_facts)?;
        Ok(())
    }
}
