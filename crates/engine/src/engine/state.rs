use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use astralform_catalog::Catalog;
use astralform_domain::{Clock, Entropy};
use astralform_egress::Egress;
use astralform_storage::{Db, calls::Keep};
use astralform_vault::KeyRing;

use crate::{
    Site,
    auth_requests::PromptState,
    base::Base,
    calls::CallLog,
    data_keys::DataKeys,
    detached::Detached,
    metrics::Metrics,
    refresh::{Hosts, InFlight, Spool},
    uses::Uses,
    webhooks::Streams,
};

/// What an engine is made of.
pub struct Parts {
    /// The open, migrated database.
    pub db: Db,
    /// The connectors there are.
    pub catalog: Catalog,
    /// The master keys.
    pub key_ring: KeyRing,
    /// The way out.
    pub egress: Egress,
    /// The addresses of this server.
    pub site: Site,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// What this node is called among those that share the database; after a restart the same.
    pub node: String,
    /// For how long, and in how much room, the call log is kept.
    pub call_log: Keep,
    /// A folder for new tokens that the database cannot take at the moment.
    pub spool: Option<PathBuf>,
}

/// What a process has of its own: engines with other catalogues share it.
#[derive(Clone)]
pub(super) struct State {
    pub(super) egress: Egress,
    pub(super) site: Arc<Site>,
    pub(super) node: Arc<str>,
    /// Distinguishes this process from any other, also of the same name.
    pub(super) process: Arc<str>,
    pub(super) detached: Detached,
    pub(super) prompts: Arc<PromptState>,
    pub(super) in_flight: Arc<InFlight>,
    pub(super) hosts: Arc<Hosts>,
    pub(super) spool: Arc<Spool>,
    pub(super) uses: Arc<Uses>,
    pub(super) streams: Arc<Streams>,
    /// Whether another node has been met that serves other connectors.
    pub(super) has_met_another_catalog: Arc<AtomicBool>,
}

impl Parts {
    /// Divides them into what most parts work with and what the process has of its own.
    pub(super) fn divided(self) -> (Base, State) {
        let Self { db, catalog, key_ring, egress, site, clock, entropy, node, call_log, spool } =
            self;
        let process = format!("{node}#{:016x}", u64::from_be_bytes(entropy.bytes()));
        let db = db.at_the_time_of(clock.clone());
        let metrics = Metrics::new(&catalog);
        let calls = CallLog::new(&db, call_log).counting(metrics.call_lines_dropped());
        let base = Base {
            calls: Arc::new(calls),
            db,
            keys: Arc::new(DataKeys::new(key_ring)),
            clock,
            entropy,
            metrics,
            fingerprint: catalog.fingerprint(),
            unrecorded: Arc::default(),
            catalog,
        };
        let state = State {
            egress,
            site: Arc::new(site),
            node: node.into(),
            process: process.into(),
            detached: Detached::here(),
            prompts: Arc::default(),
            in_flight: Arc::default(),
            hosts: Arc::default(),
            spool: Arc::new(Spool::new(spool)),
            uses: Arc::default(),
            streams: Arc::default(),
            has_met_another_catalog: Arc::default(),
        };
        (base, state)
    }
}
