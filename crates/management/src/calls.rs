//! The call log of a project, and what there was on each day.

mod usage;

use std::sync::Arc;

use astralform_domain::{CallId, Environment, Owner, Tenant};
use astralform_engine::{Base, Engine, Fault};
pub use astralform_storage::calls::{
    CallFilter, CallPage, CallPart, InvalidPlace, ListedCall, Place,
};
use astralform_storage::connections;

use crate::{Denied, ProjectActor, policy::Right};
pub use usage::{Percentiles, Usage, UsageError, UsageSearch};

/// Reads the call log.
#[derive(Clone)]
pub struct Calls {
    base: Arc<Base>,
}

impl Calls {
    pub(crate) fn new(engine: &Engine) -> Self {
        Self { base: Arc::clone(engine.base()) }
    }

    /// Returns calls of an environment, the newest first, the part that is wanted.
    ///
    /// # Errors
    /// When the actor may not see them.
    pub async fn page(
        &self,
        by: &ProjectActor,
        environment: Environment,
        filter: CallFilter,
        part: CallPart,
    ) -> Result<CallPage, Denied<Fault>> {
        let tenant = by.may(Right::Look)?.tenant(environment);
        let filter = self.narrowed(tenant, filter).await.map_err(Denied::Refused)?;
        let page = self.base.calls().store().page(tenant, &filter, part).await;
        page.map_err(|error| Denied::Refused(error.into()))
    }

    /// Returns a call.
    ///
    /// # Errors
    /// When the actor may not see it.
    pub async fn find(
        &self,
        by: &ProjectActor,
        environment: Environment,
        id: CallId,
    ) -> Result<Option<ListedCall>, Denied<Fault>> {
        let filter = CallFilter { id: Some(id), ..CallFilter::default() };
        let mut part = CallPart { after: None, limit: 1 };
        loop {
            let mut page = self.page(by, environment, filter.clone(), part).await?;
            match page.next {
                Some(next) if page.calls.is_empty() => part.after = Some(next),
                _ => return Ok(page.calls.pop()),
            }
        }
    }

    /// Says of a search for what a connection paid whose that is: an end user's calls are together.
    async fn narrowed(&self, tenant: Tenant, filter: CallFilter) -> Result<CallFilter, Fault> {
        let (Some(id), None) = (filter.connection, &filter.end_user) else { return Ok(filter) };
        let known = connections::find(self.base.db(), tenant, id).await?;
        let end_user = known.and_then(|connection| match connection.owner {
            Owner::EndUser(end_user) => Some(end_user),
            _ => None,
        });
        Ok(CallFilter { end_user, ..filter })
    }
}
