use std::time::Duration;

use astralform_catalog::{ArgumentFault, Tool};
use astralform_domain::{
    AuthReason, AuthStatus, Caller, Connection, ConnectionId, EndUserId, ScopeSet, StatusReason,
};
use astralform_storage::{agents, connections, project_connectors};
use serde_json::Value;
use thiserror::Error;

use super::{
    CallFailure, FailureKind, Outcome,
    plan::{authorize, plan},
    shape::{Shaped, no_answer, shape},
};
use crate::{
    CredentialRefusal, Engine, Fault, Unusable,
    auth_requests::OpenError,
    credentials::{Ask, Credential, Decision, Situation, decide},
    egress::{Allowance, Outgoing},
    project_connectors::{Ready, reach},
};

/// What an agent wants done.
pub struct ToolCall {
    /// The arguments.
    pub arguments: Value,
    /// The account to use, where the end user has several.
    pub connection: Option<ConnectionId>,
    /// How long to wait for the end user, if they have to be asked.
    pub wait: Duration,
}

/// Why a call is not even tried.
#[derive(Debug, Error)]
pub enum CallRefusal {
    /// This agent has no such tool.
    #[error("there is no tool of that name for this agent")]
    UnknownTool,
    /// The arguments do not fit the tool's schema.
    #[error("the arguments do not fit the tool's schema")]
    InvalidArguments(Vec<ArgumentFault>),
    /// No credential can be had.
    #[error(transparent)]
    Credential(#[from] CredentialRefusal),
    /// The connector cannot be used at present.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

const WITHIN: Duration = Duration::from_secs(30);
const AT_MOST: usize = 4 * 1024 * 1024;

/// A call that was found to be in order.
struct Accepted<'a> {
    caller: &'a Caller,
    end_user: &'a EndUserId,
    ready: Ready<'a>,
    tool: &'a Tool,
    call: &'a ToolCall,
    asked: ScopeSet,
}

impl Engine {
    /// Calls a tool for an end user. If they have to be asked first, waits for them as long as the
    /// call says, and then tries once more.
    ///
    /// # Errors
    /// When the call is not in order; nothing was sent then.
    pub async fn call_tool(
        &self,
        caller: &Caller,
        name: &str,
        call: &ToolCall,
    ) -> Result<Outcome, CallRefusal> {
        let accepted = self.accept(caller, name, call).await?;
        let outcome = self.attempt(&accepted).await?;
        let Outcome::AuthRequired(prompt) = outcome else {
            return Ok(outcome);
        };
        if call.wait.is_zero() {
            return Ok(Outcome::AuthRequired(prompt));
        }
        let tenant = caller.principal.tenant;
        let answered = self.wait(tenant, prompt.request.id, call.wait).await?;
        match answered {
            Some(answered) if answered.status == AuthStatus::Completed => {
                let accepted = self.accept(caller, name, call).await?;
                self.attempt(&accepted).await
            }
            Some(answered) => Ok(Outcome::AuthRequired(Box::new(answered))),
            None => Ok(Outcome::AuthRequired(prompt)),
        }
    }

