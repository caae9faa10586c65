use astralform_domain::{ConnectionId, Environment};
use clap::Args;
use serde_json::Value;

use crate::{
    management::{OpenProject, ProjectAccess, text},
    table::table,
};

#[derive(Args)]
pub(crate) struct ConnectionHistory {
    /// The connection's id
    id: ConnectionId,
    /// live or test [default: where the connection is]
    #[arg(long, value_name = "ENVIRONMENT")]
    environment: Option<Environment>,
    #[command(flatten)]
    access: ProjectAccess,
}

impl ConnectionHistory {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let project = self.access.open().await?;
        let path = project.path(&format!("/connections/{}", self.id));
        let environment = match self.environment {
            Some(named) => named,
            None => environment_of(&project, &path).await?,
        };
        let query = [("environment", environment.as_str()), ("limit", "100")];
        let none = "Nothing has happened to it that is still known.";
        project.at.list(&format!("{path}/history"), &query, in_table, none).await
    }
}

/// Returns the environment that has a connection.
async fn environment_of(project: &OpenProject, path: &str) -> anyhow::Result<Environment> {
    let in_live = [("environment", Environment::Live.as_str())];
    if project.at.server.get(path, &in_live).await.is_ok() {
        return Ok(Environment::Live);
    }
    let in_test = [("environment", Environment::Test.as_str())];
    project.at.server.get(path, &in_test).await?;
    Ok(Environment::Test)
}

fn in_table(rows: &[Value]) -> String {
    let rows = rows.iter().map(|row| {
        [
            text(row, "/at"),
            text(row, "/last_at"),
            row["times"].to_string(),
            what(row),
            why(row),
            text(row, "/prompt/auth_request_id"),
        ]
    });
    let headings = ["FIRST", "LAST", "TIMES", "WHAT", "WHY", "AUTH REQUEST"];
    table(headings, &rows.collect::<Vec<_>>())
}

fn what(row: &Value) -> String {
    match (row["type"].as_str(), row["old_status"].as_str()) {
        (Some("status_changed"), None) => text(row, "/new_status"),
        (Some("status_changed"), Some(old)) => format!("{old} to {}", text(row, "/new_status")),
        (Some("not_refreshed"), _) => "not refreshed".to_owned(),
        (Some("prompted"), _) => format!("prompt {}", text(row, "/prompt/status")),
        _ => text(row, "/type"),
    }
}

fn why(row: &Value) -> String {
    let all = ["/reason", "/refresh_failure", "/prompt/failure", "/prompt/reason"];
    let found = all.iter().find_map(|pointer| row.pointer(pointer).and_then(Value::as_str));
    found.unwrap_or("-").to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_of_row_is_told_in_words() {
        let row = |mut row: Value| {
            let times = json!({"at": "then", "last_at": "now", "times": 3});
            row.as_object_mut().unwrap().extend(times.as_object().unwrap().clone());
            row
        };
        let prompt = json!({"auth_request_id": "areq_1", "status": "failed", "reason":
            "needs_reauth", "failure": "frozen"});
        let rows = [
            row(json!({"type": "prompted", "prompt": prompt})),
            row(json!({"type": "status_changed", "old_status": "active",
                "new_status": "needs_reauth", "reason": "token_rejected"})),
            row(json!({"type": "not_refreshed", "refresh_failure": "no_answer"})),
            row(json!({"type": "refreshed"})),
            row(json!({"type": "status_changed", "old_status": null, "new_status": "active"})),
        ];
        let expected = "\
FIRST  LAST  TIMES  WHAT                    WHY             AUTH REQUEST
then   now   3      prompt failed           frozen          areq_1
then   now   3      active to needs_reauth  token_rejected  -
then   now   3      not refreshed           no_answer       -
then   now   3      refreshed               -               -
then   now   3      active                  -               -";
        assert_eq!(in_table(&rows), expected);
    }
}
