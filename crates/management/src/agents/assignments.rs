//! What can be assigned to an agent.

use std::collections::BTreeSet;

use astralform_catalog::{Catalog, Connector};
use astralform_domain::{AssignedTools, Assignment, ConnectorSlug, ToolName, limits};
use thiserror::Error;

/// Why connectors cannot be assigned so.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum AssignmentError {
    /// Too many, or one twice.
    #[error(
        "the list has {given} connectors; it takes {most} at most, each of them once",
        most = limits::ASSIGNMENTS.value
    )]
    BadList {
        /// How many were named.
        given: usize,
    },
    /// The catalogue has no such connector.
    #[error("there is no connector `{name}`: the catalogue has {allowed}")]
    UnknownConnector {
        /// What was named.
        name: ConnectorSlug,
        /// Those that there are.
        allowed: String,
    },
    /// The connector has no such tool.
    #[error("the connector `{connector}` has no tool `{name}`: it has {allowed}")]
    UnknownTool {
        /// The connector.
        connector: ConnectorSlug,
        /// What was named.
        name: ToolName,
        /// Those that there are.
        allowed: String,
    },
    /// Both at once.
    #[error(
        "`{connector}` has both `tools` and `read_only`: send one of them, or neither for all tools"
    )]
    ToolsAndReadOnly {
        /// The connector.
        connector: ConnectorSlug,
    },
    /// A list of tools that says nothing.
    #[error(
        "`tools` of `{connector}` names no tool, or one twice: name those that are meant, or leave \
         the connector out"
    )]
    BadTools {
        /// The connector.
        connector: ConnectorSlug,
    },
}

/// Checks that a list names connectors and tools of the catalogue, each once.
pub(super) fn check_assignments(
    assigned: Option<&[Assignment]>,
    catalog: &Catalog,
) -> Result<(), AssignmentError> {
    let Some(assigned) = assigned else { return Ok(()) };
    let slugs: Vec<_> = assigned.iter().map(|assigned| assigned.connector.clone()).collect();
    check_connectors(&slugs, catalog)?;
    for Assignment { connector, tools } in assigned {
        if let AssignedTools::Only(tools) = tools {
            let found = catalog.connector(connector);
            check_tools(connector, tools, found.map(AsRef::as_ref))?;
        }
    }
    Ok(())
}

/// Checks that a list names connectors of the catalogue, each once.
pub(crate) fn check_connectors(
    slugs: &[ConnectorSlug],
    catalog: &Catalog,
) -> Result<(), AssignmentError> {
    let distinct: BTreeSet<_> = slugs.iter().collect();
    if distinct.len() != slugs.len() || limits::ASSIGNMENTS.is_exceeded_by(slugs.len()) {
        return Err(AssignmentError::BadList { given: slugs.len() });
    }
    let Some(name) = slugs.iter().find(|slug| catalog.connector(slug).is_none()) else {
        return Ok(());
    };
    let allowed = listed(catalog.connectors().map(|connector| connector.slug.as_str()));
    Err(AssignmentError::UnknownConnector { name: name.clone(), allowed })
}

fn check_tools(
    connector: &ConnectorSlug,
    tools: &[ToolName],
    found: Option<&Connector>,
) -> Result<(), AssignmentError> {
    let distinct: BTreeSet<_> = tools.iter().collect();
    if tools.is_empty() || distinct.len() != tools.len() {
        return Err(AssignmentError::BadTools { connector: connector.clone() });
    }
    let known = found.map_or(&[][..], |connector| &connector.tools);
    let Some(name) = tools.iter().find(|name| known.iter().all(|tool| tool.name != **name)) else {
        return Ok(());
    };
    let allowed = listed(known.iter().map(|tool| tool.name.as_str()));
    Err(AssignmentError::UnknownTool { connector: connector.clone(), name: name.clone(), allowed })
}

/// Returns names as a sentence lists them.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 20;
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    let shown = names[..names.len().min(MOST)].join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
