use clap::Args;
use serde_json::{Value, json};

use crate::{
    management::{ProjectAccess, Request, count, text},
    table::plain,
};

#[derive(Args)]
pub(crate) struct DeleteProject {
    /// The project's name or id, to the letter: without it nothing is deleted
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
    #[command(flatten)]
    access: ProjectAccess,
}

impl DeleteProject {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let project = self.access.open().await?;
        let path = project.path("");
        let Some(confirm) = self.confirm else {
            let found = project.at.server.get(&path, &[]).await?;
            anyhow::bail!(
                "this would delete {} ({}) for good, with its connections, sessions and API keys: \
                 repeat its name with --confirm to do it",
                plain(&found["name"].to_string()),
                text(&found, "/id"),
            );
        };
        let request = Request::delete(&path).json(&json!({"confirm": confirm}));
        let ended = project.at.server.send(request).await?;
        project.at.show(&ended, in_words)?;
        Ok(())
    }
}

fn in_words(ended: &Value) -> String {
    format!(
        "Deleted, with {}, {} and {}; the providers are told soon after.",
        count(ended, "revoked_connections", "connection"),
        count(ended, "ended_sessions", "session"),
        count(ended, "revoked_api_keys", "API key"),
    )
}
