mod history;
mod revoke;
mod scope;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::{
    management::{Management, ManagementFlags, OVER_A_SERVER, each_page, in_json, text},
    out::print,
    table::Pages,
};
use scope::ConnectionFlags;

/// Look at the connections of a project, and end them
#[derive(Subcommand)]
#[command(after_help = OVER_A_SERVER)]
pub(crate) enum ConnectionsCommand {
    /// List connections as a table
    List(ListConnections),
    /// Say what happened to a connection, the latest first
    History(history::ConnectionHistory),
    /// Revoke a connection, or many: dead at once here, then at the provider
    Revoke(revoke::RevokeConnections),
    /// Say what became of revoked connections at their providers
    Receipts(ListReceipts),
}

#[derive(Args)]
pub(crate) struct ListConnections {
    #[command(flatten)]
    scope: ConnectionFlags,
    /// Only those of this status: `active`, `needs_reauth`, `awaiting_confirmation` or `revoked`
    #[arg(long)]
    status: Option<String>,
    /// Print the server's JSON, one line for each connection
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    access: ManagementFlags,
}

#[derive(Args)]
pub(crate) struct ListReceipts {
    #[command(flatten)]
    scope: ConnectionFlags,
    /// Only those of this status: `pending`, `provider_confirmed`, `provider_cannot` or `gave_up`
    #[arg(long)]
    status: Option<String>,
    /// Print all of them as a table for spreadsheets
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    access: ManagementFlags,
}

impl ConnectionsCommand {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run().await?,
            Self::History(history) => history.run().await?,
            Self::Revoke(revoke) => revoke.run().await?,
            Self::Receipts(receipts) => receipts.run().await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl ListConnections {
    async fn run(self) -> anyhow::Result<()> {
        let server = Management::new(self.access)?;
        let path = format!("{}/connections", self.scope.project(&server).await?);
        let mut table = Pages::new([
            "ID",
            "ENVIRONMENT",
            "CONNECTOR",
            "STATUS",
            "END USER",
            "ACCOUNT",
            "LAST USED",
        ]);
        for environment in self.scope.environments() {
            let mut query = self.scope.query(environment)?;
            query.extend(self.status.iter().map(|status| ("status", status.clone())));
            query.push(("limit", "100".to_owned()));
            each_page(&server, &path, &borrowed(&query), |rows| {
                print(&if self.json {
                    in_json(rows)
                } else {
                    table.page(&cells(rows, environment))
                })
            })
            .await?;
        }
        if !self.json && table.is_empty() {
            print("There are no such connections.")?;
        }
        Ok(())
    }
}

impl ListReceipts {
    async fn run(self) -> anyhow::Result<()> {
        let server = Management::new(self.access)?;
        let path = format!("{}/revocations", self.scope.project(&server).await?);
        let mut table = Pages::new([
            "CONNECTION",
            "ENVIRONMENT",
            "CONNECTOR",
            "STATUS",
            "END USER",
            "ATTEMPTS",
            "LAST ERROR",
        ]);
        for (at, environment) in self.scope.environments().into_iter().enumerate() {
            let mut query = self.scope.receipt_query(environment)?;
            query.extend(self.status.iter().map(|status| ("status", status.clone())));
            if self.csv {
                query.push(("format", "csv".to_owned()));
                let csv = server.get_text(&path, &borrowed(&query)).await?;
                let heads = usize::from(at > 0); // one head for both environments
                csv.lines().skip(heads).try_for_each(print)?;
            } else {
                query.push(("limit", "100".to_owned()));
                each_page(&server, &path, &borrowed(&query), |rows| {
                    print(&table.page(&receipt_cells(rows, environment)))
                })
                .await?;
            }
        }
        if !self.csv && table.is_empty() {
            print("There are no such receipts.")?;
        }
        Ok(())
    }
}

fn borrowed<'a>(query: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
    query.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

fn cells(rows: &[Value], environment: &str) -> Vec<[String; 7]> {
    let mut cells = Vec::new();
    for row in rows {
        let reason = row["reason"].as_str().map_or_else(String::new, |why| format!(" ({why})"));
        cells.push([
            text(row, "/id"),
            environment.to_owned(),
            text(row, "/connector"),
            format!("{}{reason}", text(row, "/status")),
            text(row, "/end_user_id"),
            text(row, "/account/label"),
            text(row, "/last_used_at"),
        ]);
    }
    cells
}

fn receipt_cells(rows: &[Value], environment: &str) -> Vec<[String; 7]> {
    let mut cells = Vec::new();
    for row in rows {
        cells.push([
            text(row, "/connection_id"),
            environment.to_owned(),
            text(row, "/connector"),
            text(row, "/status"),
            text(row, "/end_user_id"),
            row["attempts"].to_string(),
            text(row, "/last_error"),
        ]);
    }
    cells
}
