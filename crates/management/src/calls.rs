//! The call log of a project, and what there was on each day.

mod usage;

use std::sync::Arc;

use astralform_domain::{
    AgentId, CallId, CallOutcome, ConnectionId, ConnectorSlug, EndUserId, Environment, Owner,
    RequestId, Tenant, Timestamp,
};
use astralform_engine::{Base, Engine, Fault};
pub use astralform_storage::calls::{CallPage, InvalidPlace, ListedCall, Place};
use astralform_storage::{calls::CallFilter, connections};

use crate::{Denied, ProjectActor, policy::Right};
pub use usage::{Percentiles, Usage, UsageError, UsageSearch};

/// Which calls are looked for: those that match every field that is set.
#[derive(Clone, Debug, Default)]
pub struct CallSearch {
    /// That ended then or later.
    pub since: Option<Timestamp>,
    /// That ended before then.
    pub until: Option<Timestamp>,
    /// This call alone.
    pub id: Option<CallId>,
    /// That came by this request.
    pub request: Option<RequestId>,
    /// For this end user.
    pub end_user: Option<EndUserId>,
    /// Paid by this connection.
    pub connection: Option<ConnectionId>,
    /// By this agent.
    pub agent: Option<AgentId>,
    /// Of this connector's tools.
    pub connector: Option<ConnectorSlug>,
    /// Of this tool.
    pub tool: Option<String>,
    /// That ended so.
    pub outcome: Option<CallOutcome>,
    /// For this reason.
    pub reason: Option<String>,
}

/// Reads the call log.
#[derive(Clone)]
pub struct Calls {
    base: Arc<Base>,
}

impl Calls {
    pub(crate) fn new(engine: &Engine) -> Self {
        Self { base: Arc::clone(engine.base()) }
    }

    /// Returns calls of an environment, the newest first, from a place on and `limit` at most.
    ///
    /// # Errors
    /// When the actor may not see them.
    pub async fn page(
        &self,
        by: &ProjectActor,
        environment: Environment,
        search: CallSearch,
        after: Option<Place>,
        limit: i64,
    ) -> Result<CallPage, Denied<Fault>> {
        let tenant = by.may(Right::Look)?.tenant(environment);
        let search = self.narrowed(tenant, search).await.map_err(Denied::Refused)?;
        let CallSearch { since, until, id, request, end_user, connection, .. } = search;
        let CallSearch { agent, connector, tool, outcome, reason, .. } = search;
        let filter = CallFilter {
            tenant,
            since,
            until,
            id,
            request,
            end_user,
            connection,
            agent,
            connector,
            tool,
            outcome,
            reason,
            after,
            limit,
        };
        let page = self.base.calls().store().page(&filter).await;
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
        let mut search = CallSearch { id: Some(id), ..CallSearch::default() };
        let mut after = None;
        loop {
            let mut page = self.page(by, environment, search.clone(), after, 1).await?;
            let Some(next) = page.next.filter(|_| page.calls.is_empty()) else {
                return Ok(page.calls.pop());
            };
            after = Some(next);
            search.until = page.searched_back_to;
        }
    }

    /// Says of a search for what a connection paid whose that is: an end user's calls are together.
    async fn narrowed(&self, tenant: Tenant, search: CallSearch) -> Result<CallSearch, Fault> {
        let (Some(id), None) = (search.connection, &search.end_user) else { return Ok(search) };
        let known = connections::find(self.base.db(), tenant, id).await?;
        let end_user = known.and_then(|connection| match connection.owner {
            Owner::EndUser(end_user) => Some(end_user),
            _ => None,
        });
        Ok(CallSearch { end_user, ..search })
    }
}
