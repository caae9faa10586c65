mod which;

use std::process::ExitCode;

use astralform_domain::{ApiKeyId, Clock, Entropy, Environment, Tenant};
use astralform_engine::access::{Access, NewApiKey, RevokeOutcome, revoke_api_key};
use astralform_storage::api_keys::{self, ListedKey};
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
use which::{agent, project};

/// Look at API keys, make and revoke them, straight on the database, whether or not a server runs.
/// Servers that run know within a second.
#[derive(Subcommand)]
pub(crate) enum ApiKeys {
    /// List API keys: what they open and how they end, never the keys themselves
    List(ListApiKeys),
    /// Make an API key and print it; it is not shown again
    Create(CreateApiKey),
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
    /// Those that are revoked too, for as long as they are kept
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
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreFlags,
}

#[derive(Args)]
pub(crate) struct RevokeApiKeys {
    /// Their ids, as `api-keys list` shows them
    #[arg(required = true, value_name = "ID")]
    ids: Vec<ApiKeyId>,
    /// End the sessions of their projects and environments as well: a key that leaked may have
    /// opened some, which live for up to 12 hours
    #[arg(long)]
    sessions: bool,
    /// Print JSON, one line for each key
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
        let mut listed = api_keys::list(&db, only, self.environment).await?;
        db.close().await;
        listed.retain(|key| self.all || key.revoked_at.is_none());
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
        "project_id": key.tenant.project,
        "project": key.project_name,
        "environment": key.tenant.environment,
        "agent": key.agent,
        "hint": key.hint,
        "created_at": key.created_at,
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
            key.project_name.clone(),
            key.tenant.environment.to_string(),
            key.agent.clone().unwrap_or_else(|| "any".to_owned()),
            key.hint.clone(),
            key.created_at.to_string(),
            key.revoked_at.map_or_else(|| "-".to_owned(), |at| at.to_string()),
        ]);
    }
    table(["ID", "PROJECT", "ENVIRONMENT", "AGENT", "HINT", "CREATED", "REVOKED"], &rows)
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
        let tenant = Tenant { project: project.id, environment: self.environment };
        let engine = beside::engine(db.clone(), ring, Entropy::system())?;
        let bound = agent.as_ref().map(|agent| agent.id);
        let made = engine.access_keys.new_api_key(Access { tenant, agent: bound }).await?;
        let named = agent.map(|agent| agent.name);
        let text = if self.json {
            made_in_json(&made, named.as_deref())
        } else {
            let acts_as =
                named.map_or_else(String::new, |name| format!(", agent {}", plain(&name)));
            format!(
                "API key of {}, {}{acts_as}, not shown again: {}",
                plain(&project.name),
                tenant.environment,
                made.secret.expose()
            )
        };
        Shown::of([&made], []).print(&text, &db, "run the command again").await?;
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

impl RevokeApiKeys {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::load(self.store)?;
        telemetry::start_plain("warn")?;
        let db = database::connect_existing(&store.database).await?;
        let mut are_known = true;
        for id in self.ids {
            let now = Clock::system().now();
            let (ended, sessions) = revoke_api_key(&db, id, self.sessions, now).await?;
            are_known &= ended != RevokeOutcome::Unknown;
            let ended_sessions = self.sessions.then_some(sessions);
            if self.json {
                let status = status(ended);
                print(
                    &json!({"id": id, "status": status, "sessions": ended_sessions}).to_string(),
                )?;
            } else {
                let also = ended_sessions.map(|number| format!(", {number} sessions ended"));
                print(&format!("{id}  {}{}", said(ended), also.unwrap_or_default()))?;
            }
        }
        db.close().await;
        anyhow::ensure!(
            are_known,
            "not all of them are there: see `astralform api-keys list --all`"
        );
        Ok(ExitCode::SUCCESS)
    }
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
