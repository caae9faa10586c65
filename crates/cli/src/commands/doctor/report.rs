use std::fmt;

use astralform_domain::{ConnectorSlug, Environment};
use astralform_storage::projects::ListedProject;
use serde_json::json;

use crate::table::{plain, table};

/// What was looked at, and what was found.
#[derive(Default)]
pub(super) struct Report {
    pub(super) projects: usize,
    pub(super) connectors: usize,
    pub(super) rows: Vec<Row>,
}

/// Something that was found.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) code: &'static str,
    /// Whether it keeps something from working; else it is a warning.
    pub(super) is_error: bool,
    pub(super) why: String,
    pub(super) fix: String,
    pub(super) at: Place,
}

/// Where it was found; nothing for the installation itself.
#[derive(Clone, Default)]
pub(super) struct Place {
    project: Option<(String, String)>,
    environment: Option<Environment>,
    connector: Option<ConnectorSlug>,
}

impl Place {
    pub(super) fn of(project: &ListedProject) -> Self {
        let project = Some((project.id.to_string(), project.name.clone()));
        Self { project, ..Self::default() }
    }

    pub(super) fn in_environment(self, environment: Environment) -> Self {
        Self { environment: Some(environment), ..self }
    }

    pub(super) fn about(self, connector: &ConnectorSlug) -> Self {
        Self { connector: Some(connector.clone()), ..self }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((_, name)) = &self.project else { return f.write_str("installation") };
        f.write_str(&plain(name))?;
        if let Some(environment) = self.environment {
            write!(f, " · {environment}")?;
        }
        match &self.connector {
            Some(connector) => write!(f, " · {connector}"),
            None => Ok(()),
        }
    }
}

impl Report {
    pub(super) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub(super) fn has_errors(&self) -> bool {
        self.rows.iter().any(|row| row.is_error)
    }

    /// Returns what was found, a line for each; nothing where nothing was.
    pub(super) fn in_json(&self) -> String {
        let lines = self.rows.iter().map(|row| {
            json!({
                "severity": row.severity(),
                "code": row.code,
                "project_id": row.at.project.as_ref().map(|(id, _)| id),
                "environment": row.at.environment,
                "connector": row.at.connector,
                "why": row.why,
                "fix": row.fix,
            })
            .to_string()
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    pub(super) fn in_words(&self) -> String {
        let Self { projects, connectors, rows } = self;
        let looked = format!("Looked at {projects} projects with {connectors} connectors");
        if rows.is_empty() {
            return format!("{looked}: nothing is wrong.");
        }
        let errors = rows.iter().filter(|row| row.is_error).count();
        let warnings = rows.len() - errors;
        let mut sorted: Vec<_> = rows.iter().collect();
        sorted.sort_by_key(|row| !row.is_error);
        let cells = sorted.iter().map(|row| {
            [
                row.severity().to_owned(),
                row.at.to_string(),
                row.code.to_owned(),
                format!("{}. Fix: {}", row.why, row.fix),
            ]
        });
        let cells: Vec<_> = cells.collect();
        let found = table(["SEVERITY", "WHERE", "CODE", "WHAT"], &cells);
        format!("{found}\n\n{looked}: {errors} errors, {warnings} warnings.")
    }
}

impl Row {
    fn severity(&self) -> &'static str {
        if self.is_error { "error" } else { "warning" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(is_error: bool, code: &'static str) -> Row {
        let at = Place { environment: Some(Environment::Live), ..Place::default() };
        Row { code, is_error, why: "why".to_owned(), fix: "fix".to_owned(), at }
    }

    #[test]
    fn errors_come_first_and_are_counted_apart_from_warnings() {
        let rows = vec![row(false, "later"), row(true, "now")];
        let report = Report { projects: 1, connectors: 2, rows };
        assert!(report.has_errors());
        let words = report.in_words();
        assert!(words.find("now") < words.find("later"), "{words}");
        assert!(words.ends_with("Looked at 1 projects with 2 connectors: 1 errors, 1 warnings."));
        let json = report.in_json();
        assert_eq!(json.lines().count(), 2);
        assert!(json.contains(r#""severity":"warning""#) && json.contains(r#""project_id":null"#));
        assert_eq!(Report::default().in_json(), "");
    }
}
