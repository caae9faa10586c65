use std::process::ExitCode;

use astralform_domain::ApiKeyId;
use astralform_management::api_keys::{self, RevokeOutcome};
use clap::Args;
use serde_json::json;

use super::{said, status};
use crate::{
    audited,
    config::{Store, StoreFlags},
    database,
    out::print,
    telemetry,
};

#[derive(Args)]
pub(crate) struct RevokeApiKeys {
    /// Their ids, as `api-keys list` shows them
    #[arg(required = true, value_name = "ID")]
    ids: Vec<ApiKeyId>,
    /// End the sessions of their projects and environments as well: a key that leaked may have
    /// opened some, which live for up to 12 hours
    #[arg(long)]
    sessions: bool,
    /// Print JSON, one line for each key
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreFlags,
}

impl RevokeApiKeys {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::load(self.store)?;
        telemetry::start_plain("warn")?;
        let db = database::connect_existing(&store.database).await?;
        let chain = audited::chain(&db, &store).await;
        let mut are_known = true;
        for id in self.ids {
            let (ended, sessions) =
                api_keys::revoke_as_operator(&db, id, self.sessions, chain.as_ref()).await?;
            are_known &= ended != RevokeOutcome::Unknown;
            let ended_sessions = self.sessions.then_some(sessions);
            if self.json {
                let status = status(ended);
                print(
                    &json!({"id": id, "status": status, "sessions": ended_sessions}).to_string(),
                )?;
            } else {
                let also = ended_sessions.map(|number| format!(", {number} sessions ended"));
                print(&format!("{id}  {}{}", said(ended), also.unwrap_or_default()))?;
            }
        }
        db.close().await;
        anyhow::ensure!(
            are_known,
            "not all of them are there: see `astralform api-keys list --all`"
        );
        Ok(ExitCode::SUCCESS)
    }
}
