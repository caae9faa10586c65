//! Ends what is over: auth requests that were not finished, and rows whose term has passed. Nothing
//! that is stored grows for ever.

use std::{sync::Arc, time::Duration};

use astralform_domain::{Actor, AuthStatus, Outbox, Timestamp, chain};
use astralform_storage::{
    audit,
    auth_requests::{self, Expired},
    call_erasures,
    retention::{self, ALL},
    revocations, webhook_deliveries,
};
use tokio::time::Instant;

use crate::{Fault, audit::TERM as AUDITED, auth_requests::Prompts, base::Base, cache::Cache};

/// How many rows are removed in one transaction.
const BATCH: i64 = 500;
/// How long one turn takes, where there is so much to remove.
const TURN: Duration = Duration::from_secs(3);
/// How long no other node takes a turn.
const BETWEEN: Duration = Duration::from_secs(4);

/// Ends what is over.
#[derive(Clone)]
pub struct Janitor {
    base: Arc<Base>,
    cache: Arc<Cache>,
    prompts: Arc<Prompts>,
}

impl Janitor {
    pub(crate) fn new(base: &Arc<Base>, cache: &Arc<Cache>, prompts: &Arc<Prompts>) -> Self {
        Self { base: Arc::clone(base), cache: Arc::clone(cache), prompts: Arc::clone(prompts) }
    }

    /// Ends what was not finished or confirmed in time. To be called every few seconds. It asks no
    /// provider: the outbox does.
    ///
    /// # Errors
    /// When the database does not answer; what was swept until then stays swept.
    pub async fn sweep(&self) -> Result<(), Fault> {
        const AT_ONCE: i64 = 100;
        self.cache.drop_old();
        let now = self.base.now();
        let mut tx = self.base.begin(Actor::Product).await?;
        let expired = auth_requests::expire_pending(&mut tx, now).await?;
        tx.commit().await?;
        for Expired { tenant, connector } in &expired {
            self.base.metrics.auth_requests(AuthStatus::Expired, 1);
            self.base.calls.prompted(*tenant, connector, AuthStatus::Expired, now);
        }
        self.base.metrics.left(Outbox::Revocations, revocations::pending(&self.base.db).await?);
        self.base.metrics.left(Outbox::Webhooks, webhook_deliveries::pending(&self.base.db).await?);
        for request in auth_requests::unconfirmed(&self.base.db, now, AT_ONCE).await? {
            if let Err(fault) = self.prompts.forget_unconfirmed(&request).await {
                let error = chain(&fault);
                tracing::error!(auth_request.id = %request.id, error, "could not be swept");
            }
        }
        Ok(())
    }

    /// Takes a turn of removing rows whose term is over, unless another node has had one just now.
    /// To be called every few seconds.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn prune_in_turn(&self) -> Result<(), Fault> {
        if retention::take_turn(&self.base.db, BETWEEN).await? {
            self.prune().await;
        }
        Ok(())
    }

    /// Removes entries of the audit log whose term is over. A chain whose key or head is gone keeps no
    /// other from it.
    async fn prune_audit(&self) -> Result<(), Fault> {
        let until = self.base.now().before(AUDITED);
        for name in audit::with_old_entries(&self.base.db, until).await? {
            if let Err(fault) = self.prune_chain(&name).await {
                let error = chain(&fault);
                tracing::warn!(name, error, "old entries of an audit chain are not removed yet");
            }
        }
        Ok(())
    }

    async fn prune_chain(&self, name: &str) -> Result<(), Fault> {
        if let Some(chain) = self.base.chain_named(name).await? {
            chain.prune(&self.base).await?;
        }
        Ok(())
    }

    /// Removes lines of the call log: those of deleted end users and projects, and old ones.
    async fn prune_calls(&self, now: Timestamp) -> Result<(), Fault> {
        const AT_ONCE: i64 = 100;
        let Base { db, calls, .. } = &*self.base;
        call_erasures::carry_out(db, calls.store(), now, AT_ONCE).await?;
        calls.trim(now).await
    }

    /// Removes rows whose term is over: a batch of each table, and again of those that have more,
    /// so that no table waits for another. What fails is tried again in the next turn.
    pub async fn prune(&self) {
        let until = Instant::now() + TURN;
        let now = self.base.now();
        let mut left: Vec<_> = ALL.iter().collect();
        while !left.is_empty() && Instant::now() < until {
            let mut with_more = Vec::new();
            for rule in left {
                match rule.prune(&self.base.db, now, BATCH).await {
                    Ok(removed) if removed >= BATCH.unsigned_abs() => with_more.push(rule),
                    Ok(_) => {}
                    Err(error) => {
                        let table = rule.table;
                        let error = chain(&error);
                        tracing::warn!(table, error, "old rows are not removed yet");
                    }
                }
            }
            left = with_more;
        }
        if let Err(fault) = self.prune_calls(now).await {
            let error = chain(&fault);
            tracing::warn!(error, "old lines of the call log are not removed yet");
        }
        if let Err(fault) = self.prune_audit().await {
            let error = chain(&fault);
            tracing::warn!(error, "old entries of the audit log are not removed yet");
        }
    }
}