    async fn accept<'a>(
        &'a self,
        caller: &'a Caller,
        name: &str,
        call: &'a ToolCall,
    ) -> Result<Accepted<'a>, CallRefusal> {
        let principal = &caller.principal;
        let (connector, tool) = self.catalog.tool(name).ok_or(CallRefusal::UnknownTool)?;
        let settings = project_connectors::by_slug(&self.db, principal.tenant, &connector.slug);
        let settings = settings.await.map_err(Fault::from)?.ok_or(CallRefusal::UnknownTool)?;
        let agent = principal.agent.to_string();
        let agent = agents::named(&self.db, principal.tenant.project, &agent).await;
        let agent = agent.map_err(Fault::from)?.ok_or(CallRefusal::UnknownTool)?;
        let offered = settings.tools.as_ref().is_none_or(|tools| tools.contains(&tool.name));
        if !offered || !agent.may_use(&connector.slug) {
            return Err(CallRefusal::UnknownTool);
        }
        let ready = self.ready(settings)?;
        let faults = tool.input.faults(&call.arguments);
        if !faults.is_empty() {
            return Err(CallRefusal::InvalidArguments(faults));
        }
        let end_user = caller.end_user.as_ref().ok_or(CredentialRefusal::EndUserRequired)?;
        let asked = ready.settings.scopes.clone().unwrap_or_else(|| connector.default_scopes());
        Ok(Accepted { caller, end_user, ready, tool, call, asked })
    }

    async fn attempt(&self, accepted: &Accepted<'_>) -> Result<Outcome, CallRefusal> {
        let Accepted { end_user, ready, tool, call, .. } = accepted;
        let settings = &ready.settings;
        let connections =
            connections::usable_of(&self.db, settings.tenant, settings.id, end_user).await;
        let connections = connections.map_err(Fault::from)?;
        let decision = decide(&Situation {
            asked: &accepted.asked,
            needed: &tool.scopes,
            hosts: &settings.hosts,
            connections: &connections,
            named: call.connection,
        })?;
        match decision {
            Decision::Ask(ask) => self.prompted(accepted, ask).await,
            Decision::Use(connection) => match self.credential(ready, connection).await? {
                Credential::Dead(why) => self.renewal(accepted, connection, why).await,
                Credential::Usable(token) => {
                    let planned =
                        plan(ready.connector, tool, &ready.addresses.api_base, &call.arguments)
                            .and_then(|request| authorize(request, &token, &connection.hosts));
                    match planned {
                        Ok(request) => self.run(accepted, connection, request).await,
                        Err(error) => Ok(Outcome::Failed(unplannable(accepted, &error))),
                    }
                }
            },
        }
    }

    async fn run(
        &self,
        accepted: &Accepted<'_>,
        connection: &Connection,
        request: Outgoing,
    ) -> Result<Outcome, CallRefusal> {
        let Accepted { ready, tool, call, .. } = accepted;
        let allowance =
            Allowance { reach: reach(&ready.settings), within: WITHIN, at_most: AT_MOST };
        let answer = match self.egress.send(request, allowance).await {
            Ok(answer) => answer,
            Err(error) => return Ok(Outcome::Failed(no_answer(ready.connector, tool, &error))),
        };
        match shape(ready.connector, tool, &call.arguments, &answer) {
            Shaped::Completed(result) => Ok(Outcome::Completed(result)),
            Shaped::Failed(failure) => Ok(Outcome::Failed(failure)),
            Shaped::Reconnect => {
                self.renewal(accepted, connection, StatusReason::TokenRejected).await
            }
            Shaped::MissingScopes(missing) => {
                let ask = Ask::renewing(
                    AuthReason::MissingScopes,
                    connection,
                    &accepted.asked.union(&tool.scopes).union(&missing),
                );
                self.prompted(accepted, ask).await
            }
        }
    }

    /// The connection's token is dead: says so, and asks its owner to connect again.
    async fn renewal(
        &self,
        accepted: &Accepted<'_>,
        connection: &Connection,
        why: StatusReason,
    ) -> Result<Outcome, CallRefusal> {
        self.mark_dead(connection, why).await?;
        let required = accepted.asked.union(&accepted.tool.scopes);
        let ask = Ask::renewing(AuthReason::NeedsReauth, connection, &required);
        self.prompted(accepted, ask).await
    }

    async fn prompted(&self, accepted: &Accepted<'_>, ask: Ask) -> Result<Outcome, CallRefusal> {
        let prompt = self.ask(accepted.caller, accepted.end_user, &accepted.ready, ask).await;
        match prompt {
            Ok(prompt) => Ok(Outcome::AuthRequired(Box::new(prompt))),
            Err(OpenError::Unusable(why)) => Err(why.into()),
            Err(OpenError::Fault(fault)) => Err(fault.into()),
        }
    }
}

fn unplannable(accepted: &Accepted<'_>, error: &super::plan::PlanError) -> CallFailure {
    let Accepted { ready, tool, .. } = accepted;
    tracing::warn!(tool = %tool.name, %error, "no request could be planned");
    let message = format!(
        "No request to {} could be made of these arguments: {error}.",
        ready.connector.name
    );
    CallFailure::new(FailureKind::Misconfigured, message)
}
