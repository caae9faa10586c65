use std::process::ExitCode;

use astralform_domain::{ApiKeyId, EndUserId, Environment};
use clap::Args;
use serde_json::Value;

use crate::{
    management::{OVER_A_SERVER, ProjectAccess, text},
    table::{facts, table},
};

/// Say why an agent can or cannot call a tool, and what to do about it
#[derive(Args)]
#[command(after_help = OVER_A_SERVER)]
pub(crate) struct Explain {
    /// The tool's name
    tool: String,
    /// The environment
    #[arg(long, value_name = "live|test")]
    environment: Environment,
    /// The agent, by name or id [default: the agent `default`]
    #[arg(long)]
    agent: Option<String>,
    /// The end user, by the application's own id of them
    #[arg(long, value_name = "ID")]
    end_user: Option<EndUserId>,
    /// The id of the API key that calls, where its limits are to count too
    #[arg(long, value_name = "ID")]
    api_key: Option<ApiKeyId>,
    #[command(flatten)]
    access: ProjectAccess,
}

impl Explain {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let project = self.access.open().await?;
        let optional = [
            ("agent", self.agent),
            ("end_user", self.end_user.map(String::from)),
            ("api_key", self.api_key.map(|id| id.to_string())),
        ];
        let mut query = vec![("tool", self.tool.as_str())];
        query.push(("environment", self.environment.as_str()));
        let given = optional.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        query.extend(given);
        let explained = project.at.server.get(&project.path("/explain"), &query).await?;
        project.at.show(&explained, in_words)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn in_words(explained: &Value) -> String {
    let steps = explained["steps"].as_array().map_or(&[][..], Vec::as_slice);
    let rows = steps.iter().map(|step| [text(step, "/step"), text(step, "/state")]);
    let steps = table(["STEP", "STATE"], &rows.collect::<Vec<_>>());
    let end = match &explained["cause"] {
        Value::Null => "The tool can be called.".to_owned(),
        cause => facts(&[
            ("cause", text(cause, "/code")),
            ("why", text(cause, "/why")),
            ("fix", text(cause, "/fix")),
        ]),
    };
    format!("{steps}\n\n{end}")
}
