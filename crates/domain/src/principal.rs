use crate::{
    Actor, AdminAccess, AdminTokenId, AgentId, ApiKeyId, ConnectorSlug, EndUserId, Environment,
    MemberId, ProjectId, SessionId, ToolName,
};

/// A project in one environment: everything of a customer belongs to one. No look-up crosses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tenant {
    /// The project.
    pub project: ProjectId,
    /// The environment.
    pub environment: Environment,
}

/// Whom a runtime request comes from: a project, in one environment, as one agent.
///
/// Only authentication makes one; every look-up of a project's things takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The project and environment it belongs to.
    pub tenant: Tenant,
    /// The agent the request acts as.
    pub agent: AgentId,
    /// What it was proven with, for the records.
    pub credential: RuntimeCredential,
}

/// What a runtime request is authenticated with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuntimeCredential {
    /// The developer's backend, which acts for any of its end users.
    ApiKey {
        /// Which one.
        id: ApiKeyId,
        /// The only agent it may act as.
        agent: Option<AgentId>,
        /// The only connectors it may use, where not all of its agent's.
        connectors: Option<Vec<ConnectorSlug>>,
    },
    /// One end user's session.
    Session {
        /// Which one.
        id: SessionId,
        /// The only connectors it may use, where not all of its agent's.
        connectors: Option<Vec<ConnectorSlug>>,
        /// The only tools it may use, where not all of its agent's.
        tools: Option<Vec<ToolName>>,
    },
}

impl RuntimeCredential {
    /// Returns whether this credential allows a tool; other rules may still refuse it.
    pub fn allows(&self, tool: &ToolName) -> bool {
        self.tools().is_none_or(|tools| tools.contains(tool))
    }

    /// Returns the tools that it is limited to; none where it is not limited.
    pub fn tools(&self) -> Option<&[ToolName]> {
        match self {
            Self::ApiKey { .. } => None,
            Self::Session { tools, .. } => tools.as_deref(),
        }
    }

    /// Returns whether this credential allows a connector; other rules may still refuse it.
    pub fn allows_connector(&self, connector: &ConnectorSlug) -> bool {
        self.connectors().is_none_or(|connectors| connectors.contains(connector))
    }

    /// Returns the connectors that it is limited to; none where it is not limited.
    pub fn connectors(&self) -> Option<&[ConnectorSlug]> {
        match self {
            Self::ApiKey { connectors, .. } | Self::Session { connectors, .. } => {
                connectors.as_deref()
            }
        }
    }

    /// Returns whether it is limited to less than its whole project: every session is, and a key
    /// that is bound to an agent or to some connectors.
    pub fn is_narrowed(&self) -> bool {
        match self {
            Self::ApiKey { agent, connectors, .. } => agent.is_some() || connectors.is_some(),
            Self::Session { .. } => true,
        }
    }
}

impl From<&RuntimeCredential> for Actor {
    fn from(credential: &RuntimeCredential) -> Self {
        match credential {
            RuntimeCredential::ApiKey { id, .. } => Self::ApiKey(*id),
            RuntimeCredential::Session { id, .. } => Self::Session(*id),
        }
    }
}

/// A principal together with the end user it acts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whom the request comes from.
    pub principal: Principal,
    /// The end user the agent acts for, where the request named one.
    pub end_user: Option<EndUserId>,
}

/// A member who administers, as an admin token proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Administrator {
    /// Who.
    pub member: MemberId,
    /// The admin token it was proven with, for the records.
    pub token: AdminTokenId,
    /// What the token allows.
    pub access: AdminAccess,
}
