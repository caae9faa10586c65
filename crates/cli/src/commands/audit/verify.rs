use std::process::ExitCode;

use astralform_domain::Entropy;
use astralform_engine::audit::Verified;
use clap::Args;
use serde_json::json;

use crate::{
    beside,
    config::{Store, StoreFlags},
    keys,
    out::print,
    telemetry,
};

/// Reads every entry of every chain and names, for each, the first link that does not hold: an entry
/// that was altered, removed or added, or an end that was cut off, by somebody without the master
/// key. It reads the whole log: on a large one it takes a while. The exit code is 1 where a link
/// does not hold.
#[derive(Args)]
pub(crate) struct VerifyAudit {
    /// Print one line of JSON for each chain
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreFlags,
}

impl VerifyAudit {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::load(self.store)?;
        telemetry::start_plain("error")?;
        let (db, ring) = keys::open_existing(&store).await?;
        let engine = beside::engine(db.clone(), ring, Entropy::system())?;
        let verified = engine.base().verify_audit().await?;
        db.close().await;
        for chain in &verified {
            print(&if self.json { in_json(chain) } else { in_words(chain) })?;
        }
        let holds = verified.iter().all(|chain| chain.broken.is_none());
        if !self.json && holds {
            print("The audit log is as it was written.")?;
        }
        Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn in_words(chain: &Verified) -> String {
    let Verified { chain, entries, broken } = chain;
    match broken {
        None => format!("{chain}  {entries} entries  ok"),
        Some(broken) => format!("{chain}  BROKEN: {broken} ({entries} entries before it hold)"),
    }
}

fn in_json(chain: &Verified) -> String {
    let broken = chain.broken.map(|broken| broken.to_string());
    json!({"chain": chain.chain, "entries": chain.entries, "broken": broken}).to_string()
}
