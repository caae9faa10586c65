use std::{
    fmt::Write as _,
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use astralform_domain::{Clock, Email, Entropy, Secret, Timestamp};
use astralform_engine::backup::{Restored, restore, verify};
use astralform_storage::Db;
use astralform_vault::{KeyRing, read_key_file};
use clap::Args;

use crate::{
    beside,
    config::{Store, StoreFlags},
    database, telemetry,
};

/// Fill an empty database from a backup, once it is known to be whole and the key file to be the one
/// that it was made with. All of it is restored, or nothing.
#[derive(Args)]
pub(crate) struct Restore {
    /// The file that `astralform backup` wrote
    file: PathBuf,
    /// End every API key, admin token and session, and print a fresh admin token: some of them may
    /// have been revoked after the backup was made
    #[arg(long)]
    revoke_keys: bool,
    #[command(flatten)]
    store: StoreFlags,
}

impl Restore {
    #[expect(clippy::print_stdout, reason = "the outcome is what the command is for")]
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::load(self.store)?;
        telemetry::start_plain("warn")?;
        let ring = read_key_file(&store.key_file)
            .context("the key file that the backup was made with has to be there first")?;
        let header = verify(&ring, open(&self.file)?).await?;
        let db = database::connect(&store.database).await?;
        let _lock = database::lock_for_server(&store.database)?;
        let now = Clock::system().now();
        let restored = restore(&db, open(&self.file)?, now, self.revoke_keys).await?;
        let token = if self.revoke_keys { new_token(&db, ring).await? } else { None };
        db.close().await;
        println!("{}", in_words(restored, header.made_at, token.as_ref()));
        Ok(ExitCode::SUCCESS)
    }
}

fn open(path: &Path) -> anyhow::Result<BufReader<File>> {
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(BufReader::with_capacity(1024 * 1024, file))
}

async fn new_token(db: &Db, ring: KeyRing) -> anyhow::Result<Option<(Email, Secret)>> {
    Ok(beside::engine(db.clone(), ring, Entropy::system())?.new_admin_token().await?)
}

fn in_words(restored: Restored, made_at: Timestamp, token: Option<&(Email, Secret)>) -> String {
    let Restored { rows, in_doubt, revoked } = restored;
    let mut text = format!("{rows} rows are restored, as they were at {made_at}.\n");
    if in_doubt > 0 {
        let _ = writeln!(
            text,
            "\n{in_doubt} refresh tokens may have been used up since. They are tried when they are \
             needed, not before;\nwhere a provider refuses one, its user is asked to connect again."
        );
    }
    if revoked > 0 || token.is_some() {
        let _ = writeln!(
            text,
            "\n{revoked} API keys, admin tokens and sessions are revoked: make new ones. Connections \
             that were ended since the\nbackup are there again; end them anew."
        );
    } else {
        text.push_str(
            "\nWARNING: API keys, admin tokens and sessions that were revoked after the backup was \
             made ARE VALID AGAIN,\nand connections that were ended since are there again. Which \
             ones is not known here. Where that matters, restore\nonce more with --revoke-keys, or \
             freeze (`astralform freeze --all`) and replace them.\n",
        );
    }
    if let Some((email, token)) = token {
        let _ = writeln!(text, "\nAdmin token of {email}, not shown again: {}", token.expose());
    }
    text.trim_end().to_owned()
}
