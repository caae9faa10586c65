//! Why a tool can or cannot be called: the way of a call, walked without calling.
//!
//! It asks the functions that a call asks, in their order, and stops at the first that says no.

mod account;
mod cause;
mod held;
mod words;

use std::sync::Arc;

use astralform_catalog::{Connector, Tool};
use astralform_domain::{
    AgentId, AgentName, Caller, ConnectorSlug, EndUserId, Environment, Owner, ProjectConnector,
    RuntimeCredential, ScopeSet, Tenant, VerifyEndUser, texts,
};
use astralform_storage::{
    agents::{self, Agent},
    project_connectors,
};
pub use cause::{Cause, Step};
use held::out_of_reach;

use crate::{
    Fault, Nearest, NoTool, Unusable,
    base::Base,
    cache::Cache,
    connectors::{Connectors, Ready},
    reach::Offers,
    row_tags::RowTags,
};

/// Which tool is asked about, and for whom.
#[derive(Clone)]
pub struct Question<'a> {
    /// The project and environment.
    pub tenant: Tenant,
    /// The tool's name.
    pub tool: &'a str,
    /// The agent by name or id; the default one where none is named.
    pub agent: Option<&'a str>,
    /// The end user.
    pub end_user: Option<&'a EndUserId>,
    /// The API key or session that calls, where one is meant.
    pub held: Option<Held>,
}

/// An API key or session, as far as it limits what it calls.
#[derive(Clone)]
pub struct Held {
    /// What it allows.
    pub credential: RuntimeCredential,
    /// The only agent it may act as.
    pub agent: Option<AgentId>,
    /// Whether it still opens anything.
    pub is_live: bool,
}

/// What keeps a tool from being called, or that nothing does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The tool's name, as it was asked about.
    pub tool: String,
    /// The connector that it belongs to, where there is such a tool.
    pub connector: Option<ConnectorSlug>,
    /// The environment.
    pub environment: Environment,
    /// The agent, where there is one.
    pub agent: Option<AgentName>,
    /// The first thing that is wrong.
    pub cause: Option<Cause>,
}

/// Explains why tools can or cannot be called.
#[derive(Clone)]
pub struct Explain {
    base: Arc<Base>,
    row_tags: Arc<RowTags>,
    connectors: Arc<Connectors>,
    cache: Arc<Cache>,
    offers: Arc<Offers>,
}

/// A question about a tool that there is, with its agent, where there is one.
struct Asked<'a> {
    question: &'a Question<'a>,
    connector: &'a Connector,
    tool: &'a Tool,
    agent: Option<Agent>,
}

/// How much of a name that was asked about is repeated.
const LONGEST_NAME: usize = 64;

impl Explain {
    pub(crate) fn new(
        row_tags: &Arc<RowTags>,
        connectors: &Arc<Connectors>,
        cache: &Arc<Cache>,
        offers: &Arc<Offers>,
        base: &Arc<Base>,
    ) -> Self {
        Self {
            base: Arc::clone(base),
            row_tags: Arc::clone(row_tags),
            connectors: Arc::clone(connectors),
            cache: Arc::clone(cache),
            offers: Arc::clone(offers),
        }
    }

    /// Explains a tool to a caller. One whose credential is limited to a part of its project learns
    /// only what its end user can mend.
    ///
    /// # Errors
    /// When there is no such tool, as far as the caller may know.
    pub async fn to_caller(
        &self,
        caller: &Caller,
        tool: &str,
    ) -> Result<Result<Explanation, NoTool>, Fault> {
        let principal = &caller.principal;
        let agent = principal.agent.to_string();
        let credential = principal.credential.clone();
        let explained = self
            .explain(&Question {
                tenant: principal.tenant,
                tool,
                agent: Some(&agent),
                end_user: caller.end_user.as_ref(),
                held: Some(Held { credential, agent: None, is_live: true }),
            })
            .await?;
        let tells = explained.cause.as_ref().is_none_or(Cause::is_for_end_user);
        if tells || !principal.credential.is_narrowed() {
            return Ok(Ok(explained));
        }
        Ok(Err(self.offers.no_tool(caller, tool).await?))
    }

