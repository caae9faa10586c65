//! What callers are told of tools and connectors that they cannot use.
//!
//! A backend whose key is not narrowed learns the cause. Others get the same answer for what does
//! not exist and for what they may not use, and no name of what they may not use.

mod refusal;
mod visible;

use std::sync::Arc;

use astralform_catalog::{Connector, Tool};
use astralform_domain::{
    Caller, ConnectorSlug, Environment, Principal, ProjectConnector, Tenant, texts::cut,
};
use astralform_storage::{
    agents::{self, Agent},
    project_connectors,
};
pub use refusal::{NoConnector, NoTool, OutOfReach};

use crate::{
    Fault, NotEnabled, SettingsError,
    base::Base,
    cache::Cache,
    may_use::{Barrier, barrier, may_use_tool},
    nearest::Nearest,
};

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
