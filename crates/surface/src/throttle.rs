//! Who may take how much of the node.
//!
//! Addresses without a credential, end users and members are bounded by rates. API keys, sessions
//! and projects are not, as long as no other caller wants the node: then each gets its share
//! (`shares`). A request that comes too early waits for its turn for a moment; one that would wait
//! longer is refused, and its refusal waits, so that a caller who asks again and again costs
//! little.

mod bucket;
mod rates;
mod shares;

use std::{
    hash::{BuildHasher as _, Hash, RandomState},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use astralform_domain::{
    Administrator, ApiKeyId, Caller, EndUserId, MemberId, ProjectId, RuntimeCredential, SessionId,
    Tenant, limits,
};
use astralform_http::{
    CallerOrigin, Link, Rate,
    rate::{Moment, now},
};
use quick_cache::sync::Cache;
use tokio::time::{sleep, timeout};

use crate::{
    Problem, Refusal,
    bodies::Bodies,
    served::{Served, Stopwatch},
};
pub(crate) use bucket::Bucket;
pub use rates::Rates;
pub use shares::Machine;
use shares::Shares;
pub(crate) use shares::Turn;

/// What all callers have taken lately.
pub(crate) struct Throttle {
    rates: Rates,
    machine: Machine,
    buckets: Cache<u64, Arc<Bucket>>,
    hash: RandomState,
    credentials: Shares,
    projects: Shares,
    bodies: Arc<Bodies>,
    /// How many requests wait for their turn, and refusals to be sent.
    waiting: AtomicUsize,
}

/// The owner of a bucket.
#[derive(Hash)]
enum Who<'a> {
    Visitor(CallerOrigin),
    EndUser(Tenant, &'a EndUserId),
    Member(MemberId),
    Key(ApiKeyId),
    Session(SessionId),
    Project(ProjectId),
}

/// How long a request waits for its turn at most.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// How long a refusal waits.
const PENANCE: Duration = Duration::from_secs(1);

/// Returns when a request that comes now has waited for its turn as long as it may.
fn latest() -> Moment {
    now().saturating_add(u64::try_from(LONGEST_WAIT.as_nanos()).unwrap_or(u64::MAX))
}

fn left(until: Moment, now: Moment) -> Duration {
    Duration::from_nanos(until.saturating_sub(now))
}

/// A place among those that wait, until it is dropped.
struct WaitingRequest<'a>(&'a AtomicUsize);

