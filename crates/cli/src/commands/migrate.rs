use std::process::ExitCode;

use astralform_domain::Entropy;
use clap::Args;

use crate::{
    config::{Store, StoreFlags},
    keys,
    out::print,
    telemetry,
};

/// Bring a database up to date with this version. `serve` does the same when it starts; this is
/// for those who want to do it before.
#[derive(Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    store: StoreFlags,
}

impl Migrate {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::load(self.store)?;
        telemetry::start_plain("warn")?;
        let (db, _) = keys::open(&store, &Entropy::system()).await?;
        let version = db.schema_version().await?;
        db.close().await;
        print(&format!("The database has schema version {version}."))?;
        Ok(ExitCode::SUCCESS)
    }
}
