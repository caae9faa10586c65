//! What callers are told of tools and connectors that they cannot use.
//!
//! A backend whose key is not narrowed learns the cause. Others get the same answer for what does
//! not exist and for what they may not use, and no name of what they may not use.

use std::{collections::BTreeSet, sync::Arc};

use astralform_catalog::{Connector, Tool};
use astralform_domain::{
    AgentName, Caller, ConnectorSlug, Environment, Principal, ProjectConnector, RuntimeCredential,
    Tenant, ToolName, texts::cut,
};
use astralform_storage::{
    agents::{self, Agent},
    project_connectors,
};
use thiserror::Error;

use crate::{
    Fault, NotEnabled, SettingsError,
    base::Base,
    cache::Cache,
    may_use::{Barrier, barrier, may_see_connector, may_use_tool},
    nearest::Nearest,
};

/// Why a connector is out of a caller's reach.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OutOfReach {
    /// It is not enabled.
    #[error(transparent)]
    NotEnabled(#[from] NotEnabled),
    /// The agent has a list of connectors, and this one is not on it.
    #[error(
        "the agent `{agent}` has not been assigned the connector `{connector}`: name an agent that \
         has it in X-Agent-ID, or have it assigned to this one"
    )]
    NotAssigned {
        /// The agent that the request acts as.
        agent: AgentName,
        /// The connector that was asked for.
        connector: ConnectorSlug,
    },
}

/// Why a caller has no tool of a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoTool {
    /// There is none, as far as the caller may know.
    #[error("there is no tool `{name}` here{nearest}: GET /v1/tools lists the tools there are")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What may have been meant.
        nearest: Nearest,
    },
    /// Its connector is out of reach.
    #[error("`{tool}` cannot be called: {why}")]
    OutOfReach {
        /// The tool that was asked for.
        tool: ToolName,
        /// Why its connector is.
        why: OutOfReach,
    },
    /// The agent has a part of the connector's tools, and this one is not of it.
    #[error(
        "the agent `{agent}` has not been assigned `{tool}`, only other tools of its connector: \
         name an agent that has it in X-Agent-ID, or have it assigned to this one"
    )]
    NotAssigned {
        /// The tool that was asked for.
        tool: ToolName,
        /// The agent that the request acts as.
        agent: AgentName,
    },
    /// The project connector has a list of tools, and this one is not on it.
    #[error(
        "`{tool}` is not among the `tools` that the connector `{connector}` offers in the \
         environment `{environment}`: add it with PATCH \
         /v1/projects/{{project}}/connectors/{connector}"
    )]
    NotOffered {
        /// The tool that was asked for.
        tool: ToolName,
        /// Its connector.
        connector: ConnectorSlug,
        /// Where it is enabled.
        environment: Environment,
    },
}

/// Why a caller cannot connect an account to a connector of a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoConnector {
    /// There is none, as far as the caller may know.
    #[error(
        "there is no connector `{name}` here{nearest}: its name is the first part of the names of \
         its tools, which GET /v1/tools lists"
    )]
    Unknown {
        /// What was asked for.
        name: ConnectorSlug,
        /// What may have been meant.
        nearest: Nearest,
    },
    /// It is out of reach.
    #[error(transparent)]
    OutOfReach(#[from] OutOfReach),
}

/// What a caller is offered, and why something is not.
#[derive(Clone)]
pub struct Offers {
    base: Arc<Base>,
    cache: Arc<Cache>,
}

impl Offers {
    pub(crate) fn new(base: &Arc<Base>, cache: &Arc<Cache>) -> Self {
        Self { base: Arc::clone(base), cache: Arc::clone(cache) }
    }

