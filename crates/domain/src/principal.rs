use crate::{AgentId, ApiKeyId, EndUserId, Environment, ProjectId};

/// A project in one environment: the ground on which everything of a customer lies. No look-up
/// crosses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tenant {
    /// The project.
    pub project: ProjectId,
    /// The environment.
    pub environment: Environment,
}

/// Who holds the key of a request: a project, in one environment, as one agent.
///
/// Only authentication makes one; every look-up of a project's things takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The project and environment the key belongs to.
    pub tenant: Tenant,
    /// The agent the request acts as.
    pub agent: AgentId,
    /// The key itself, for the records.
    pub api_key: ApiKeyId,
}

/// A principal together with the end user it acts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who holds the key.
    pub principal: Principal,
    /// The end user the agent acts for, where the request named one.
    pub end_user: Option<EndUserId>,
}
