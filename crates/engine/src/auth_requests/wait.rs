use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use astralform_domain::{
    ApiKeyId, AuthRequestId, AuthStatus, Principal, RuntimeCredential, SessionId, limits,
};
use tokio::{
    sync::{broadcast, watch},
    time::{Instant, sleep_until},
};

use super::Prompt;
use crate::{Fault, auth_requests::Prompts};

/// The channel that tells those who wait, on this node, that an auth request has changed.
pub(crate) struct AuthRequestChanges(broadcast::Sender<AuthRequestId>);

/// Who waits for an end user, on this node.
#[derive(Default)]
pub(crate) struct Waiters(Mutex<WaiterCounts>);

#[derive(Default)]
struct WaiterCounts {
    all: usize,
    of_each: HashMap<Waiter, usize>,
}

/// A credential that waits for end users, or a flow whose browser came back again.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Waiter {
    ApiKey(ApiKeyId),
    Session(SessionId),
    Flow(AuthRequestId),
}

/// A place among those who wait, until this is dropped.
struct CountedWaiter<'a> {
    waiters: &'a Waiters,
    waiter: Waiter,
}

/// A wait for an auth request to change.
pub(super) struct AuthRequestWait<'a> {
    id: AuthRequestId,
    changes: broadcast::Receiver<AuthRequestId>,
    _counted: CountedWaiter<'a>,
}

/// For how long an end user is waited for.
#[derive(Clone, Debug, Default)]
pub struct Patience {
    /// How long at most.
    pub at_most: Duration,
    /// Closed when the caller has hung up, where their request goes on without them.
    pub caller: Option<watch::Receiver<()>>,
}

/// How often the database is asked as well: other nodes change things too.
const POLL: Duration = Duration::from_secs(1);

impl Default for AuthRequestChanges {
    fn default() -> Self {
        Self(broadcast::channel(256).0)
    }
}

impl AuthRequestChanges {
    /// Tells those who wait, if any do.
    pub(crate) fn announce(&self, id: AuthRequestId) {
        let _ = self.0.send(id);
    }
}

impl From<&Principal> for Waiter {
    fn from(principal: &Principal) -> Self {
        match principal.credential {
            RuntimeCredential::ApiKey { id, .. } => Self::ApiKey(id),
            RuntimeCredential::Session { id, .. } => Self::Session(id),
        }
    }
}

impl AuthRequestWait<'_> {
    /// Waits for a change, for a look at what other nodes have changed, or until that moment.
    pub(super) async fn for_a_change(&mut self, at_most: Instant) {
        let poll = at_most.min(Instant::now() + POLL);
        tokio::select! {
            () = changed(&mut self.changes, self.id) => {}
            () = sleep_until(poll) => {}
        }
    }
}

impl Waiters {
    /// Counts one more, unless there are as many as there may be.
    fn enter(&self, waiter: Waiter) -> Option<CountedWaiter<'_>> {
        let mut counts = self.lock();
        let of_one = counts.of_each.get(&waiter).copied().unwrap_or_default();
        if limits::WAITERS.is_exceeded_by(counts.all + 1)
            || limits::WAITERS_OF_CREDENTIAL.is_exceeded_by(of_one + 1)
        {
            return None;
        }
        counts.all += 1;
        counts.of_each.insert(waiter, of_one + 1);
        Some(CountedWaiter { waiters: self, waiter })
    }

    fn lock(&self) -> MutexGuard<'_, WaiterCounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for CountedWaiter<'_> {
    fn drop(&mut self) {
        let mut counts = self.waiters.lock();
        counts.all -= 1;
        let left = counts.of_each.get(&self.waiter).copied().unwrap_or_default().saturating_sub(1);
        if left == 0 {
            counts.of_each.remove(&self.waiter);
        } else {
            counts.of_each.insert(self.waiter, left);
        }
    }
}

impl Patience {
    /// Ends when the caller has hung up.
    async fn ends(&mut self) {
        if let Some(caller) = &mut self.caller {
            while caller.changed().await.is_ok() {}
        } else {
            std::future::pending::<()>().await;
        }
    }
}

