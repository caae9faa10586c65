use std::process::ExitCode;

use astralform_domain::{Clock, Entropy};
use astralform_engine::{Site, egress::Egress};
use clap::Args;
use tokio::net::TcpListener;

use anyhow::Context as _;

use crate::{
    catalog_dirs,
    config::{self, Config, Flags},
    keys, node, telemetry,
};

/// Run the server. It needs no configuration: without any, it keeps a `SQLite` database in ./data and
/// a key file in ./astralform.key, and listens on loopback only.
#[derive(Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    flags: Flags,
}

impl Serve {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = Config::load(self.flags)?;
        telemetry::start_json(&config.log)?;
        let catalog = catalog_dirs::load_with_builtin(&config.catalog_dirs)?;
        let listener = TcpListener::bind(config.listen).await;
        let listener =
            listener.with_context(|| format!("{} cannot be listened on", config.listen))?;
        let address = listener.local_addr()?;
        let public_url = match config.public_url {
            Some(url) => url,
            None => config::derived_public_url(address)?,
        };
        let entropy = Entropy::system();
        let (db, key_ring) = keys::open(&config.database, &config.key_file, &entropy).await?;
        let parts = astralform_engine::Parts {
            db: db.clone(),
            catalog,
            key_ring,
            egress: Egress::new(config.private_networks, None),
            site: Site::new(public_url, None),
            clock: Clock::system(),
            entropy,
        };
        node::run(listener, astralform_engine::Engine::new(parts)).await?;
        db.close().await;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    }
}
