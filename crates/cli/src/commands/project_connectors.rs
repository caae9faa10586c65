mod credentials;
mod disable;
mod enable;
mod settings;
mod update;

use std::process::ExitCode;

use astralform_domain::{ConnectorSlug, Environment};
use clap::{Args, Subcommand};
use serde_json::Value;

use crate::{
    management::{OVER_A_SERVER, OpenProject, ProjectAccess, text, texts, yes},
    out::Unprinted,
    table::{facts, plain, table},
};

const HOW_IT_ENDS: &str = "\
It ends with 0 where the provider does, and with 1 where it refuses them or cannot be asked.";

/// Look at the connectors enabled in a project, enable, change and disable them
#[derive(Subcommand)]
#[command(after_help = OVER_A_SERVER)]
pub(crate) enum ProjectConnectorsCommand {
    /// List the connectors enabled in a project, with their status
    List(ListConnectors),
    /// Show an enabled connector
    Show(ShowConnector),
    /// Enable a connector in an environment, with your own OAuth app or API key
    Enable(enable::EnableConnector),
    /// Change a connector's settings or credentials, or pause it
    Update(Box<update::UpdateConnector>),
    /// Disable a connector for good, and revoke every connection to it
    Disable(disable::DisableConnector),
    /// Ask the provider whether it takes the connector's credentials
    Check(CheckConnector),
}

#[derive(Args)]
pub(crate) struct ListConnectors {
    /// live or test [default: both]
    #[arg(long, value_name = "ENVIRONMENT")]
    environment: Option<Environment>,
    #[command(flatten)]
    access: ProjectAccess,
}

#[derive(Args)]
pub(crate) struct ShowConnector {
    #[command(flatten)]
    which: NamedConnector,
    #[command(flatten)]
    access: ProjectAccess,
}

#[derive(Args)]
#[command(after_help = HOW_IT_ENDS)]
pub(crate) struct CheckConnector {
    #[command(flatten)]
    which: NamedConnector,
    #[command(flatten)]
    access: ProjectAccess,
}

/// Which connector is meant.
#[derive(Args)]
struct NamedConnector {
    /// The connector, by its name in the catalogue
    connector: ConnectorSlug,
    /// live or test
    #[arg(long, value_name = "ENVIRONMENT")]
    environment: Environment,
}

/// A connector that a command works on.
struct OpenConnector {
    project: OpenProject,
    slug: ConnectorSlug,
    environment: Environment,
}

impl ProjectConnectorsCommand {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run().await?,
            Self::Show(show) => show.run().await?,
            Self::Enable(enable) => enable.run().await?,
            Self::Update(update) => update.run().await?,
            Self::Disable(disable) => disable.run().await?,
            Self::Check(check) => return check.run().await,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl NamedConnector {
    async fn open(self, access: ProjectAccess) -> anyhow::Result<OpenConnector> {
        let Self { connector: slug, environment } = self;
        Ok(OpenConnector { project: access.open().await?, slug, environment })
    }
}

impl OpenConnector {
    fn path(&self) -> String {
        self.project.path(&format!("/connectors/{}", self.slug))
    }

    fn query(&self) -> [(&'static str, &'static str); 1] {
        [("environment", self.environment.as_str())]
    }

    async fn get(&self) -> anyhow::Result<Value> {
        self.project.at.server.get(&self.path(), &self.query()).await
    }

