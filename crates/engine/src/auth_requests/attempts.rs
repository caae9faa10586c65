//! How much may be asked: how often a link is tried, and how many requests there are.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use astralform_domain::{
    AuthFailure, AuthRequest, AuthStatus, EndUserKey, Tenant, Timestamp,
    limits::{self, Limit},
};
use astralform_storage::{Tx, auth_requests};

use super::BeginError;
use crate::{
    Fault, Unusable,
    auth_requests::{Prompts, close::FlowEnd},
};

/// How many auth requests of each environment are open, counted a while ago and kept up since: the
/// limit is high, and counting so many for each request would be slow.
#[derive(Default)]
pub(crate) struct OpenPrompts(Mutex<HashMap<Tenant, CountedPrompts>>);

#[derive(Clone, Copy)]
struct CountedPrompts {
    at: Timestamp,
    number: i64,
}

/// For how long a count is believed.
const BELIEVED: Duration = Duration::from_secs(10);

/// The most environments whose counts are kept.
const ENVIRONMENTS: usize = 10_000;

impl OpenPrompts {
    /// Returns how many there are, counted by `count` where that is not known.
    async fn number(
        &self,
        tenant: Tenant,
        now: Timestamp,
        count: impl Future<Output = Result<i64, Fault>>,
    ) -> Result<i64, Fault> {
        let known = self.lock().get(&tenant).copied();
        if let Some(counted) = known.filter(|counted| counted.at.after(BELIEVED) > now) {
            return Ok(counted.number);
        }
        let number = count.await?;
        let mut all = self.lock();
        if all.len() >= ENVIRONMENTS {
            all.clear();
        }
        all.insert(tenant, CountedPrompts { at: now, number });
        Ok(number)
    }

    /// Counts one more.
    pub(super) fn add(&self, tenant: Tenant) {
        if let Some(counted) = self.lock().get_mut(&tenant) {
            counted.number += 1;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Tenant, CountedPrompts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Prompts {
    /// Returns whether an environment may have another open auth request.
    pub(super) async fn has_room(&self, tenant: Tenant) -> Result<bool, Fault> {
        let most = rows(limits::OPEN_PROMPTS);
        let count = async { Ok(auth_requests::open_in(&self.base.db, tenant, most).await?) };
        Ok(self.state.open_prompts.number(tenant, self.base.now(), count).await? < most)
    }

    /// Refuses a request that has just been stored, where there are too many with it, and forgets
    /// the oldest of the end user's that are over.
    pub(super) async fn make_room(
        &self,
        tx: &mut Tx,
        end_user: Option<EndUserKey>,
        has_room: bool,
    ) -> Result<Result<(), Unusable>, Fault> {
        let Some(end_user) = end_user.filter(|_| has_room) else {
            return Ok(if has_room { Ok(()) } else { Err(Unusable::TooManyPrompts) });
        };
        let most = rows(limits::OPEN_PROMPTS_OF_END_USER);
        if auth_requests::open_of(tx, end_user, most + 1).await? > most {
            return Ok(Err(Unusable::TooManyPrompts));
        }
        auth_requests::forget_ended(tx, end_user, rows(limits::ENDED_PROMPTS)).await?;
        Ok(Ok(()))
    }

    /// Counts an attempt at a link, and gives its holder time until `until`; returns whether there
    /// was an attempt left.
    pub(super) async fn count_attempt(
        &self,
        tx: &mut Tx,
        request: &AuthRequest,
        until: Timestamp,
    ) -> Result<bool, Fault> {
        let most = rows(limits::LINK_ATTEMPTS);
        Ok(auth_requests::attempt(tx, request.id, until, most).await?)
    }

    /// Ends a request that has no attempts left, so that the next question makes a new one; returns
    /// why its link is of no use.
    pub(super) async fn without_attempts(
        &self,
        request: &AuthRequest,
    ) -> Result<BeginError, Fault> {
        let found = auth_requests::find_in_any_tenant(&self.base.db, request.id).await?;
        let now = self.base.now();
        if found.is_none_or(|found| found.status_at(now) != AuthStatus::Pending) {
            return Ok(BeginError::NotPending);
        }
        self.close(request, FlowEnd::Failed(AuthFailure::TooManyAttempts)).await?;
        Ok(BeginError::TooManyAttempts)
    }
}

fn rows(limit: Limit) -> i64 {
    limit.value.try_into().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn f15_open_requests_are_counted_now_and_then_and_kept_up_meanwhile() {
        let prompts = OpenPrompts::default();
        let tenant = Tenant {
            project: "proj_01MCC5RM0057CRQEQV3TS85WNJ".parse().unwrap(),
            environment: astralform_domain::Environment::Live,
        };
        let number = async |at, counted| {
            let now = Timestamp::from_secs(at);
            prompts.number(tenant, now, async { Ok(counted) }).await.unwrap()
        };
        assert_eq!(number(100, 7).await, 7);
        prompts.add(tenant);
        assert_eq!(number(109, 99).await, 8);
        assert_eq!(number(110, 99).await, 99);
    }
}
