//! The outbox of what is to be ended at providers.
//!
//! A connection that ends leaves a row in the transaction that ends it (`storage::revocations`).
//! Any node takes rows that are due, asks the provider (`ask`) and writes the receipt. While a
//! provider is down, or wants to be left alone, one request now and then finds out whether it is
//! well again; everything else for it waits (`schedule`).

mod ask;
mod batch;
mod discard;
mod ending;
mod schedule;
mod shared_tokens;

use std::{sync::Arc, time::Duration};

use astralform_catalog::destination;
use astralform_domain::{Actor, Connection, Timestamp, chain, crash_point};
use astralform_storage::revocations;

use crate::{Fault, base::Base, connectors::Connectors};
pub use ask::RevocationRequests;
use ask::{Provider, RevocationResult};
pub use discard::Discards;

pub use astralform_storage::revocations::Due;

/// How many rows are taken at once, two for each worker: what is worked off well within a lease.
const BATCH: i64 = 8;
/// How long a row is taken for. A node that dies leaves it to the others after that.
const LEASE: Duration = Duration::from_mins(2);
/// How long one request may take that finds out whether a provider is well again. A node that dies
/// over it leaves it to the others after that.
const PROBE: Duration = Duration::from_secs(30);
/// How long an end user who disconnects waits for the provider's answer; the outbox goes on.
const AT_ONCE: Duration = Duration::from_secs(4);

/// The outbox of what is to be ended at providers.
#[derive(Clone)]
pub struct Revocations {
    pub(super) base: Arc<Base>,
    pub(super) connectors: Arc<Connectors>,
    pub(super) requests: Arc<RevocationRequests>,
}

impl Revocations {
    pub(crate) fn new(
        base: &Arc<Base>,
        connectors: &Arc<Connectors>,
        requests: &Arc<RevocationRequests>,
    ) -> Self {
        Self {
            base: Arc::clone(base),
            connectors: Arc::clone(connectors),
            requests: Arc::clone(requests),
        }
    }

    /// Returns the project connectors whose providers are to be asked now. To be called every
    /// second or so.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn due_revocations(&self) -> Result<Vec<Due>, Fault> {
        Ok(revocations::due(&self.base.db, self.base.now()).await?)
    }

    /// Returns the host that is asked to end the tokens of a project connector; where it cannot be
    /// used, a name of its own.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn provider_host(&self, due: &Due) -> Result<String, Fault> {
        let at = due.project_connector;
        let settings = self.connectors.project_connector(due.tenant, at).await?;
        let ready = self.connectors.ready_even_if_paused(settings).ok();
        let url = ready.as_ref().and_then(|ready| ready.addresses.revocation.as_ref());
        Ok(url.map_or_else(|| at.to_string(), destination))
    }

    /// Works off what is due at one provider, until nothing is or the provider is not well.
    ///
    /// # Errors
    /// When the database does not answer; what was taken until then is taken again after a while.
    pub async fn work_off(&self, due: &Due) -> Result<(), Fault> {
        let at = due.project_connector;
        let mut due = *due;
        let mut probe = None;
        if due.failures > 0 {
            let now = self.base.now();
            let until = now.after(PROBE);
            if !revocations::probe(&self.base.db, at, now, until).await? {
                return Ok(());
            }
            probe = Some(until);
        }
        loop {
            let (now, lease) = self.lease();
            let at_most = if probe.is_some() { 1 } else { BATCH };
            let taken = revocations::claim(&self.base.db, at, now, lease, at_most).await?;
            crash_point!("revocation.taken");
            if taken.is_empty() {
                return self.release_probe(&due, probe).await;
            }
            match self.work_off_batch(&due, probe, taken).await? {
                ProviderHealth::NotWell => return Ok(()),
                ProviderHealth::Answers if probe.is_some() => {
                    revocations::resume(&self.base.db, at).await?;
                    tracing::info!(project_connector.id = %at, "the provider revokes again");
                    (due.failures, probe) = (0, None);
                }
                ProviderHealth::Answers | ProviderHealth::NotAsked => {}
            }
        }
    }

    /// Releases a probe that found no row to try.
    async fn release_probe(&self, due: &Due, probe: Option<Timestamp>) -> Result<(), Fault> {
        let Some(probe) = probe else { return Ok(()) };
        let at = due.project_connector;
        let now = self.base.now();
        let mut tx = self.base.begin(Actor::Product).await?;
        revocations::pause(&mut tx, at, due.failures, now, Some(probe)).await?;
        Ok(tx.commit().await?)
    }

    /// Works off everything that is due, one provider after the other.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn work_off_all(&self) -> Result<(), Fault> {
        for due in self.due_revocations().await? {
            Box::pin(self.work_off(&due)).await?;
        }
        Ok(())
    }

    /// Asks for the end of a connection that has just ended, and waits a moment for the answer. It
    /// is the outbox's from the start: what goes wrong here is tried again.
    pub async fn revoke_now(&self, ended: &Connection) {
        let tenant = ended.tenant;
        let project_connector = ended.project_connector;
        let due = Due { tenant, project_connector, failures: 0 };
        self.at_once(ended, async { self.requests.provider(&due, None).await }).await;
    }

    async fn at_once(
        &self,
        ended: &Connection,
        provider: impl Future<Output = Result<Provider, Fault>>,
    ) {
        let asking = async {
            let (now, lease) = self.lease();
            let taken = revocations::claim_one(&self.base.db, ended.id, now, lease).await?;
            let Some(taken) = taken else { return Ok::<_, Fault>(()) };
            self.work_off_one(&provider.await?, &taken).await.map(drop)
        };
        if let Ok(Err(fault)) = tokio::time::timeout(AT_ONCE, asking).await {
            let error = chain(&fault);
            tracing::warn!(connection.id = %ended.id, error, "not revoked at once");
        }
    }

    fn lease(&self) -> (Timestamp, Timestamp) {
        let now = self.base.now();
        (now, now.after(LEASE))
    }
}

/// What a provider has shown of itself, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ProviderHealth {
    /// It was not asked.
    NotAsked,
    /// It answers.
    Answers,
    /// It is down, or wants to be left alone.
    NotWell,
}
