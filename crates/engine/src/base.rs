use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use astralform_catalog::Catalog;
use astralform_domain::{
    Actor, AuthRequest, AuthStatus, Clock, ConnectorSlug, Entropy, ProjectId, RefreshOutcome,
    Tenant, Timestamp,
};
use astralform_storage::{Db, Tx};
use astralform_vault::ProjectKeys;

use crate::{Fault, calls::CallLog, data_keys::DataKeys, metrics::Metrics};

/// What most parts work with.
pub struct Base {
    pub(crate) db: Db,
    pub(crate) keys: Arc<DataKeys>,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) metrics: Metrics,
    pub(crate) catalog: Catalog,
    /// What the catalogue is known by among nodes.
    pub(crate) fingerprint: String,
    pub(crate) unrecorded: Arc<Unrecorded>,
    pub(crate) calls: Arc<CallLog>,
}

/// How many entries the audit log did not take that it has not been told of yet.
#[derive(Default)]
pub(crate) struct Unrecorded(AtomicU64);

impl Unrecorded {
    /// Returns how many, for an entry that tells of them.
    pub(crate) fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }

    /// Notes so many more.
    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }
}

impl Base {
    /// Returns the database.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Returns the connectors there are.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Returns the call log.
    pub fn calls(&self) -> &CallLog {
        &self.calls
    }

    /// Returns the clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Returns the source of randomness.
    pub fn entropy(&self) -> &Entropy {
        &self.entropy
    }

    /// Returns the time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Counts a prompt that came to a status.
    pub(crate) fn count_prompt(&self, request: &AuthRequest, status: AuthStatus) {
        self.metrics.auth_requests(status, 1);
        self.calls.prompted(request.tenant, &request.connector, status, self.now());
    }

    /// Counts a refresh.
    pub(crate) fn count_refresh(
        &self,
        tenant: Tenant,
        connector: &ConnectorSlug,
        outcome: RefreshOutcome,
    ) {
        self.metrics.refreshed(connector, outcome);
        self.calls.refreshed(tenant, connector, outcome, self.now());
    }

    /// Begins a transaction of an actor.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin(&self, actor: Actor) -> Result<Tx, astralform_storage::Error> {
        self.db.begin(actor).await
    }

    /// Returns the keys of a project, opened.
    pub(crate) async fn keys_of(&self, project: ProjectId) -> Result<Arc<ProjectKeys>, Fault> {
        self.keys.of(&self.db, project).await
    }
}
