mod verify;

use std::process::ExitCode;

use astralform_domain::{EndUserId, Environment, Timestamp};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use crate::{
    management::{OVER_A_SERVER, OpenProject, ProjectAccess, text},
    out::print,
    table::table,
};

/// Look at what was done and by whom, take it along, and see whether it was altered
#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// List what was done in a project, the newest first
    #[command(after_help = OVER_A_SERVER)]
    List(ListEntries),
    /// Write everything that was done in a project to standard output, the newest first
    #[command(after_help = OVER_A_SERVER)]
    Export(ExportEntries),
    /// See whether the audit log is as it was written, straight on the database
    Verify(verify::VerifyAudit),
}

#[derive(Args)]
pub(crate) struct ListEntries {
    #[command(flatten)]
    search: Search,
    /// How many to list, 100 at most
    #[arg(long, default_value = "50", value_parser = clap::value_parser!(u8).range(1..=100))]
    limit: u8,
    #[command(flatten)]
    access: ProjectAccess,
}

#[derive(Args)]
pub(crate) struct ExportEntries {
    #[command(flatten)]
    search: Search,
    /// As lines of JSON, or as a table for spreadsheets
    #[arg(long, default_value = "jsonl")]
    format: Format,
    #[command(flatten)]
    access: ProjectAccess,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Jsonl,
    Csv,
}

/// Which entries; each that is named has to fit.
#[derive(Args)]
struct Search {
    /// Those of this environment
    #[arg(long, value_name = "live|test")]
    environment: Option<Environment>,
    /// Those of this action, such as `connector.disabled`
    #[arg(long)]
    action: Option<String>,
    /// Those by this member, API key, session or auth request, or by `operator`
    #[arg(long, value_name = "ID")]
    actor: Option<String>,
    /// Those about this subject
    #[arg(long)]
    subject: Option<String>,
    /// Those about this end user; needs --environment
    #[arg(long, value_name = "ID", requires = "environment")]
    end_user: Option<EndUserId>,
    /// Those written then or later, as in 2026-11-30T14:03:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Those written before then
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

impl AuditCommand {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run().await?,
            Self::Export(export) => export.run().await?,
            Self::Verify(verify) => return verify.run().await,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Search {
    fn query(&self) -> Vec<(&'static str, String)> {
        let given = [
            ("environment", self.environment.map(|named| named.to_string())),
            ("action", self.action.clone()),
            ("actor", self.actor.clone()),
            ("subject", self.subject.clone()),
            ("end_user", self.end_user.as_ref().map(ToString::to_string)),
            ("since", self.since.map(|time| time.to_string())),
            ("until", self.until.map(|time| time.to_string())),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

impl ListEntries {
    async fn run(self) -> anyhow::Result<()> {
        let project = self.access.open().await?;
        let mut query = self.search.query();
        query.push(("limit", self.limit.to_string()));
        let page = page(&project, &query).await?;
        let rows = page["data"].as_array().map_or(&[][..], Vec::as_slice);
        project.at.show(&page["data"], |_| in_table(rows))?;
        Ok(())
    }
}

impl ExportEntries {
    async fn run(self) -> anyhow::Result<()> {
        let project = self.access.open().await?;
        let mut cursor = None;
        if matches!(self.format, Format::Csv) {
            print(&csv(&COLUMNS.map(ToOwned::to_owned)))?;
        }
        loop {
            let mut query = self.search.query();
            query.push(("limit", "100".to_owned()));
            query.extend(cursor.map(|cursor| ("cursor", cursor)));
            let page = page(&project, &query).await?;
            for row in page["data"].as_array().into_iter().flatten() {
                print(&match self.format {
                    Format::Jsonl => row.to_string(),
                    Format::Csv => csv(&COLUMNS.map(|column| cell(&row[column]))),
                })?;
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(()),
            }
        }
    }
}

const COLUMNS: [&str; 12] = [
    "number",
    "at",
    "actor",
    "actor_email",
    "action",
    "environment",
    "subject",
    "end_user",
    "end_user_id",
    "details",
    "request_id",
    "address",
];

async fn page(project: &OpenProject, query: &[(&'static str, String)]) -> anyhow::Result<Value> {
    let query: Vec<_> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    project.at.server.get(&project.path("/audit"), &query).await
}

fn in_table(rows: &[Value]) -> String {
    if rows.is_empty() {
        return "There are no such entries.".to_owned();
    }
    let cells = rows.iter().map(|row| {
        let is_member = !row["actor_email"].is_null();
        let actor = text(row, if is_member { "/actor_email" } else { "/actor" });
        [
            text(row, "/at"),
            actor,
            text(row, "/action"),
            text(row, "/environment"),
            text(row, "/subject"),
            cell(&row["details"]),
        ]
    });
    let headings = ["AT", "BY", "ACTION", "ENVIRONMENT", "SUBJECT", "DETAILS"];
    table(headings, &cells.collect::<Vec<_>>())
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Returns a line of a table (RFC 4180), in which a spreadsheet takes no cell for a formula.
fn csv(cells: &[String]) -> String {
    let quoted = cells.iter().map(|text| {
        let is_formula = text.trim_start().starts_with(['=', '+', '-', '@']);
        let text = format!("{}{text}", if is_formula { "'" } else { "" });
        format!("\"{}\"", text.replace('"', "\"\""))
    });
    quoted.collect::<Vec<_>>().join(",")
}
