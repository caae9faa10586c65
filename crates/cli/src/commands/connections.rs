mod revoke;
mod scope;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::{
    management::{Access, Management},
    table::plain,
};
use scope::Scope;

/// Look at the connections of a project, and end them
#[derive(Subcommand)]
pub(crate) enum Connections {
    /// List connections, one line each
    List(List),
    /// Revoke a connection, or many: dead at once here, then at the provider
    Revoke(revoke::Revoke),
    /// Say what became of revoked connections at their providers
    Receipts(Receipts),
}

#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    scope: Scope,
    /// Only those of this status: `active`, `needs_reauth`, `awaiting_confirmation` or `revoked`
    #[arg(long)]
    status: Option<String>,
    /// Print the server's JSON, one line for each connection
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    access: Access,
}

#[derive(Args)]
pub(crate) struct Receipts {
    #[command(flatten)]
    scope: Scope,
    /// Only those of this status: `pending`, `provider_confirmed`, `provider_cannot` or `gave_up`
    #[arg(long)]
    status: Option<String>,
    /// Print all of them as a table for spreadsheets
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    access: Access,
}

impl Connections {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run().await?,
            Self::Revoke(revoke) => revoke.run().await?,
            Self::Receipts(receipts) => receipts.run().await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    #[expect(clippy::print_stdout, reason = "the list is what the command is for")]
    async fn run(self) -> anyhow::Result<()> {
        let server = Management::new(self.access)?;
        let path = format!("{}/connections", self.scope.project(&server).await?);
        for environment in self.scope.environments() {
            let mut query = self.scope.query(environment)?;
            query.extend(self.status.iter().map(|status| ("status", status.clone())));
            each(&server, &path, query, |row| {
                println!(
                    "{}",
                    if self.json { row.to_string() } else { in_words(row, environment) }
                );
            })
            .await?;
        }
        Ok(())
    }
}

impl Receipts {
    #[expect(clippy::print_stdout, reason = "the receipts are what the command is for")]
    async fn run(self) -> anyhow::Result<()> {
        let server = Management::new(self.access)?;
        let path = format!("{}/revocations", self.scope.project(&server).await?);
        for (at, environment) in self.scope.environments().into_iter().enumerate() {
            let mut query = self.scope.receipt_query(environment)?;
            query.extend(self.status.iter().map(|status| ("status", status.clone())));
            if self.csv {
                query.push(("format", "csv".to_owned()));
                let table = server.get_text(&path, &borrowed(&query)).await?;
                let heads = usize::from(at > 0); // one head for both environments
                table.lines().skip(heads).for_each(|line| println!("{line}"));
            } else {
                each(&server, &path, query, |row| println!("{}", receipt_in_words(row))).await?;
            }
        }
        Ok(())
    }
}

/// Calls `show` with every row of a list, page after page.
async fn each(
    server: &Management,
    path: &str,
    mut query: Vec<(&str, String)>,
    show: impl Fn(&Value),
) -> anyhow::Result<()> {
    query.push(("limit", "100".to_owned()));
    loop {
        let page = server.get(path, &borrowed(&query)).await?;
        page["data"].as_array().into_iter().flatten().for_each(&show);
        let Some(cursor) = page["next_cursor"].as_str() else { return Ok(()) };
        query.retain(|(name, _)| *name != "cursor");
        query.push(("cursor", cursor.to_owned()));
    }
}

fn borrowed<'a>(query: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
    query.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// Returns a text of a row, fit for a terminal.
fn text(row: &Value, pointer: &str) -> String {
    plain(row.pointer(pointer).and_then(Value::as_str).unwrap_or("-"))
}

fn in_words(row: &Value, environment: &str) -> String {
    let reason = row["reason"].as_str().map_or_else(String::new, |why| format!(" ({why})"));
    format!(
        "{}  {environment}  {}  {}{reason}  {}  {}  used {}",
        text(row, "/id"),
        text(row, "/connector"),
        text(row, "/status"),
        text(row, "/end_user_id"),
        text(row, "/account/label"),
        text(row, "/last_used_at"),
    )
}

fn receipt_in_words(row: &Value) -> String {
    format!(
        "{}  {}  {}  {}  asked {} times  {}",
        text(row, "/connection_id"),
        text(row, "/connector"),
        text(row, "/status"),
        text(row, "/end_user_id"),
        row["attempts"],
        text(row, "/last_error"),
    )
}
