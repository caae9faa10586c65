//! What happens: auth requests, OAuth, credentials, tool calls.
//!
//! Data flows one way: principal → policy → credential → plan (pure) → [`egress`] → shape (pure).
//! This is the only crate that calls out, and [`egress`] is its only way. Start with
//! [`Engine::call_tool`], then [`Engine::begin_consent`] and [`Engine::finish_consent`].

pub mod access;
mod auth_requests;
pub mod authentication;
pub mod backup;
mod bearer;
mod connections;
mod credentials;
mod data_keys;
pub mod deletions;
pub mod egress;
mod error;
mod frozen;
pub mod idempotency;
mod identity;
mod kept;
pub mod managed;
pub mod members;
pub mod metrics;
mod nearest;
mod oauth;
pub mod project_connectors;
pub mod provision;
mod query;
mod reach;
mod refresh;
mod refusal;
mod retention;
pub mod revocations;
pub mod rotation;
mod row_tags;
pub mod sessions;
mod site;
mod start;
mod tools;
mod uses;
pub mod webhooks;

use std::{
    path::PathBuf,
    sync::{Arc, Weak, atomic::AtomicBool},
    time::Duration,
};

use astralform_catalog::Catalog;
use astralform_domain::{CallId, Clock, Entropy, RequestId};
use astralform_storage::Db;
use tokio::{runtime::Handle, time::timeout};

pub use astralform_storage::charged_to;
pub use auth_requests::{
    BeginError, Callback, ConfirmError, Confirmation, Consent, EnterKeyError, FinishError,
    Patience, Prompt, Started, UndeclaredScope, Wanted, WantedAccount, WantedError,
};
pub use connections::{ChangeError, ConnectionChanges, Listed};
pub use credentials::CredentialRefusal;
pub use error::{Fault, chain};
pub use frozen::Frozen;
pub use nearest::Nearest;
pub use project_connectors::{SettingsError, Unusable};
pub use reach::{NoConnector, NoTool, NotEnabled, OutOfReach};
pub use site::Site;
pub use start::{StartError, check_key, prepare_database, written_with};
pub use tools::{
    Availability, CallFailure, CallRefusal, ListedTool, Outcome, Outside, ToolCall, ToolResult,
};

use auth_requests::{Changes, OpenPrompts, Waiters};
use data_keys::DataKeys;
pub use data_keys::open_project_keys;
use egress::Egress;
use kept::Kept;
use metrics::Metrics;
use refresh::{Flights, Hosts, Spool};
use uses::Uses;
use webhooks::Streams;

/// How soon it is known whether the database answers: whoever watches readiness waits no longer.
const READY_WITHIN: Duration = Duration::from_millis(900);

/// Everything that happens, over what it needs from outside.
///
/// Its catalogue stays as it is: where another one is to be served, [`Engine::with_catalog`] makes
/// another engine over the same parts, and what the first one has begun ends as it began.
pub struct Engine {
    /// Itself, for work that goes on whoever stops waiting for it.
    me: Weak<Engine>,
    /// The runtime that such work is done on: that of the process, which outlives its connections.
    home: Option<Handle>,
    /// What this node is called among those that share the database.
    node: String,
    /// What tells this process from any other, also of the same name.
    process: String,
    db: Db,
    catalog: Catalog,
    /// What the catalogue is known by among nodes.
    fingerprint: String,
    keys: Arc<DataKeys>,
    egress: Egress,
    site: Site,
    clock: Clock,
    entropy: Entropy,
    changes: Arc<Changes>,
    waiters: Arc<Waiters>,
    kept: Kept,
    open_prompts: Arc<OpenPrompts>,
    flights: Arc<Flights>,
    hosts: Arc<Hosts>,
    spool: Arc<Spool>,
    uses: Arc<Uses>,
    metrics: Metrics,
    streams: Arc<Streams>,
    /// Whether another node has been met that serves other connectors.
    has_met_another_catalog: Arc<AtomicBool>,
}

