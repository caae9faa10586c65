use astralform_catalog::{Connector, Tool};
use astralform_domain::Caller;
use astralform_storage::{agents, connections, project_connectors};

use crate::{
    Engine, Fault, Unusable,
    credentials::{Decision, Situation, decide},
    project_connectors::Ready,
};

/// A tool that an agent has, and whether it can be used for the end user.
pub struct ListedTool<'a> {
    /// The tool.
    pub tool: &'a Tool,
    /// Whether it can be used.
    pub availability: Availability,
}

/// Whether a tool can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// A call will be sent.
    Ready,
    /// A call will prompt the end user.
    AuthRequired(String),
    /// A call will be refused.
    Unavailable(Outside),
}

/// Why a tool cannot be used, whatever the end user does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outside {
    /// The connector cannot be used.
    Connector(Unusable),
    /// The request names no end user.
    NoEndUser,
}

impl Engine {
    /// The tools of an agent, with what a call for this end user would meet.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_tools(&self, caller: &Caller) -> Result<Vec<ListedTool<'_>>, Fault> {
        let principal = &caller.principal;
        let agent = principal.agent.to_string();
        let agent = agents::named(&self.db, principal.tenant.project, &agent).await?;
        let Some(agent) = agent else {
            return Ok(Vec::new());
        };
        let mut listed = Vec::new();
        for settings in project_connectors::list(&self.db, principal.tenant).await? {
            let Some(connector) = self.catalog.connector(&settings.connector) else {
                continue;
            };
            if !agent.may_use(&connector.slug) {
                continue;
            }
            let allowed = settings.tools.clone();
            let offered = connector
                .tools
                .iter()
                .filter(|tool| allowed.as_ref().is_none_or(|allowed| allowed.contains(&tool.name)));
            let ready = self.ready(settings);
            for tool in offered {
                let availability = self.availability(caller, connector, &ready, tool).await?;
                listed.push(ListedTool { tool, availability });
            }
        }
        Ok(listed)
    }

    async fn availability(
        &self,
        caller: &Caller,
        connector: &Connector,
        ready: &Result<Ready<'_>, Unusable>,
        tool: &Tool,
    ) -> Result<Availability, Fault> {
        let ready = match ready {
            Ok(ready) => ready,
            Err(why) => return Ok(Availability::Unavailable(Outside::Connector(*why))),
        };
        let Some(end_user) = &caller.end_user else {
            return Ok(Availability::Unavailable(Outside::NoEndUser));
        };
        let settings = &ready.settings;
        let asked = settings.scopes.clone().unwrap_or_else(|| connector.default_scopes());
        let connections =
            connections::usable_of(&self.db, settings.tenant, settings.id, end_user).await?;
        let decision = decide(&Situation {
            asked: &asked,
            needed: &tool.scopes,
            hosts: &settings.hosts,
            connections: &connections,
            named: None,
        });
        Ok(match decision {
            Ok(Decision::Use(_)) => Availability::Ready,
            Ok(Decision::Ask(ask)) => Availability::AuthRequired(ask.reason.to_string()),
            Err(_) => Availability::Unavailable(Outside::NoEndUser),
        })
    }
}