impl Prompts {
    /// Begins to wait for what a browser brought before; returns `None` where as many wait already
    /// as may.
    pub(super) fn begin_waiting_for_flow(&self, id: AuthRequestId) -> Option<AuthRequestWait<'_>> {
        let counted = self.state.waiters.enter(Waiter::Flow(id))?;
        Some(AuthRequestWait { id, changes: self.state.changes.0.subscribe(), _counted: counted })
    }

    /// Returns the auth request as soon as it is `settled`, or as it is when the patience ends.
    /// Where too many wait already, it is answered as it is now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn wait(
        &self,
        principal: &Principal,
        id: AuthRequestId,
        mut patience: Patience,
        settled: impl Fn(AuthStatus) -> bool,
    ) -> Result<Option<Prompt>, Fault> {
        let tenant = principal.tenant;
        let waiter = self.state.waiters.enter(principal.into());
        let at_most = if waiter.is_some() { patience.at_most } else { Duration::ZERO };
        let end = Instant::now() + at_most;
        let mut changes = self.state.changes.0.subscribe();
        loop {
            let prompt = self.prompt(tenant, id).await?;
            let done = prompt.as_ref().is_none_or(|prompt| settled(prompt.status));
            if done || Instant::now() >= end {
                return Ok(prompt);
            }
            let poll = end.min(Instant::now() + POLL);
            tokio::select! {
                () = changed(&mut changes, id) => {}
                () = sleep_until(poll) => {}
                () = patience.ends() => return Ok(prompt),
            }
        }
    }
}

/// Waits for a change of `id`; having missed some counts as one.
async fn changed(changes: &mut broadcast::Receiver<AuthRequestId>, id: AuthRequestId) {
    while let Ok(other) = changes.recv().await {
        if other == id {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use astralform_domain::{AgentId, Clock, Entropy, Environment, ProjectId, Tenant, Timestamp};

    use super::*;

    #[test]
    fn f17_so_many_callbacks_of_one_flow_wait() {
        let clock = Clock::manual(Timestamp::from_secs(1));
        let entropy = Entropy::seeded(1);
        let one = AuthRequestId::new(&clock, &entropy);
        let other = AuthRequestId::new(&clock, &entropy);
        let waiters = Waiters::default();
        let most = limits::WAITERS_OF_CREDENTIAL.count();
        let of_one = |_| waiters.enter(Waiter::Flow(one));
        let waiting: Vec<_> = (0..most + 9).filter_map(of_one).collect();
        assert_eq!(waiting.len(), most);
        assert!(waiters.enter(Waiter::Flow(other)).is_some());
    }

    #[test]
    fn f17_so_many_wait_of_each_credential_and_of_all() {
        let clock = Clock::manual(Timestamp::from_secs(1));
        let entropy = Entropy::seeded(1);
        let principal = || Principal {
            tenant: Tenant {
                project: ProjectId::new(&clock, &entropy),
                environment: Environment::Test,
            },
            agent: AgentId::new(&clock, &entropy),
            credential: RuntimeCredential::ApiKey {
                id: ApiKeyId::new(&clock, &entropy),
                agent: None,
                connectors: None,
            },
        };
        let waiters = Waiters::default();
        let most = limits::WAITERS_OF_CREDENTIAL.count();
        let one = principal();
        let mut waiting: Vec<_> =
            (0..most).map(|_| waiters.enter((&one).into()).unwrap()).collect();
        assert!(waiters.enter((&one).into()).is_none());
        waiting.pop();
        waiting.extend(waiters.enter((&one).into()));
        let others: Vec<_> = (0..limits::WAITERS.count())
            .filter_map(|_| waiters.enter((&principal()).into()))
            .collect();
        assert_eq!(waiting.len() + others.len(), limits::WAITERS.count());
        drop((waiting, others));
        assert!(waiters.lock().of_each.is_empty());
    }
}
