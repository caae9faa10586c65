use std::{process::ExitCode, time::Duration};

use anyhow::Context as _;
use astralform_domain::{ApiKeyId, Entropy};
use astralform_management::{ProjectActor, api_keys};
use clap::Args;

use super::made_in_json;
use crate::{
    beside,
    config::{Store, StoreFlags},
    handed_over::Shown,
    keys, telemetry,
};

#[derive(Args)]
pub(crate) struct RollApiKey {
    /// Its id, as `api-keys list` shows it
    #[arg(value_name = "ID")]
    id: ApiKeyId,
    /// For how many seconds the old key lives on, 604800 (7 days) at most
    #[arg(long, value_name = "SECONDS", default_value_t = api_keys::OVERLAP.as_secs())]
    overlap_seconds: u64,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreFlags,
}

impl RollApiKey {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::load(self.store)?;
        telemetry::start_plain("warn")?;
        let (db, ring) = keys::open_existing(&store).await?;
        let all = api_keys::list_as_operator(&db, None, None).await?;
        let old = all.iter().find(|key| key.id == self.id);
        let old = old.context("there is no such key: see `astralform api-keys list`")?;
        let management = beside::management(db.clone(), ring, Entropy::system())?;
        let by = ProjectActor::operator(old.access.tenant.project);
        let overlap = Duration::from_secs(self.overlap_seconds);
        let made = management.api_keys.roll(&by, self.id, overlap).await?;
        let text = if self.json {
            made_in_json(&made, old.agent_name.as_deref())
        } else {
            let seconds = self.overlap_seconds;
            let secret = made.secret.expose();
            let id = self.id;
            format!("API key, not shown again: {secret}\n{id} lives on for {seconds} seconds.")
        };
        Shown::of([&made], []).print(&text, (&db, &store), "roll the key again").await?;
        db.close().await;
        Ok(ExitCode::SUCCESS)
    }
}
