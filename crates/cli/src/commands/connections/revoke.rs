use std::{
    io::{IsTerminal as _, Write as _, stdin, stdout},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;

use super::{borrowed, scope::ConnectionFlags};
use crate::{
    management::{Management, ManagementFlags, counted},
    out::tell,
    telemetry,
};

const LOOK: Duration = Duration::from_secs(1);

#[derive(Args)]
pub(crate) struct RevokeConnections {
    /// The connection's id
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<String>,
    /// Every connection, of those that --connector, --end-user and --since leave
    #[arg(long)]
    all: bool,
    /// Only say how many it would be, and how long the providers would take
    #[arg(long)]
    dry_run: bool,
    /// Do not ask first
    #[arg(long)]
    yes: bool,
    /// How long to wait for the providers' receipts, in seconds; they come by themselves later
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u64,
    #[command(flatten)]
    scope: ConnectionFlags,
    #[command(flatten)]
    access: ManagementFlags,
}

/// The connections of one environment.
struct EnvironmentConnections {
    environment: &'static str,
    extent: Value,
}

impl RevokeConnections {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let server = Management::new(self.access)?;
        let project = self.scope.project(&server).await?;
        if let Some(id) = self.id {
            anyhow::ensure!(!self.scope.narrows(), "name a connection, or say which with --all");
            return one(&server, &project, &self.scope, &id, self.dry_run).await;
        }
        let revoking = format!("{project}/connections/revoke");
        let mut selection = self.scope.selection()?;
        selection.insert("dry_run".to_owned(), true.into());
        let dry = Value::Object(selection.clone());
        let mut parts = Vec::new();
        for environment in self.scope.environments() {
            let query = [("environment", environment)];
            let extent = server.post(&revoking, &query, &dry).await?;
            parts.push(EnvironmentConnections { environment, extent });
        }
        let number = total(&parts);
        describe(&parts);
        if self.dry_run || number == 0 {
            return Ok(());
        }
        if !self.yes {
            confirmed(number)?;
        }
        selection.remove("dry_run");
        let body = Value::Object(selection);
        for part in &mut parts {
            let query = [("environment", part.environment)];
            part.extent = server.post(&revoking, &query, &body).await?;
        }
        tell(&format!(
            "{} revoked: none can be used any more",
            counted(total(&parts), "connection")
        ));
        let wait = Duration::from_secs(self.wait);
        receipts(&server, &format!("{project}/revocations"), &parts, wait).await
    }
}

/// Revokes a single connection, in the environment that it belongs to.
async fn one(
    server: &Management,
    project: &str,
    scope: &ConnectionFlags,
    id: &str,
    dry_run: bool,
) -> anyhow::Result<()> {
    let path = format!("{project}/connections/{id}");
    for environment in scope.environments() {
        let query = [("environment", environment)];
        if dry_run {
            if server.get(&path, &query).await.is_ok() {
                tell("1 connection");
                return Ok(());
            }
        } else if server.delete(&path, &query).await? {
            let row = server.get(&path, &query).await?;
            let receipt = row["revocation"].as_str().unwrap_or("nothing to revoke there");
            tell(&format!("{id} revoked; at the provider: {receipt}"));
            return Ok(());
        }
    }
    anyhow::bail!("the project has no such connection, or it has ended already")
}

fn number(of: &Value) -> u64 {
    of["connections"].as_u64().unwrap_or(0)
}

fn total(parts: &[EnvironmentConnections]) -> u64 {
    parts.iter().map(|part| number(&part.extent)).sum()
}

fn describe(parts: &[EnvironmentConnections]) {
    for part in parts {
        let connectors = part.extent["connectors"].as_array().into_iter().flatten();
        for extent in connectors.filter(|extent| number(extent) > 0) {
            let slug = extent["connector"].as_str();
            let seconds = &extent["estimated_seconds"];
            let seconds = seconds.as_u64().unwrap_or(0);
            tell(&format!(
                "{}  {}  {}, {} at the provider, at least",
                part.environment,
                slug.unwrap_or("?"),
                counted(number(extent), "connection"),
                in_minutes(seconds),
            ));
        }
    }
    tell(&format!("{} in all", counted(total(parts), "connection")));
}

fn in_minutes(seconds: u64) -> String {
    if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) }
}

/// Asks the operator to confirm.
fn confirmed(number: u64) -> anyhow::Result<()> {
    anyhow::ensure!(stdin().is_terminal(), "say --yes to revoke them without being asked");
    ask(&format!("Type {number} to revoke them: "));
    let mut typed = String::new();
    stdin().read_line(&mut typed).context("nothing can be typed here")?;
    anyhow::ensure!(typed.trim() == number.to_string(), "nothing was revoked");
    Ok(())
}

/// Shows how the receipts come in, until all have or the wait is over.
async fn receipts(
    server: &Management,
    path: &str,
    parts: &[EnvironmentConnections],
    wait: Duration,
) -> anyhow::Result<()> {
    let end = Instant::now() + wait;
    let mut shown = String::new();
    loop {
        let mut counts = [0; 4];
        for part in parts {
            let query = [("environment", part.environment.to_owned()), ("limit", "1".to_owned())];
            let page = server.get(path, &borrowed(&query)).await?;
            for (count, status) in counts.iter_mut().zip(STATUSES) {
                *count += page["counts"][status].as_u64().unwrap_or(0);
            }
        }
        let line: Vec<_> = counts
            .iter()
            .zip(STATUSES)
            .map(|(count, status)| format!("{status} {count}"))
            .collect();
        let line = line.join("  ");
        if line != shown {
            telemetry::note(&line);
            shown = line;
        }
        if counts[0] == 0 {
            tell("every provider has been asked; `connections receipts` shows the answers");
            return Ok(());
        }
        if Instant::now() >= end {
            tell("the server goes on by itself; `connections receipts` shows how far it is");
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
}

const STATUSES: [&str; 4] = ["pending", "provider_confirmed", "provider_cannot", "gave_up"];

fn ask(question: &str) {
    let mut out = stdout().lock();
    let _ = write!(out, "{question}").and_then(|()| out.flush());
}
