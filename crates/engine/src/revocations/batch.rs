//! What is taken of the outbox at a time, and what comes of each row.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use astralform_domain::{Actor, Revocation, RevocationStatus, Timestamp, crash_point};
use astralform_storage::{
    Tx, connections, revocations,
    tokens::{self, Token},
};
use tokio::task::JoinSet;

use super::{Due, ProviderHealth, RevocationResult, Revocations, ask::Provider, schedule};
use crate::Fault;

/// How many requests one node has under way at one provider.
const WORKERS: usize = 4;

/// What a receipt says where a refresh was sent and never answered.
const IN_DOUBT: &str = "the token that we know is dead; a refresh whose answer was lost may have made another, \
                        which cannot be ended here";

impl Revocations {
    /// Asks for each of the rows, several at a time. As soon as the provider is not well, those not
    /// asked for yet are given back.
    pub(super) async fn work_off_batch(
        &self,
        due: &Due,
        probe: Option<Timestamp>,
        taken: Vec<Revocation>,
    ) -> Result<ProviderHealth, Fault> {
        let workers = taken.len().min(WORKERS);
        let left = Arc::new(Mutex::new(VecDeque::from(taken)));
        let mut asking = JoinSet::new();
        for _ in 0..workers {
            let outbox = self.clone();
            let due = *due;
            let left = Arc::clone(&left);
            // A task of its own, so that no worker waits for the database while it holds another
            // up.
            asking.spawn(async move { outbox.work_off_queue(&due, probe, &left).await });
        }
        let mut health = ProviderHealth::NotAsked;
        while let Some(worker) = asking.join_next().await {
            let broken = |_| Fault::Inconsistent("asking a provider broke off");
            health = health.max(worker.map_err(broken)??);
        }
        Ok(health)
    }

    pub(super) async fn work_off_queue(
        &self,
        due: &Due,
        probe: Option<Timestamp>,
        left: &Mutex<VecDeque<Revocation>>,
    ) -> Result<ProviderHealth, Fault> {
        let queue = || left.lock().unwrap_or_else(PoisonError::into_inner);
        let provider = self.requests.provider(due, probe).await?;
        let mut health = ProviderHealth::NotAsked;
        loop {
            let next = queue().pop_front();
            let Some(next) = next else { return Ok(health) };
            health = health.max(self.work_off_one(&provider, &next).await?);
            if health == ProviderHealth::NotWell {
                let untried = std::mem::take(&mut *queue());
                self.give_back(untried).await?;
            }
        }
    }

    pub(super) async fn give_back(&self, untried: VecDeque<Revocation>) -> Result<(), Fault> {
        let mut tx = self.base.begin(Actor::Product).await?;
        for row in &untried {
            revocations::release(&mut tx, row, self.base.now()).await?;
        }
        Ok(tx.commit().await?)
    }

