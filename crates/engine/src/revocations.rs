//! The outbox of what is to be ended at providers.
//!
//! A connection that ends leaves a row in the transaction that ends it (`storage::revocations`).
//! Any node takes rows that are due, asks the provider (`ask`) and writes the receipt. While a
//! provider is down, or wants to be left alone, one request now and then finds out whether it is
//! well again; everything else for it waits (`schedule`).

mod ask;
mod discard;
mod ending;
mod schedule;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use astralform_catalog::destination;
use astralform_domain::{Connection, Revocation, RevocationStatus, Timestamp, chain, crash_point};
use astralform_storage::{
    Tx, connections, revocations,
    tokens::{self, Token},
};
use tokio::task::JoinSet;

use crate::{Fault, base::Base, connectors::Connectors};
pub use ask::RevocationRequests;
use ask::{Asked, Provider};
pub use discard::Discards;

pub use astralform_storage::revocations::Due;

/// How many requests one node has under way at one provider.
const LANES: usize = 4;
/// How many rows are taken at once, two for each lane: what is worked off well within a lease.
const BATCH: i64 = 8;
/// How long a row is taken for. A node that dies leaves it to the others after that.
const LEASE: Duration = Duration::from_mins(2);
/// How long one request may take that finds out whether a provider is well again. A node that dies
/// over it leaves it to the others after that.
const PROBE: Duration = Duration::from_secs(30);
/// How long somebody who disconnects waits for the provider's answer; the outbox goes on.
const AT_ONCE: Duration = Duration::from_secs(4);

