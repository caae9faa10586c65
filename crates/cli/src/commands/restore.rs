mod outcome;

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use astralform_domain::{Clock, Entropy};
use astralform_engine::audit::Event;
use astralform_management::api_keys;
use astralform_operations::backup::{restore, verify};
use astralform_vault::read_key_file_of;
use clap::Args;

use crate::{
    audited, beside,
    config::{Store, StoreFlags},
    database,
    handed_over::MAKE_OTHERS,
    telemetry,
};
use outcome::{Fresh, RestoreOutcome};

/// Fill an empty database from a backup, once it is known to be whole and the key file to be the one
/// that it was made with. All of it is restored, or nothing.
#[derive(Args)]
pub(crate) struct Restore {
    /// The file that `astralform backup` wrote
    file: PathBuf,
    /// End every API key, admin token and session, and print fresh ones in their place: some of
    /// them may have been revoked after the backup was made
    #[arg(long)]
    revoke_keys: bool,
    /// Print one line of JSON instead of words
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreFlags,
}

impl Restore {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::load(self.store)?;
        telemetry::start_plain("warn")?;
        let ring = read_key_file_of(&store.key_file.path, store.key_file.readers)
            .context("the key file that the backup was made with has to be there first")?;
        let header = verify(&ring, open(&self.file)?).await?;
        let db = database::connect(&store.database).await?;
        let _lock = database::lock_for_server(&store.database)?;
        let now = Clock::system().now();
        let restored = restore(&db, open(&self.file)?, now, self.revoke_keys).await?;
        let event = Event::new("installation.restored", "installation");
        audited::note(&db, &store, &event.with("keys_revoked", self.revoke_keys)).await?;
        let fresh = if self.revoke_keys {
            let management = beside::management(db.clone(), ring, Entropy::system())?;
            let reopened = management.provisioning.reopen(now).await.with_context(|| {
                format!("everything is restored and all keys are revoked, but {MAKE_OTHERS}")
            })?;
            Some(Fresh { reopened, listed: api_keys::list_as_operator(&db, None, None).await? })
        } else {
            None
        };
        let outcome = RestoreOutcome { restored, made_at: header.made_at, fresh };
        let text = if self.json { outcome.in_json() } else { outcome.in_words() };
        outcome.shown().print(&text, (&db, &store), MAKE_OTHERS).await?;
        db.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

fn open(path: &Path) -> anyhow::Result<BufReader<File>> {
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(BufReader::with_capacity(1024 * 1024, file))
}
