mod spans;

use std::{net::SocketAddr, process::ExitCode};

use astralform_domain::{Clock, Entropy};
use astralform_egress::Egress;
use astralform_engine::{Engine, Parts, Site};
use astralform_management::Management;
use astralform_surface::{App, Settings};
use clap::Args;

use crate::{
    catalog_dirs,
    config::{self, Config, Flags, Listen},
    database, keys, machine,
    node::{self, Hangup},
    simulated::Simulated,
    telemetry,
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
        let _log = telemetry::start_server(&config.store.log)?;
        let catalog = catalog_dirs::load_with_builtin(&config.catalog_dirs)?;
        let listener = config.place.listen.bind().await?;
        let address = listener.local_addr()?;
        let public_url = match config.place.public_url {
            Some(url) => url,
            None => config::derived_public_url(address)?,
        };
        let clock = Clock::system();
        let entropy = Entropy::system();
        let simulated = simulated(config.sandbox, &clock, &entropy).await?;
        let sandbox = simulated.as_ref().map(|simulated| simulated.address);
        let simulator = simulated.as_ref().map(|simulated| simulated.url.clone());
        let _lock = database::lock_for_server(&config.store.database)?;
        let (db, key_ring) = keys::open(&config.store, &entropy).await?;
        let egress = Egress::trusting(config.private_networks, sandbox, config.extra_roots);
        let node = config.node.unwrap_or_else(|| config::derived_node(address));
        let engine = Engine::new(Parts {
            db: db.clone(),
            catalog,
            key_ring,
            egress: egress.clone(),
            site: Site::new(public_url, simulator),
            clock,
            entropy,
            node: node.clone(),
            call_log: config.call_log,
            spool: Some(config.store.data_dir.join("spool")),
        });
        if !Management::over(&engine).provisioning.has_members().await? {
            tracing::warn!("nobody administers this server yet: run `astralform bootstrap`");
        }
        let simulator = simulated.map(|simulated| tokio::spawn(simulated.serve()));
        let spans = config.spans.map(|to| spans::Exporting::start(&engine, egress, to, node));
        let settings = Settings {
            metrics_token: config.metrics_token,
            proxies: config.trusted_proxies,
            hosts: config.allowed_hosts,
            rates: config.rates,
            machine: machine::processors(),
        };
        let hangup = Hangup::Reload(config.catalog_dirs);
        Box::pin(node::run(listener, App::with(engine, settings), hangup)).await?;
        simulator.inspect(tokio::task::JoinHandle::abort);
        if let Some(spans) = spans {
            spans.finish().await;
        }
        db.close().await;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    }
}

async fn simulated(
    address: Option<SocketAddr>,
    clock: &Clock,
    entropy: &Entropy,
) -> anyhow::Result<Option<Simulated>> {
    let Some(address) = address else { return Ok(None) };
    let listener = Listen::At(address).bind().await?;
    let simulated = Simulated::on(listener, clock.clone(), entropy.clone())?;
    tracing::info!(address = %simulated.url, "simulated services run");
    Ok(Some(simulated))
}
