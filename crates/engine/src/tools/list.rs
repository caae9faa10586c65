use astralform_catalog::Tool;
use astralform_domain::{Caller, Connection, Owner};
use astralform_storage::{agents, connections, project_connectors};

use crate::{
    CredentialRefusal, Fault, Unusable,
    connectors::Ready,
    credentials::{Decision, Situation, decide},
    tools::Tools,
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

/// Why a tool cannot be used, and asking the end user does not help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outside {
    /// The connector cannot be used.
    Connector(Unusable),
    /// No credential can be had.
    Credential(CredentialRefusal),
}

impl Tools {
    /// Returns the tools of an agent, with what a call for this end user would meet.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_tools(&self, caller: &Caller) -> Result<Vec<ListedTool<'_>>, Fault> {
        let principal = &caller.principal;
        let agent = principal.agent.to_string();
        let agent = agents::named(&self.base.db, principal.tenant.project, &agent).await?;
        let Some(agent) = agent else {
            return Ok(Vec::new());
        };
        let owner = Owner::of(caller.end_user.as_ref());
        let mut listed = Vec::new();
        for settings in project_connectors::list(&self.base.db, principal.tenant).await? {
            let offered = self.offers.offered(caller, &agent, &settings);
            if offered.is_empty() {
                continue;
            }
            let connections =
                connections::serving(&self.base.db, settings.tenant, settings.id, &owner).await?;
            let ready = self.connectors.ready(settings);
            listed.extend(offered.into_iter().map(|tool| {
                let availability = availability(caller, &ready, tool, &connections);
                ListedTool { tool, availability }
            }));
        }
        Ok(listed)
    }
}

fn availability(
    caller: &Caller,
    ready: &Result<Ready, Unusable>,
    tool: &Tool,
    connections: &[Connection],
) -> Availability {
    let ready = match ready {
        Ok(ready) => ready,
        Err(why) => return Availability::Unavailable(Outside::Connector(*why)),
    };
    let (_, needed) = ready.connector.token_for(tool, &ready.requested_scopes);
    match decide(&Situation::of(ready, needed, caller.end_user.as_ref(), connections)) {
        Ok(Decision::Use(_)) => Availability::Ready,
        Ok(Decision::Ask(ask)) => Availability::AuthRequired(ask.reason.to_string()),
        Err(refusal) => Availability::Unavailable(Outside::Credential(refusal)),
    }
}
