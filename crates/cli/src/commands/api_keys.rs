mod revoke;
mod roll;
mod which;

use std::process::ExitCode;

use astralform_domain::{Clock, ConnectorSlug, Entropy, Environment, Timestamp};
use astralform_management::{
    ProjectActor,
    api_keys::{self, ListedKey, NewApiKey, RevokeOutcome, WantedKey},
};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    beside,
    config::{Store, StoreFlags},
    database,
    handed_over::Shown,
    keys,
    out::print,
    table::{plain, table},
    telemetry,
};
use revoke::RevokeApiKeys;
use roll::RollApiKey;
use which::{agent, project};

/// Look at API keys, make and revoke them, straight on the database, whether or not a server runs.
/// Servers that run know within a second.
#[derive(Subcommand)]
pub(crate) enum ApiKeys {
    /// List API keys: what they open and how they end, never the keys themselves
    List(ListApiKeys),
    /// Make an API key and print it; it is not shown again
    Create(CreateApiKey),
    /// Make a key that takes the place of another one, which lives on for a while
    Roll(RollApiKey),
    /// Revoke API keys, by their ids; no master key is needed
    Revoke(RevokeApiKeys),
}

#[derive(Args)]
pub(crate) struct ListApiKeys {
    /// Only those of this project, by id or name
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Only those of this environment: live or test
    #[arg(long, value_name = "ENVIRONMENT")]
    environment: Option<Environment>,
    /// Those that are over too, for as long as they are kept
    #[arg(long)]
    all: bool,
    /// Print JSON, one line for each key
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreFlags,
}

#[derive(Args)]
pub(crate) struct CreateApiKey {
    /// The project, by id or name [default: the only one]
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// live or test
    #[arg(long, value_name = "ENVIRONMENT")]
    environment: Environment,
    /// The only agent that the key may act as, by id or name [default: any]
    #[arg(long, value_name = "AGENT")]
    agent: Option<String>,
    /// A connector that the key may use; give it once for each [default: all of its agent's]
    #[arg(long = "connector", value_name = "CONNECTOR")]
    connectors: Vec<ConnectorSlug>,
    /// What it is called
    #[arg(long, default_value = "Command line")]
    name: String,
    /// When it ends by itself, as in 2027-01-31T00:00:00Z [default: never]
    #[arg(long, value_name = "TIME")]
    expires_at: Option<Timestamp>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreFlags,
}

impl ApiKeys {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run().await,
            Self::Create(create) => create.run().await,
            Self::Roll(roll) => roll.run().await,
            Self::Revoke(revoke) => revoke.run().await,
        }
    }
}

impl ListApiKeys {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::load(self.store)?;
        telemetry::start_plain("warn")?;
        let db = database::connect_existing(&store.database).await?;
        let only = match &self.project {
            Some(named) => Some(project(&db, Some(named)).await?.id),
            None => None,
        };
        let mut listed = api_keys::list_as_operator(&db, only, self.environment).await?;
        db.close().await;
        let now = Clock::system().now();
        listed.retain(|key| self.all || key.is_live(now));
        if self.json {
            let lines: Vec<_> = listed.iter().map(in_json).collect();
            lines.iter().try_for_each(|line| print(line))?;
        } else {
            print(&in_words(&listed))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn in_json(key: &ListedKey) -> String {
    json!({
        "id": key.id,
        "project_id": key.access.tenant.project,
        "project": key.project_name,
        "environment": key.access.tenant.environment,
        "name": key.access.name,
        "agent": key.agent_name,
        "connectors": key.access.connectors,
        "hint": key.hint,
        "created_at": key.created_at,
        "created_by": key.created_by,
        "last_used_at": key.used_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    })
    .to_string()
}

fn in_words(listed: &[ListedKey]) -> String {
    if listed.is_empty() {
        return "There are no such API keys.".to_owned();
    }
    let mut rows = Vec::new();
    for key in listed {
        rows.push([
            key.id.to_string(),
            plain(&key.project_name),
            key.access.tenant.environment.to_string(),
            plain(&key.access.name),
            key.agent_name.clone().unwrap_or_else(|| "any".to_owned()),
            connectors_of(key),
            key.hint.clone(),
            key.created_at.to_string(),
            moment(key.used_at),
            moment(key.revoked_at.or(key.expires_at)),
        ]);
    }
    table(COLUMNS, &rows)
}

const COLUMNS: [&str; 10] = [
    "ID",
    "PROJECT",
    "ENVIRONMENT",
    "NAME",
    "AGENT",
    "CONNECTORS",
    "HINT",
    "CREATED",
    "LAST USED",
    "ENDS",
];

fn connectors_of(key: &ListedKey) -> String {
    let Some(connectors) = &key.access.connectors else { return "all".to_owned() };
    let names: Vec<_> = connectors.iter().map(ConnectorSlug::as_str).collect();
    names.join(",")
}

/// Returns a moment that there may be, for a table.
pub(super) fn moment(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), |at| at.to_string())
}

impl CreateApiKey {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::load(self.store)?;
        telemetry::start_plain("warn")?;
        let (db, ring) = keys::open_existing(&store).await?;
        let project = project(&db, self.project.as_deref()).await?;
        let agent = match &self.agent {
            Some(named) => Some(agent(&db, &project, named).await?),
            None => None,
        };
        let management = beside::management(db.clone(), ring, Entropy::system())?;
        let wanted = WantedKey {
            environment: self.environment,
            name: self.name,
            agent: agent.as_ref().map(|agent| agent.id.to_string()),
            connectors: (!self.connectors.is_empty()).then_some(self.connectors),
            expires_at: self.expires_at,
        };
        let by = ProjectActor::operator(project.id);
        let made = management.api_keys.create(&by, wanted).await?;
        let named = agent.map(|agent| agent.name.to_string());
        let text = if self.json {
            made_in_json(&made, named.as_deref())
        } else {
            let acts_as =
                named.map_or_else(String::new, |name| format!(", agent {}", plain(&name)));
            format!(
                "API key of {}, {}{acts_as}, not shown again: {}",
                plain(&project.name),
                self.environment,
                made.secret.expose()
            )
        };
        Shown::of([&made], []).print(&text, (&db, &store), "run the command again").await?;
        db.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

/// Returns a fresh key as one line of JSON.
pub(super) fn made_in_json(made: &NewApiKey, agent: Option<&str>) -> String {
    json!({
        "id": made.id,
        "project_id": made.access.tenant.project,
        "environment": made.access.tenant.environment,
        "agent": agent,
        "api_key": made.secret.expose(),
    })
    .to_string()
}

/// Returns what became of a key or token, as a word.
pub(super) fn status(ended: RevokeOutcome) -> &'static str {
    match ended {
        RevokeOutcome::Now => "revoked",
        RevokeOutcome::Before(_) => "revoked_before",
        RevokeOutcome::Unknown => "unknown",
    }
}

/// Returns what became of a key or token, for people.
pub(super) fn said(ended: RevokeOutcome) -> String {
    match ended {
        RevokeOutcome::Now => "revoked".to_owned(),
        RevokeOutcome::Before(at) => format!("was revoked before, at {at}"),
        RevokeOutcome::Unknown => "is not in this database".to_owned(),
    }
}
