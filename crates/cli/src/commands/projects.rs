mod change;
mod delete;
mod logo;

use std::process::ExitCode;

use astralform_domain::ProjectName;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    management::{OVER_A_SERVER, ProjectAccess, ServerAccess, all_rows, one_of, text},
    table::{facts, table},
};

/// Look at projects, create, change and delete them
#[derive(Subcommand)]
#[command(after_help = OVER_A_SERVER)]
pub(crate) enum ProjectsCommand {
    /// List the projects of your teams
    List(ListProjects),
    /// Create a project; it has the environments `live` and `test`, and the agent `default`
    Create(CreateProject),
    /// Show a project
    Show(ShowProject),
    /// Change what end users see of a project: its name, colour and links
    Update(change::UpdateProject),
    /// Delete a project for good, with its connections, sessions and API keys
    Delete(delete::DeleteProject),
    /// Send the logo that end users see, or remove it
    Logo(logo::Logo),
}

#[derive(Args)]
pub(crate) struct ListProjects {
    #[command(flatten)]
    access: ServerAccess,
}

#[derive(Args)]
pub(crate) struct CreateProject {
    /// What it is called; its end users see it
    name: ProjectName,
    /// The team that it belongs to, by id or name [default: the only one]
    #[arg(long, value_name = "TEAM")]
    team: Option<String>,
    #[command(flatten)]
    access: ServerAccess,
}

#[derive(Args)]
pub(crate) struct ShowProject {
    #[command(flatten)]
    access: ProjectAccess,
}

impl ProjectsCommand {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run().await?,
            Self::Create(create) => create.run().await?,
            Self::Show(show) => show.run().await?,
            Self::Update(update) => update.run().await?,
            Self::Delete(delete) => delete.run().await?,
            Self::Logo(logo) => logo.run().await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl ListProjects {
    async fn run(self) -> anyhow::Result<()> {
        let at = self.access.open()?;
        let query = [("limit", "100")];
        at.list("/v1/projects", &query, in_table, "There are no such projects.").await
    }
}

fn in_table(rows: &[Value]) -> String {
    let cells = rows.iter().map(|row| {
        [
            text(row, "/id"),
            text(row, "/name"),
            text(row, "/role"),
            text(row, "/team_id"),
            text(row, "/created_at"),
            text(row, "/frozen_at"),
        ]
    });
    let headings = ["ID", "NAME", "YOUR ROLE", "TEAM", "CREATED", "FROZEN"];
    table(headings, &cells.collect::<Vec<_>>())
}

impl CreateProject {
    async fn run(self) -> anyhow::Result<()> {
        let at = self.access.open()?;
        let teams = all_rows(&at.server, "/v1/teams", &[]).await?;
        let team = one_of(&teams, self.team.as_deref(), "team")?;
        let wanted = json!({"name": self.name, "team_id": team});
        let made = at.server.post("/v1/projects", &[], &wanted).await?;
        at.show(&made, in_facts)?;
        Ok(())
    }
}

impl ShowProject {
    async fn run(self) -> anyhow::Result<()> {
        let project = self.access.open().await?;
        let found = project.at.server.get(&project.path(""), &[]).await?;
        project.at.show(&found, in_facts)?;
        Ok(())
    }
}

fn in_facts(project: &Value) -> String {
    facts(&[
        ("id", text(project, "/id")),
        ("name", text(project, "/name")),
        ("accent", text(project, "/accent")),
        ("privacy URL", text(project, "/privacy_url")),
        ("support URL", text(project, "/support_url")),
        ("logo", text(project, "/logo_url")),
        ("team", text(project, "/team_id")),
        ("your role", text(project, "/role")),
        ("created", text(project, "/created_at")),
        ("frozen", text(project, "/frozen_at")),
        ("version", project["version"].to_string()),
    ])
}
