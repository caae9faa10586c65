//! What a caller may see of connections and prompts.

use std::{collections::BTreeSet, sync::Arc};

use astralform_domain::{Caller, ConnectorSlug, Principal, RuntimeCredential};
use astralform_storage::agents::Agent;

use super::Offers;
use crate::{Fault, may_use::may_see_connector};

impl Offers {
    /// Returns the connectors that a caller's credential is limited to; none where it is not
    /// limited.
    pub(crate) async fn visible_connectors(
        &self,
        caller: &Caller,
    ) -> Result<Option<BTreeSet<ConnectorSlug>>, Fault> {
        if !caller.principal.credential.is_narrowed() {
            return Ok(None);
        }
        let bound = self.bound_agent(caller).await?;
        let all = self.base.catalog.connectors().map(|connector| &connector.slug);
        let seen = all.filter(|slug| self.sees(caller, bound.as_deref(), slug));
        Ok(Some(seen.cloned().collect()))
    }

    /// Returns whether a caller may see what there is of a connector. One whose credential is bound
    /// to an agent sees what is assigned to that agent.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn may_see(&self, caller: &Caller, connector: &ConnectorSlug) -> Result<bool, Fault> {
        let bound = self.bound_agent(caller).await?;
        Ok(self.sees(caller, bound.as_deref(), connector))
    }

    fn sees(&self, caller: &Caller, bound: Option<&Agent>, connector: &ConnectorSlug) -> bool {
        let credential = &caller.principal.credential;
        let is_assigned = bound.is_none_or(|agent| agent.assigned(connector).is_some());
        is_assigned && may_see_connector(credential, &self.base.catalog, connector)
    }

    /// Returns the agent that a caller's credential is bound to.
    async fn bound_agent(&self, caller: &Caller) -> Result<Option<Arc<Agent>>, Fault> {
        let Principal { tenant, agent, credential } = &caller.principal;
        let is_bound = match credential {
            RuntimeCredential::ApiKey { agent, .. } => agent.is_some(),
            RuntimeCredential::Session { .. } => true,
        };
        if !is_bound {
            return Ok(None);
        }
        let found = self.cache.agent(tenant.project, *agent).await?;
        found.map(Some).ok_or(Fault::Inconsistent("a caller's agent is gone"))
    }
}