    /// Explains a tool to whoever may know everything of the project.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn explain(&self, question: &Question<'_>) -> Result<Explanation, Fault> {
        let tenant = question.tenant;
        let agent = match question.agent {
            Some(named) => agents::named(&self.base.db, tenant.project, named).await?,
            None => self.usual_agent(question).await?,
        };
        let name = agent.as_ref().map(|agent| agent.name.clone());
        let found = self.base.catalog.tool(question.tool);
        let connector = found.map(|(connector, _)| connector.slug.clone());
        let cause = match found {
            Some((connector, tool)) => {
                self.first_cause(&Asked { question, connector, tool, agent }).await?
            }
            None => Some(Cause::UnknownTool(self.nearest(question.tool))),
        };
        Ok(Explanation {
            tool: texts::cut(question.tool, LONGEST_NAME).into_owned(),
            connector,
            environment: tenant.environment,
            agent: name,
            cause,
        })
    }

    /// Returns the agent that requests act as which name none.
    async fn usual_agent(&self, question: &Question<'_>) -> Result<Option<Agent>, Fault> {
        let project = question.tenant.project;
        match question.held.as_ref().and_then(|held| held.agent) {
            Some(bound) => Ok(agents::named(&self.base.db, project, &bound.to_string()).await?),
            None => Ok(agents::default_of(&self.base.db, project).await?),
        }
    }

    fn nearest(&self, tool: &str) -> Nearest {
        let tools = self.base.catalog.connectors().flat_map(|connector| &connector.tools);
        Nearest::to(tool, tools.map(|tool| tool.name.as_str()))
    }

    async fn first_cause(&self, asked: &Asked<'_>) -> Result<Option<Cause>, Fault> {
        let tenant = asked.question.tenant;
        let slug = &asked.connector.slug;
        let Some(settings) = project_connectors::by_slug(&self.base.db, tenant, slug).await? else {
            return self.not_enabled(tenant, slug).await.map(Some);
        };
        let ready = match self.ready(settings).await? {
            Ok(ready) => ready,
            Err(cause) => return Ok(Some(cause)),
        };
        if let Some(cause) = out_of_reach(asked, &ready.settings) {
            return Ok(Some(cause));
        }
        self.account_cause(asked, &ready).await
    }

    async fn not_enabled(&self, tenant: Tenant, slug: &ConnectorSlug) -> Result<Cause, Fault> {
        let elsewhere = self.offers.not_enabled(tenant, slug).await?.elsewhere();
        Ok(elsewhere.map_or(Cause::NotEnabled, Cause::OtherEnvironment))
    }

    /// Returns a project connector that can be used, or what keeps it from that.
    async fn ready(&self, settings: ProjectConnector) -> Result<Result<Ready, Cause>, Fault> {
        if self.cache.ensure_not_frozen(settings.tenant.project).await?.is_err() {
            return Ok(Err(Cause::Frozen));
        }
        let ready = match self.connectors.ready(settings) {
            Ok(ready) => ready,
            Err(why) => return Ok(Err(why.into())),
        };
        let rejected = ready.settings.client.as_ref().and_then(|client| client.rejected_at);
        if let Some(since) = rejected {
            return Ok(Err(Cause::CredentialsRejected(since)));
        }
        let checked = self.connectors.check_addresses(&ready.settings, &ready.addresses).await;
        Ok(checked.map(|()| ready).map_err(|why| Cause::AddressNotAllowed(why.to_string())))
    }

    /// Returns whether an end user could not be confirmed after connecting an account.
    async fn lacks_return_url(&self, tenant: Tenant) -> Result<bool, Fault> {
        let settings = self.row_tags.environment_settings(tenant).await?;
        let confirms = settings.verify_end_user == VerifyEndUser::Confirm;
        Ok(confirms && settings.return_urls.is_empty())
    }
}

impl Question<'_> {
    fn owner(&self) -> Owner {
        Owner::of(self.end_user)
    }
}

impl Asked<'_> {
    /// Returns the kind of token that the tool is called with, and the scopes that it needs.
    fn needed<'a>(&'a self, ready: &'a Ready) -> (&'a str, &'a ScopeSet) {
        self.connector.token_for(self.tool, &ready.requested_scopes)
    }
}

impl From<Unusable> for Cause {
    fn from(why: Unusable) -> Self {
        match why {
            Unusable::Paused => Self::Paused,
            Unusable::NeedsCredentials => Self::CredentialsMissing,
            Unusable::Misconfigured | Unusable::TooManyPrompts => Self::Misconfigured,
            Unusable::NoReturnUrl => Self::NoReturnUrl,
            Unusable::Frozen(_) => Self::Frozen,
            Unusable::Disabled => Self::NotEnabled,
        }
    }
}