/// What an engine is made of.
pub struct Parts {
    /// The open, migrated database.
    pub db: Db,
    /// The connectors there are.
    pub catalog: Catalog,
    /// The master keys.
    pub key_ring: astralform_vault::KeyRing,
    /// The way out.
    pub egress: Egress,
    /// Where we are ourselves.
    pub site: Site,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// What this node is called among those that share the database; after a restart the same.
    pub node: String,
    /// A folder for new tokens that the database cannot take at the moment.
    pub spool: Option<PathBuf>,
}

impl Engine {
    /// Puts an engine together.
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { db, catalog, key_ring, egress, site, clock, entropy, node, spool } = parts;
        let keys = DataKeys::new(key_ring);
        let metrics = Metrics::new(&catalog);
        let db = db.at_the_time_of(clock.clone());
        let process = format!("{node}#{:016x}", u64::from_be_bytes(entropy.bytes()));
        Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            home: Handle::try_current().ok(),
            node,
            process,
            db,
            fingerprint: catalog.fingerprint(),
            catalog,
            keys: Arc::new(keys),
            egress,
            site,
            clock,
            entropy,
            changes: Arc::default(),
            waiters: Arc::default(),
            kept: Kept::default(),
            open_prompts: Arc::default(),
            flights: Arc::default(),
            hosts: Arc::default(),
            spool: Arc::new(Spool::new(spool)),
            uses: Arc::default(),
            metrics,
            streams: Arc::default(),
            has_met_another_catalog: Arc::default(),
        })
    }

    /// Returns an engine over the same parts that serves another catalogue. It remembers nothing
    /// yet: what is remembered is put together with connectors of the catalogue.
    #[must_use]
    pub fn with_catalog(&self, catalog: Catalog) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            home: self.home.clone(),
            node: self.node.clone(),
            process: self.process.clone(),
            db: self.db.clone(),
            fingerprint: catalog.fingerprint(),
            metrics: self.metrics.with_catalog(&catalog),
            catalog,
            keys: Arc::clone(&self.keys),
            egress: self.egress.clone(),
            site: self.site.clone(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            changes: Arc::clone(&self.changes),
            waiters: Arc::clone(&self.waiters),
            kept: Kept::default(),
            open_prompts: Arc::clone(&self.open_prompts),
            flights: Arc::clone(&self.flights),
            hosts: Arc::clone(&self.hosts),
            spool: Arc::clone(&self.spool),
            uses: Arc::clone(&self.uses),
            streams: Arc::clone(&self.streams),
            has_met_another_catalog: Arc::clone(&self.has_met_another_catalog),
        })
    }

    fn handle(&self) -> Arc<Self> {
        self.me.upgrade().expect("an engine that is being used is there")
    }

    /// Has work go on whoever stops waiting for it, and whatever connection it was begun on.
    pub(crate) fn outlive(&self, work: impl Future<Output = ()> + Send + 'static) {
        let home = self.home.clone().unwrap_or_else(Handle::current);
        home.spawn(work);
    }

    /// Returns the connectors there are.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Returns what is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Returns where we are ourselves.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Returns the id of a new tool call.
    pub fn new_call_id(&self) -> CallId {
        CallId::new(&self.clock, &self.entropy)
    }

    /// Returns the id of a new request, for the log and for whoever asks about it.
    pub fn new_request_id(&self) -> RequestId {
        RequestId::new(&self.clock, &self.entropy)
    }

    /// Checks that the database answers, and takes writes, within a second.
    ///
    /// # Errors
    /// When it does not.
    pub async fn check_database(&self) -> Result<(), Fault> {
        let check = async {
            astralform_storage::meta::key_check(&self.db).await?;
            self.db.check_writing().await
        };
        let checked = timeout(READY_WITHIN, check).await;
        Ok(checked.unwrap_or(Err(astralform_storage::Error::TimedOut))?)
    }
}
