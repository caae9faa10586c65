use anyhow::Context as _;
use astralform_domain::ProjectId;
use clap::Args;
use serde_json::Value;

use super::{Management, all_rows, text};
use crate::table::plain;

/// Which project is meant.
#[derive(Args)]
pub(crate) struct NamedProject {
    /// The project, by id or name [default: the only one]
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
}

impl NamedProject {
    /// Returns the path of the project.
    pub(crate) async fn path(&self, server: &Management) -> anyhow::Result<String> {
        let id = match self.project.as_deref() {
            Some(id) if id.starts_with("proj_") => {
                let known = id.parse::<ProjectId>();
                known.with_context(|| format!("`{id}` is no id of a project"))?.to_string()
            }
            named => {
                let all = all_rows(server, "/v1/projects", &[("limit", "100")]).await?;
                one_of(&all, named, "project")?
            }
        };
        Ok(format!("/v1/projects/{id}"))
    }
}

/// Returns the id of the row that has an id or name, or of the only one; `flag` says which.
pub(crate) fn one_of(all: &[Value], named: Option<&str>, flag: &str) -> anyhow::Result<String> {
    let is_meant =
        |row: &&Value| named.is_none_or(|named| row["name"] == named || row["id"] == named);
    match all.iter().filter(is_meant).collect::<Vec<_>>().as_slice() {
        [one] => Ok(text(one, "/id")),
        [] if all.is_empty() => anyhow::bail!("there is no such {flag}, or it is not yours"),
        [] => {
            let there_are: String = all.iter().map(line).collect();
            anyhow::bail!("there is no such {flag}, or it is not yours; yours are:{there_are}")
        }
        several => {
            let known: String = several.iter().map(|row| line(row)).collect();
            anyhow::bail!("say which {flag} is meant with --{flag}:{known}")
        }
    }
}

fn line(row: &Value) -> String {
    format!("\n  {} {}", text(row, "/id"), plain(&row["name"].to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_is_named_by_id_or_name_or_is_the_only_one() {
        let all = [json!({"id": "a", "name": "One"}), json!({"id": "b", "name": "Two"})];
        for named in ["a", "One"] {
            assert_eq!(one_of(&all, Some(named), "team").unwrap(), "a");
        }
        assert_eq!(one_of(&all[..1], None, "team").unwrap(), "a");
        for (rows, named, expected) in [
            (&all[..], None, "say which team is meant with --team:\n  a \"One\"\n  b \"Two\""),
            (&all, Some("Three"), "no such team, or it is not yours; yours are:\n  a \"One\""),
            (&[], None, "no such team"),
        ] {
            let refused = one_of(rows, named, "team").unwrap_err().to_string();
            assert!(refused.contains(expected), "{refused}");
        }
    }
}
