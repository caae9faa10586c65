//! The composition root.

mod assembly;
mod lower_parts;
mod state;

use std::{sync::Arc, time::Duration};

use astralform_catalog::Catalog;
use astralform_domain::{CallId, RequestId};
use tokio::time::timeout;

use crate::{
    Fault, Site,
    auth_requests::{AuthRequests, Confirmations, Consents, KeyEntry, Prompts},
    authentication::Authentication,
    base::Base,
    cache::Cache,
    explain::Explain,
    idempotency::Idempotency,
    janitor::Janitor,
    metrics::Metrics,
    origins::Origins,
    own_connections::OwnConnections,
    project_connectors::{AppChecks, ProjectConnectors},
    reach::Offers,
    refresh::{Presence, Upkeep},
    revocations::Revocations,
    row_tags::RowTags,
    sessions::Sessions,
    tools::Tools,
    uses::RecentUses,
    webhooks::{Deliveries, Webhooks},
};
pub use state::Parts;
use state::State;

/// How soon it is known whether the database answers: a probe of readiness waits no longer.
const READY_WITHIN: Duration = Duration::from_millis(900);

/// The parts of the engine, put together. They have the behaviour; this has none.
///
/// Its catalogue stays as it is: where another one is to be served, [`Engine::with_catalog`] makes
/// another engine over the same state, and what the first one has begun ends as it began.
#[expect(missing_docs, reason = "each part says what it is")]
pub struct Engine {
    base: Arc<Base>,
    state: State,
    pub app_checks: Arc<AppChecks>,
    pub auth_requests: Arc<AuthRequests>,
    pub authentication: Arc<Authentication>,
    pub cache: Arc<Cache>,
    pub confirmations: Arc<Confirmations>,
    pub consents: Arc<Consents>,
    pub deliveries: Arc<Deliveries>,
    pub explain: Arc<Explain>,
    pub idempotency: Arc<Idempotency>,
    pub janitor: Arc<Janitor>,
    pub key_entry: Arc<KeyEntry>,
    pub offers: Arc<Offers>,
    pub origins: Arc<Origins>,
    pub own_connections: Arc<OwnConnections>,
    pub presence: Arc<Presence>,
    pub project_connectors: Arc<ProjectConnectors>,
    pub prompts: Arc<Prompts>,
    pub recent_uses: Arc<RecentUses>,
    pub revocations: Arc<Revocations>,
    pub row_tags: Arc<RowTags>,
    pub sessions: Arc<Sessions>,
    pub tools: Arc<Tools>,
    pub upkeep: Arc<Upkeep>,
    pub webhooks: Arc<Webhooks>,
}

impl Engine {
    /// Puts an engine together.
    pub fn new(parts: Parts) -> Arc<Self> {
        let (base, state) = parts.divided();
        Arc::new(Self::over(&Arc::new(base), state))
    }

    /// Returns an engine over the same state that serves another catalogue. It remembers nothing
    /// yet: what is remembered is put together with connectors of the catalogue.
    #[must_use]
    pub fn with_catalog(&self, catalog: Catalog) -> Arc<Self> {
        let Base { db, keys, clock, entropy, metrics, calls, .. } = &*self.base;
        let base = Base {
            db: db.clone(),
            keys: Arc::clone(keys),
            clock: clock.clone(),
            entropy: entropy.clone(),
            metrics: metrics.with_catalog(&catalog),
            fingerprint: catalog.fingerprint(),
            unrecorded: Arc::clone(&self.base.unrecorded),
            calls: Arc::clone(calls),
            catalog,
        };
        Arc::new(Self::over(&Arc::new(base), self.state.clone()))
    }

    /// Returns what its parts work with.
    pub fn base(&self) -> &Arc<Base> {
        &self.base
    }

    /// Returns the connectors there are.
    pub fn catalog(&self) -> &Catalog {
        &self.base.catalog
    }

    /// Returns what is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.base.metrics
    }

    /// Returns the addresses of this server.
    pub fn site(&self) -> &Site {
        &self.state.site
    }

    /// Returns the id of a new tool call.
    pub fn new_call_id(&self) -> CallId {
        CallId::new(&self.base.clock, &self.base.entropy)
    }

    /// Returns the id of a new request, for the log and for the caller who asks about it.
    pub fn new_request_id(&self) -> RequestId {
        RequestId::new(&self.base.clock, &self.base.entropy)
    }

    /// Checks that the database answers, and takes writes, within a second.
    ///
    /// # Errors
    /// When it does not.
    pub async fn check_database(&self) -> Result<(), Fault> {
        let db = &self.base.db;
        let check = async {
            astralform_storage::meta::key_check(db).await?;
            db.check_writing().await
        };
        let checked = timeout(READY_WITHIN, check).await;
        Ok(checked.unwrap_or(Err(astralform_storage::Error::TimedOut))?)
    }
}