impl Drop for WaitingRequest<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Throttle {
    pub(crate) fn new(rates: Rates, machine: Machine) -> Self {
        Self {
            rates,
            machine,
            buckets: Cache::new(limits::THROTTLED.count()),
            hash: RandomState::new(),
            credentials: Shares::new(machine),
            projects: Shares::new(machine),
            bodies: Arc::default(),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Returns the clock for a request's work. While several callers want more than there is, that
    /// is the time of the processor, so that no caller pays for the moments in which the process
    /// had none; else the time on the wall, which costs less to read.
    pub(crate) fn clock(&self) -> Stopwatch {
        if self.credentials.is_busy() {
            Stopwatch(self.machine.used_by_thread)
        } else {
            Stopwatch::WALL
        }
    }

    /// Forgets callers that have nothing under way and could take all of their rate.
    pub(crate) fn drop_idle(&self) {
        let now = now();
        self.buckets.retain(|_, bucket| Arc::strong_count(bucket) > 1 || !bucket.is_full(now));
    }

    /// Waits before a refusal for which much was read in vain, while several want more of the node
    /// than there is.
    pub(crate) async fn slow_down(&self) {
        if self.credentials.is_busy()
            && let Some(_waiting) = self.begin_waiting()
        {
            sleep(PENANCE).await;
        }
    }

    /// Returns the room for the bodies of all.
    pub(crate) fn bodies(&self) -> &Arc<Bodies> {
        &self.bodies
    }

    /// Returns what an address has taken.
    pub(crate) fn visitor(&self, origin: CallerOrigin) -> Arc<Bucket> {
        self.bucket(&Who::Visitor(origin))
    }

    /// Returns whether an address has asked so often in vain that it is not listened to.
    pub(crate) fn is_exhausted(&self, served: &Served) -> bool {
        served
            .origin
            .is_some_and(|origin| self.visitor(origin).meter.is_empty(self.rates.visitor, now()))
    }

    /// Admits a request for which no credential answers, when its address may have one more.
    pub(crate) async fn admit_visitor(&self, served: &Served) -> Result<(), Problem> {
        let Some(origin) = served.origin else { return Ok(()) };
        let until = latest();
        self.take(served, &self.visitor(origin), self.rates.visitor, until).await
    }

    /// Refuses a request of an address that is not listened to.
    pub(crate) async fn refuse_stranger(&self, served: &Served) -> Problem {
        self.refuse(served, PENANCE).await
    }

    /// Admits a runtime request, when its end user, its credential and its project may have one
    /// more.
    pub(crate) async fn admit(&self, served: &Arc<Served>, caller: &Caller) -> Result<(), Problem> {
        let tenant = caller.principal.tenant;
        let credential = match &caller.principal.credential {
            RuntimeCredential::ApiKey { id, .. } => Who::Key(*id),
            RuntimeCredential::Session { id, .. } => Who::Session(*id),
        };
        let is_key = matches!(credential, Who::Key(_));
        let credential = self.bucket(&credential);
        served.admit(Arc::clone(&credential));
        let until = latest();
        if let Some(end_user) = &caller.end_user {
            let bucket = self.bucket(&Who::EndUser(tenant, end_user));
            self.take(served, &bucket, self.rates.end_user, until).await?;
            self.take_place(served, &bucket, until).await?;
        }
        if let Some(rate) = self.rates.key.filter(|_| is_key) {
            self.take(served, &credential, rate, until).await?;
        }
        let project = self.bucket(&Who::Project(tenant.project));
        if let Some(rate) = self.rates.project {
            self.take(served, &project, rate, until).await?;
        }
        self.take_turn(served, &self.credentials, &credential, until).await?;
        self.take_turn(served, &self.projects, &project, until).await
    }

    /// Admits a request of a member, when they may have one more.
    pub(crate) async fn admit_member(
        &self,
        served: &Arc<Served>,
        administrator: Administrator,
    ) -> Result<(), Problem> {
        let bucket = self.bucket(&Who::Member(administrator.member));
        served.admit(Arc::clone(&bucket));
        let until = latest();
        self.take(served, &bucket, self.rates.member, until).await?;
        self.take_place(served, &bucket, until).await?;
        self.take_turn(served, &self.credentials, &bucket, until).await
    }

    fn bucket(&self, who: &Who<'_>) -> Arc<Bucket> {
        let key = self.hash.hash_one(who);
        let made = self
            .buckets
            .get_or_insert_with(&key, || Ok::<_, std::convert::Infallible>(Arc::default()));
        match made {
            Ok(bucket) => bucket,
            Err(never) => match never {},
        }
    }

    /// Takes one of a rate, and waits for its turn.
    async fn take(
        &self,
        served: &Served,
        bucket: &Bucket,
        rate: Rate,
        until: Moment,
    ) -> Result<(), Problem> {
        let now = now();
        match bucket.meter.take(rate, now, left(until, now)) {
            Ok(Duration::ZERO) => Ok(()),
            Ok(wait) => self.wait(served, wait).await,
            Err(retry_after) => Err(self.refuse(served, retry_after).await),
        }
    }

    /// Takes one of the places of those who are served at the same time.
    async fn take_place(
        &self,
        served: &Served,
        bucket: &Bucket,
        until: Moment,
    ) -> Result<(), Problem> {
        let places = Arc::clone(&bucket.places);
        if let Ok(permit) = Arc::clone(&places).try_acquire_owned() {
            served.hold_permit(permit);
            return Ok(());
        }
        let waiting = self.begin_waiting();
        let taken = match &waiting {
            Some(_) => timeout(left(until, now()), places.acquire_owned()).await,
            None => return Err(self.refuse(served, PENANCE).await),
        };
        drop(waiting);
        if let Ok(Ok(permit)) = taken {
            served.hold_permit(permit);
            return Ok(());
        }
        Err(Problem::from(Refusal::TooManyAtOnce).retry_after(1))
    }

    /// Takes a turn of a share of the node.
    async fn take_turn(
        &self,
        served: &Served,
        shares: &Shares,
        bucket: &Arc<Bucket>,
        until: Moment,
    ) -> Result<(), Problem> {
        let now = now();
        match shares.take(bucket, now, left(until, now)) {
            Ok((turn, wait)) => {
                served.hold_turn(turn);
                if wait.is_zero() { Ok(()) } else { self.wait(served, wait).await }
            }
            Err(retry_after) => Err(self.refuse(served, retry_after).await),
        }
    }

    async fn wait(&self, served: &Served, how_long: Duration) -> Result<(), Problem> {
        let Some(_waiting) = self.begin_waiting() else {
            return Err(self.refuse(served, PENANCE).await);
        };
        sleep(how_long).await;
        Ok(())
    }

    /// Refuses a request; its connection makes way for others meanwhile.
    async fn refuse(&self, served: &Served, retry_after: Duration) -> Problem {
        let origin = served.origin.as_ref().map(tracing::field::display);
        tracing::info!(address = origin, "requests come too fast and are refused");
        if let Some(_waiting) = self.begin_waiting() {
            let _yielding = served.link.as_deref().map(Link::yielding);
            sleep(PENANCE).await;
        }
        let seconds = retry_after.as_secs_f64().ceil().max(1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number of seconds, 1 or more, cut off at the largest"
        )]
        let seconds = seconds as u32;
        Problem::from(Refusal::RateLimited).retry_after(seconds)
    }

    fn begin_waiting(&self) -> Option<WaitingRequest<'_>> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = WaitingRequest(&self.waiting);
        (!limits::QUEUE.is_exceeded_by(before + 1)).then_some(waiting)
    }
}

#[cfg(test)]
mod tests;
