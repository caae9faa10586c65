use std::{path::PathBuf, process::ExitCode};

use astralform_catalog::{Catalog, Connector, connector_schema, load};
use astralform_domain::texts::with_hidden_shown;
use clap::Subcommand;

use crate::{catalog_dirs, out::print, telemetry};

/// Work on the catalogue.
#[derive(Subcommand)]
pub(crate) enum ConnectorsCommand {
    /// List the connectors there are, with their tools
    List {
        /// A folder of connector folders, added to the built-in ones; may be given several times
        #[arg(long = "catalog", value_name = "FOLDER")]
        catalog_dirs: Vec<PathBuf>,
        /// Print one line of JSON for each connector
        #[arg(long)]
        json: bool,
    },
    /// Check connector folders; every fault comes with its file, line and fix
    Lint {
        /// A connector's folder, or a folder of such folders
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
    /// Print the JSON Schema of `connector.yaml`, for editors
    Schema,
}

impl ConnectorsCommand {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List { catalog_dirs, json } => list(&catalog_dirs, json),
            Self::Lint { paths } => lint(&paths),
            Self::Schema => schema(),
        }
    }
}

fn list(dirs: &[PathBuf], json: bool) -> anyhow::Result<ExitCode> {
    let (catalog, faults) = catalog_dirs::with_builtin(dirs)?;
    for connector in catalog.connectors() {
        print(&if json { in_json(connector) } else { in_words(connector) })?;
    }
    for fault in &faults {
        telemetry::note(&format!("left out: {fault}"));
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn in_json(connector: &Connector) -> String {
    serde_json::json!({
        "slug": connector.slug,
        "name": connector.name,
        "type": connector.kind.as_str(),
        "category": connector.category,
        "summary": connector.summary,
        "scopes": connector.default_scopes(),
        "tools": connector.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(),
    })
    .to_string()
}

fn in_words(connector: &Connector) -> String {
    let Connector { slug, name, category, summary, .. } = connector;
    let kind = connector.kind.as_str();
    let tools = connector.tools.iter().map(|tool| format!("\n  - {}: {}", tool.name, tool.title));
    let tools: String = tools.collect();
    let words = format!("{slug}  {name} ({kind}, {category})\n  {summary}{tools}\n");
    with_hidden_shown(&words).into_owned()
}

fn schema() -> anyhow::Result<ExitCode> {
    print(&serde_json::to_string_pretty(&connector_schema())?)?;
    Ok(ExitCode::SUCCESS)
}

fn lint(paths: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let folders = catalog_dirs::read(paths)?;
    anyhow::ensure!(!folders.is_empty(), "there is no connector folder in the paths given");
    let (catalog, faults) = catalog_dirs::with_borrowed(&folders, |borrowed| load(borrowed));
    for fault in &faults {
        print(&with_hidden_shown(&fault.to_string()))?;
    }
    print(&summary(&catalog, faults.len()))?;
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn summary(catalog: &Catalog, faults: usize) -> String {
    let connectors = catalog.connectors().count();
    let tools: usize = catalog.connectors().map(|connector| connector.tools.len()).sum();
    format!(
        "{} with {} in order, {}",
        count(connectors, "connector"),
        count(tools, "tool"),
        count(faults, "fault")
    )
}

fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}
