use std::process::ExitCode;

use astralform_domain::Entropy;
use clap::Args;

use crate::{
    config::{Store, StoreFlags},
    keys, telemetry,
};

/// Bring a database up to date with this version. `serve` does the same when it starts; this is
/// for those who want to do it before.
#[derive(Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    store: StoreFlags,
}

impl Migrate {
    #[expect(clippy::print_stdout, reason = "the outcome is what the command is for")]
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::load(self.store)?;
        telemetry::start_plain("warn")?;
        let (db, _) = keys::open(&store, &Entropy::system()).await?;
        println!("The database has schema version {}.", db.schema_version().await?);
        db.close().await;
        Ok(ExitCode::SUCCESS)
    }
}
