use clap::Args;
use serde_json::Value;

use super::NamedConnector;
use crate::management::{ProjectAccess, Request, count, counted};

const WHAT_ENDS: &str = "\
No connection can be used from then on; at the provider they are revoked soon after.";

#[derive(Args)]
#[command(after_help = WHAT_ENDS)]
pub(crate) struct DisableConnector {
    #[command(flatten)]
    which: NamedConnector,
    /// Do it: without this, only how many connections it would revoke is said
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    access: ProjectAccess,
}

impl DisableConnector {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let open = self.which.open(self.access).await?;
        if !self.yes {
            let living = living(&open.get().await?["connections"]);
            anyhow::bail!(
                "this would disable {} in {} for good, and revoke {}: say --yes to do it, or pause \
                 it with `project-connectors update --enabled false`",
                open.slug,
                open.environment,
                counted(living, "connection"),
            );
        }
        let (path, query) = (open.path(), open.query());
        let ended = open.project.at.server.send(Request::delete(&path).query(&query)).await?;
        open.project.at.show(&ended, |ended| {
            let revoked = count(ended, "revoked_connections", "connection");
            format!(
                "Disabled, with {revoked}. `connections receipts` shows what the provider says."
            )
        })?;
        Ok(())
    }
}

/// Returns how many connections have not ended.
fn living(counts: &Value) -> u64 {
    let statuses = ["active", "needs_reauth", "awaiting_confirmation"];
    statuses.iter().filter_map(|status| counts[status].as_u64()).sum()
}