    fn show(&self, found: &Value) -> Result<(), Unprinted> {
        self.project.at.show(found, in_facts)
    }
}

impl ListConnectors {
    async fn run(self) -> anyhow::Result<()> {
        let project = self.access.open().await?;
        let query = self.environment.map(|environment| [("environment", environment.as_str())]);
        let query = query.as_ref().map_or(&[][..], |query| query);
        let none = "No connector is enabled: `astralform project-connectors enable` does that.";
        project.at.list(&project.path("/connectors"), query, in_table, none).await
    }
}

impl ShowConnector {
    async fn run(self) -> anyhow::Result<()> {
        let open = self.which.open(self.access).await?;
        open.show(&open.get().await?)?;
        Ok(())
    }
}

impl CheckConnector {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let open = self.which.open(self.access).await?;
        let path = format!("{}/check", open.path());
        let checked = open.project.at.server.post(&path, &open.query(), &Value::Null).await?;
        open.project.at.show(&checked, |checked| {
            let reason = plain(&text(checked, "/reason"));
            let verdict = format!("{}: {reason}", text(checked, "/credentials"));
            let uri = text(checked, "/redirect_uri");
            format!("{verdict}\nredirect URI: {uri}{}", findings_in_words(checked))
        })?;
        let mut findings = checked["findings"].as_array().into_iter().flatten();
        let has_error = findings.any(|finding| finding["severity"] == "error");
        let is_well = checked["credentials"] == "accepted" && !has_error;
        Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn findings_in_words(checked: &Value) -> String {
    let findings = checked["findings"].as_array().map_or(&[][..], Vec::as_slice);
    if findings.is_empty() {
        return String::new();
    }
    let rows = findings.iter().map(|finding| {
        let what = format!("{}. Fix: {}", text(finding, "/why"), text(finding, "/fix"));
        [text(finding, "/severity"), text(finding, "/code"), what]
    });
    format!("\n\n{}", table(["SEVERITY", "FINDING", "WHAT"], &rows.collect::<Vec<_>>()))
}

fn in_table(rows: &[Value]) -> String {
    let cells = rows.iter().map(|row| {
        [
            text(row, "/connector"),
            text(row, "/environment"),
            text(row, "/status"),
            row["connections"]["active"].to_string(),
            row["tools"].as_array().map_or(0, Vec::len).to_string(),
            text(row, "/created_at"),
            text(row, "/status_reason"),
        ]
    });
    let headings = ["CONNECTOR", "ENVIRONMENT", "STATUS", "ACTIVE", "TOOLS", "ENABLED", "REASON"];
    table(headings, &cells.collect::<Vec<_>>())
}

fn in_facts(found: &Value) -> String {
    facts(&[
        ("connector", text(found, "/connector")),
        ("environment", text(found, "/environment")),
        ("status", text(found, "/status")),
        ("reason", text(found, "/status_reason")),
        ("credentials", credentials_in_words(&found["credentials"])),
        ("redirect URI", text(found, "/redirect_uri")),
        ("scopes", texts(found, "/scopes", "the connector's minimum")),
        ("tools", texts(found, "/tools", "none")),
        ("requires end users' own", yes(found, "require_auth")),
        ("allows end users' own", yes(found, "allow_end_user_auth")),
        ("endpoints", endpoints_in_words(&found["endpoints"])),
        ("sandbox", yes(found, "sandbox")),
        ("connections", connections_in_words(&found["connections"])),
        ("enabled", text(found, "/created_at")),
    ])
}

fn credentials_in_words(shown: &Value) -> String {
    let app = shown["client_id"].as_str();
    let app = app.map(|id| format!("app {id}, secret {}", text(shown, "/client_secret_hint")));
    let key = || shown["api_key_hint"].as_str().map(|hint| format!("API key {hint}"));
    app.or_else(key).unwrap_or_else(|| "-".to_owned())
}

fn endpoints_in_words(endpoints: &Value) -> String {
    let named = endpoints.as_object().into_iter().flatten();
    let named = named.map(|(name, url)| format!("{name}={}", url.as_str().unwrap_or("?")));
    let named: Vec<_> = named.collect();
    if named.is_empty() { "the catalogue's".to_owned() } else { named.join(" ") }
}

fn connections_in_words(counts: &Value) -> String {
    let named = counts.as_object().into_iter().flatten();
    named.map(|(status, number)| format!("{number} {status}")).collect::<Vec<_>>().join(", ")
}