/// What a receipt says where a refresh was sent and never answered.
const IN_DOUBT: &str = "the token that we know is dead; a refresh whose answer was lost may have made another, \
                        which cannot be ended here";

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
    pub async fn host_asked(&self, due: &Due) -> Result<String, Fault> {
        let at = due.project_connector;
        let settings = self.connectors.project_connector(due.tenant, at).await?;
        let ready = self.connectors.assemble(settings).ok();
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
                return self.unasked(&due, probe).await;
            }
            match self.ask_for_all(&due, probe, taken).await? {
                Heard::NotWell => return Ok(()),
                Heard::Answers if probe.is_some() => {
                    revocations::resume(&self.base.db, at).await?;
                    tracing::info!(project_connector.id = %at, "the provider revokes again");
                    (due.failures, probe) = (0, None);
                }
                Heard::Answers | Heard::Nothing => {}
            }
        }
    }

    /// Leaves a probe that had nothing to ask with to the next.
    async fn unasked(&self, due: &Due, probe: Option<Timestamp>) -> Result<(), Fault> {
        let Some(probe) = probe else { return Ok(()) };
        let at = due.project_connector;
        let now = self.base.now();
        let mut tx = self.base.begin().await?;
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
    /// is the outbox's from the start: whatever goes wrong here is tried again.
    pub(crate) async fn withdraw_now(&self, ended: &Connection) {
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
            self.ask_for(&provider.await?, &taken).await.map(drop)
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

    /// Asks for each of the rows, several at a time. As soon as the provider is not well, those not
    /// asked for yet are given back.
    async fn ask_for_all(
        &self,
        due: &Due,
        probe: Option<Timestamp>,
        taken: Vec<Revocation>,
    ) -> Result<Heard, Fault> {
        let lanes = taken.len().min(LANES);
        let left = Arc::new(Mutex::new(VecDeque::from(taken)));
        let mut asking = JoinSet::new();
        for _ in 0..lanes {
            let outbox = self.clone();
            let due = *due;
            let left = Arc::clone(&left);
            // A task of its own, so that no lane waits for the database while it holds another up.
            asking.spawn(async move { outbox.ask_in_lane(&due, probe, &left).await });
        }
        let mut heard = Heard::Nothing;
        while let Some(lane) = asking.join_next().await {
            let broken = |_| Fault::Inconsistent("asking a provider broke off");
            heard = heard.max(lane.map_err(broken)??);
        }
        Ok(heard)
    }

    async fn ask_in_lane(
        &self,
        due: &Due,
        probe: Option<Timestamp>,
        left: &Mutex<VecDeque<Revocation>>,
    ) -> Result<Heard, Fault> {
        let queue = || left.lock().unwrap_or_else(PoisonError::into_inner);
        let provider = self.requests.provider(due, probe).await?;
        let mut heard = Heard::Nothing;
        loop {
            let next = queue().pop_front();
            let Some(next) = next else { return Ok(heard) };
            heard = heard.max(self.ask_for(&provider, &next).await?);
            if heard == Heard::NotWell {
                let untried = std::mem::take(&mut *queue());
                self.give_back(untried).await?;
            }
        }
    }

    async fn give_back(&self, untried: VecDeque<Revocation>) -> Result<(), Fault> {
        let mut tx = self.base.begin().await?;
        for row in &untried {
            revocations::release(&mut tx, row, self.base.now()).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn ask_for(&self, provider: &Provider, taken: &Revocation) -> Result<Heard, Fault> {
        let now = self.base.now();
        let waits_for_refresh = taken.requested_at.after(schedule::WAITS_FOR_REFRESH) > now;
        let is_refreshed = revocations::is_refreshed(&self.base.db, taken.connection).await?;
        if waits_for_refresh && is_refreshed {
            let soon = now.after(schedule::REFRESH);
            let mut tx = self.base.begin().await?;
            revocations::postpone(&mut tx, taken.connection, soon, "a refresh is under way")
                .await?;
            tx.commit().await?;
            return Ok(Heard::Nothing);
        }
        let connection = connections::find(&self.base.db, taken.tenant, taken.connection).await?;
        let connection = connection.ok_or(Fault::Inconsistent("an ended connection is gone"))?;
        let seen = tokens::of(&self.base.db, connection.id).await?;
        let (mut asked, dead) = self.requests.ask_provider(provider, &connection).await?;
        crash_point!("revocation.answered");
        let in_doubt = is_refreshed || seen.iter().any(|token| token.in_doubt);
        if in_doubt && asked == Asked::Confirmed && provider.may_have_made_another() {
            asked = Asked::InDoubt;
        }
        let is_over = taken.requested_at <= now.before(schedule::GIVES_UP_AFTER);
        let outcome = asked.outcome(is_over);
        let mut tx = self.base.begin().await?;
        for token in seen.iter().filter(|token| dead.contains(&token.kind)) {
            revocations::erase_token(&mut tx, taken.connection, &token.kind, token.generation)
                .await?;
        }
        let heard = match asked {
            Asked::Confirmed => self.confirmed(&mut tx, taken, &seen, false).await?,
            Asked::InDoubt => self.confirmed(&mut tx, taken, &seen, true).await?,
            Asked::Cannot(why) => {
                self.ends(&mut tx, taken, RevocationStatus::ProviderCannot, &why).await?;
                Heard::Nothing
            }
            Asked::Refused(why) if is_over => {
                self.ends(&mut tx, taken, RevocationStatus::GaveUp, &why).await?;
                Heard::Answers
            }
            Asked::Refused(why) => {
                let next = now.after(schedule::backoff(taken.attempts, &self.base.entropy));
                revocations::postpone(&mut tx, taken.connection, next, &why).await?;
                tracing::warn!(connection.id = %taken.connection, why, "not revoked yet");
                Heard::Answers
            }
            Asked::NotNow { why, wait } => {
                self.pause(&mut tx, taken, provider, (&why, wait)).await?;
                Heard::NotWell
            }
        };
        tx.commit().await?;
        self.base.metrics.revoked(&taken.connector, outcome);
        Ok(heard)
    }

    /// Returns the provider has confirmed the end of what was seen; a refresh may have stored more
    /// since.
    async fn confirmed(
        &self,
        tx: &mut Tx,
        taken: &Revocation,
        seen: &[Token],
        in_doubt: bool,
    ) -> Result<Heard, Fault> {
        let id = taken.connection;
        let now = self.base.now();
        for token in seen {
            revocations::erase_token(tx, id, &token.kind, token.generation).await?;
        }
        if revocations::has_tokens(tx, id).await? {
            revocations::postpone(tx, id, now, "it was refreshed meanwhile").await?;
            return Ok(Heard::Answers);
        }
        if in_doubt {
            self.ends(tx, taken, RevocationStatus::ProviderCannot, IN_DOUBT).await?;
            return Ok(Heard::Answers);
        }
        revocations::erase(tx, id).await?;
        revocations::settle(tx, id, RevocationStatus::ProviderConfirmed, None, now).await?;
        tracing::info!(connection.id = %id, "revoked at the provider");
        Ok(Heard::Answers)
    }

    /// Ends what nobody asks for any more.
    async fn ends(
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

    /// Leaves the provider alone. What has waited for long enough has waited in vain.
    async fn pause(
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

/// What a provider has shown of itself, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Heard {
    /// It was not asked.
    Nothing,
    /// It answers.
    Answers,
    /// It is down, or wants to be left alone.
    NotWell,
}