    /// Returns why a caller has no tool of that name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn no_tool(&self, caller: &Caller, name: &str) -> Result<NoTool, Fault> {
        if !caller.principal.credential.is_narrowed()
            && let Some((connector, tool)) = self.base.catalog.tool(name)
            && let Some(why) = self.why_no_tool(caller, connector, tool).await?
        {
            return Ok(why);
        }
        let nearest = self.nearest_tools(caller, name).await?;
        Ok(NoTool::Unknown { name: shown(name), nearest })
    }

    /// Returns why a caller whose credential is not narrowed has no such tool of the catalogue.
    async fn why_no_tool(
        &self,
        caller: &Caller,
        connector: &Connector,
        tool: &Tool,
    ) -> Result<Option<NoTool>, Fault> {
        let Principal { tenant, agent, credential } = &caller.principal;
        let slug = &connector.slug;
        let name = tool.name.clone();
        let Some(settings) = project_connectors::by_slug(&self.base.db, *tenant, slug).await?
        else {
            let why = self.not_enabled(*tenant, slug).await?.into();
            return Ok(Some(NoTool::OutOfReach { tool: name, why }));
        };
        let agent = agents::named(&self.base.db, tenant.project, &agent.to_string()).await?;
        let Some(agent) = agent else { return Ok(None) };
        let connector = slug.clone();
        Ok(match barrier(credential, &agent, &settings, tool) {
            Some(Barrier::ConnectorNotAssigned) => {
                let why = OutOfReach::NotAssigned { agent: agent.name, connector };
                Some(NoTool::OutOfReach { tool: name, why })
            }
            Some(Barrier::ToolNotAssigned) => {
                Some(NoTool::NotAssigned { tool: name, agent: agent.name })
            }
            Some(Barrier::NotOffered) => {
                let environment = tenant.environment;
                Some(NoTool::NotOffered { tool: name, connector, environment })
            }
            Some(Barrier::AgentDisabled | Barrier::CredentialLimited) | None => None,
        })
    }

    /// Returns why a caller has no connector of that name.
    pub(crate) async fn no_connector(
        &self,
        caller: &Caller,
        slug: &ConnectorSlug,
    ) -> Result<NoConnector, Fault> {
        if !caller.principal.credential.is_narrowed()
            && self.base.catalog.connector(slug).is_some()
            && let Some(why) = self.out_of_reach(caller, slug).await?
        {
            return Ok(why.into());
        }
        let usable = self.usable(caller).await?;
        let names = usable.iter().map(|(settings, _)| settings.connector.as_str());
        let nearest = Nearest::to(slug.as_str(), names);
        Ok(NoConnector::Unknown { name: slug.clone(), nearest })
    }

    /// Returns why a project has no connector of that name, for those who manage it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn no_project_connector(
        &self,
        tenant: Tenant,
        slug: &ConnectorSlug,
    ) -> Result<SettingsError, Fault> {
        if self.base.catalog.connector(slug).is_none() {
            return Ok(self.not_in_catalog(slug));
        }
        Ok(self.not_enabled(tenant, slug).await?.into())
    }

    /// Returns the project connector of that name.
    ///
    /// # Errors
    /// When it is not enabled, or not there at all.
    pub(crate) async fn enabled(
        &self,
        tenant: Tenant,
        slug: &ConnectorSlug,
    ) -> Result<ProjectConnector, SettingsError> {
        let found = project_connectors::by_slug(&self.base.db, tenant, slug).await;
        match found.map_err(Fault::from)? {
            Some(settings) => Ok(settings),
            None => Err(self.no_project_connector(tenant, slug).await?),
        }
    }

    /// Returns the refusal of a connector that the catalogue does not have.
    pub fn not_in_catalog(&self, slug: &ConnectorSlug) -> SettingsError {
        let names = self.base.catalog.connectors().map(|connector| connector.slug.as_str());
        let nearest = Nearest::to(slug.as_str(), names);
        SettingsError::UnknownConnector { name: slug.clone(), nearest }
    }

    pub(crate) async fn not_enabled(
        &self,
        tenant: Tenant,
        slug: &ConnectorSlug,
    ) -> Result<NotEnabled, Fault> {
        let other = match tenant.environment {
            Environment::Live => Environment::Test,
            Environment::Test => Environment::Live,
        };
        let there = Tenant { environment: other, ..tenant };
        let found = project_connectors::by_slug(&self.base.db, there, slug).await?;
        Ok(NotEnabled::new(slug.clone(), tenant.environment, found.map(|_| other)))
    }

    /// Returns the tools nearest to that name, of those that a caller may use.
    pub(crate) async fn nearest_tools(
        &self,
        caller: &Caller,
        name: &str,
    ) -> Result<Nearest, Fault> {
        let usable = self.usable(caller).await?;
        let names = usable.iter().flat_map(|(_, tools)| tools).map(|tool| tool.name.as_str());
        Ok(Nearest::to(name, names))
    }

    /// Returns the tools of a project connector that a caller may use as the given agent.
    pub(crate) fn offered(
        &self,
        caller: &Caller,
        agent: &Agent,
        settings: &ProjectConnector,
    ) -> Vec<&Tool> {
        let connector = self.base.catalog.connector(&settings.connector);
        let tools = connector.into_iter().flat_map(|connector| &connector.tools);
        let credential = &caller.principal.credential;
        tools.filter(|tool| may_use_tool(credential, agent, settings, tool)).collect()
    }

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

    /// Returns what a caller may use: each project connector with at least one tool, and its tools.
    async fn usable(&self, caller: &Caller) -> Result<Vec<(ProjectConnector, Vec<&Tool>)>, Fault> {
        let principal = &caller.principal;
        let agent = self.cache.agent(principal.tenant.project, principal.agent).await?;
        let Some(agent) = agent.filter(|agent| agent.is_enabled) else { return Ok(Vec::new()) };
        let enabled = project_connectors::list(&self.base.db, principal.tenant).await?;
        let with_tools = enabled.into_iter().map(|settings| {
            let tools = self.offered(caller, &agent, &settings);
            (settings, tools)
        });
        Ok(with_tools.filter(|(_, tools)| !tools.is_empty()).collect())
    }

    async fn out_of_reach(
        &self,
        caller: &Caller,
        slug: &ConnectorSlug,
    ) -> Result<Option<OutOfReach>, Fault> {
        let tenant = caller.principal.tenant;
        if project_connectors::by_slug(&self.base.db, tenant, slug).await?.is_none() {
            return Ok(Some(self.not_enabled(tenant, slug).await?.into()));
        }
        let agent = caller.principal.agent.to_string();
        let agent = agents::named(&self.base.db, tenant.project, &agent).await?;
        let barred = agent.filter(|agent| agent.assigned(slug).is_none());
        Ok(barred
            .map(|agent| OutOfReach::NotAssigned { agent: agent.name, connector: slug.clone() }))
    }
}

/// Returns a name as it is repeated to the caller that sent it.
fn shown(name: &str) -> String {
    const LONGEST: usize = 64;
    cut(name, LONGEST).into_owned()
}