    pub(super) async fn work_off_one(
        &self,
        provider: &Provider,
        taken: &Revocation,
    ) -> Result<ProviderHealth, Fault> {
        let now = self.base.now();
        let waits_for_refresh = taken.requested_at.after(schedule::WAITS_FOR_REFRESH) > now;
        let is_refreshed = revocations::is_refreshed(&self.base.db, taken.connection).await?;
        if waits_for_refresh && is_refreshed {
            let soon = now.after(schedule::RECHECK_AFTER);
            let mut tx = self.base.begin(Actor::Product).await?;
            revocations::postpone(&mut tx, taken.connection, soon, "a refresh is under way")
                .await?;
            tx.commit().await?;
            return Ok(ProviderHealth::NotAsked);
        }
        let connection = connections::find(&self.base.db, taken.tenant, taken.connection).await?;
        let connection = connection.ok_or(Fault::Inconsistent("an ended connection is gone"))?;
        let seen = tokens::of(&self.base.db, connection.id).await?;
        let (mut asked, dead) = self.requests.revoke_tokens(provider, &connection).await?;
        crash_point!("revocation.answered");
        let in_doubt = is_refreshed || seen.iter().any(|token| token.in_doubt);
        if in_doubt && asked == RevocationResult::Confirmed && provider.may_have_made_another() {
            asked = RevocationResult::InDoubt;
        }
        let is_over = taken.requested_at <= now.before(schedule::GIVES_UP_AFTER);
        let outcome = asked.outcome(is_over);
        let mut tx = self.base.begin(Actor::Product).await?;
        for token in seen.iter().filter(|token| dead.contains(&token.kind)) {
            revocations::erase_token(&mut tx, taken.connection, &token.kind, token.generation)
                .await?;
        }
        let health = match asked {
            RevocationResult::Confirmed => {
                self.settle_confirmed(&mut tx, taken, &seen, false).await?
            }
            RevocationResult::InDoubt => self.settle_confirmed(&mut tx, taken, &seen, true).await?,
            RevocationResult::Cannot(why) => {
                self.settle_unrevoked(&mut tx, taken, RevocationStatus::ProviderCannot, &why)
                    .await?;
                ProviderHealth::NotAsked
            }
            RevocationResult::Refused(why) if is_over => {
                self.settle_unrevoked(&mut tx, taken, RevocationStatus::GaveUp, &why).await?;
                ProviderHealth::Answers
            }
            RevocationResult::Refused(why) => {
                let next = now.after(schedule::backoff(taken.attempts, &self.base.entropy));
                revocations::postpone(&mut tx, taken.connection, next, &why).await?;
                tracing::warn!(connection.id = %taken.connection, why, "not revoked yet");
                ProviderHealth::Answers
            }
            RevocationResult::NotNow { why, wait } => {
                self.pause(&mut tx, taken, provider, (&why, wait)).await?;
                ProviderHealth::NotWell
            }
        };
        tx.commit().await?;
        self.base.metrics.revoked(&taken.connector, outcome);
        Ok(health)
    }

    /// Settles a row whose tokens the provider has confirmed dead, unless a refresh has stored
    /// another token since.
    pub(super) async fn settle_confirmed(
        &self,
        tx: &mut Tx,
        taken: &Revocation,
        seen: &[Token],
        in_doubt: bool,
    ) -> Result<ProviderHealth, Fault> {
        let id = taken.connection;
        let now = self.base.now();
        for token in seen {
            revocations::erase_token(tx, id, &token.kind, token.generation).await?;
        }
        if revocations::has_tokens(tx, id).await? {
            revocations::postpone(tx, id, now, "it was refreshed meanwhile").await?;
            return Ok(ProviderHealth::Answers);
        }
        if in_doubt {
            self.settle_unrevoked(tx, taken, RevocationStatus::ProviderCannot, IN_DOUBT).await?;
            return Ok(ProviderHealth::Answers);
        }
        revocations::erase(tx, id).await?;
        revocations::settle(tx, id, RevocationStatus::ProviderConfirmed, None, now).await?;
        tracing::info!(connection.id = %id, "revoked at the provider");
        Ok(ProviderHealth::Answers)
    }

    /// Settles a row for which the provider is not asked again, and erases its tokens.
    pub(super) async fn settle_unrevoked(
        &self,
        tx: &mut Tx,
        taken: &Revocation,
        status: RevocationStatus,
        why: &str,
    ) -> Result<(), Fault> {
        let id = taken.connection;
        revocations::erase(tx, id).await?;
        revocations::settle(tx, id, status, Some(why), self.base.now()).await?;
        tracing::warn!(connection.id = %id, revocation = %status, why, "not revoked");
        Ok(())
    }

    /// Leaves the provider alone. Rows older than seven days are given up.
    pub(super) async fn pause(
        &self,
        tx: &mut Tx,
        taken: &Revocation,
        provider: &Provider,
        (why, wait): (&str, Option<Duration>),
    ) -> Result<(), Fault> {
        let now = self.base.now();
        let at = taken.project_connector;
        let failures = provider.failures + 1;
        let until = now.after(schedule::pause(failures, wait, &self.base.entropy));
        revocations::pause(tx, at, failures, until, provider.probe).await?;
        revocations::postpone(tx, taken.connection, until, why).await?;
        let over = now.before(schedule::GIVES_UP_AFTER);
        let given_up = revocations::give_up(tx, at, over, why, now).await?;
        tracing::warn!(project_connector.id = %at, why, %until, given_up, "not revoked yet: the provider is not well");
        Ok(())
    }
}
