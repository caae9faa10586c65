use std::{path::PathBuf, process::ExitCode};

use astralform_catalog::{Catalog, load};
use clap::Subcommand;

use crate::catalog_dirs;

/// Work on the catalogue.
#[derive(Subcommand)]
pub(crate) enum Connectors {
    /// Check connector folders; every fault comes with its file, line and fix
    Lint {
        /// A connector's folder, or a folder of such folders
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
}

impl Connectors {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Lint { paths } => lint(&paths),
        }
    }
}

#[expect(clippy::print_stdout, reason = "the report is what the command is for")]
fn lint(paths: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let folders = catalog_dirs::read(paths)?;
    anyhow::ensure!(!folders.is_empty(), "there is no connector folder in the paths given");
    let (catalog, faults) = catalog_dirs::with_borrowed(&folders, |borrowed| load(borrowed));
    for fault in &faults {
        println!("{fault}");
    }
    println!("{}", summary(&catalog, faults.len()));
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn summary(catalog: &Catalog, faults: usize) -> String {
    let connectors = catalog.connectors().count();
    let tools: usize = catalog.connectors().map(|connector| connector.tools.len()).sum();
    let plural = |count, word| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    format!(
        "{} with {} in order, {}",
        plural(connectors, "connector"),
        plural(tools, "tool"),
        plural(faults, "fault")
    )
}
