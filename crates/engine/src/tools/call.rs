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
    plan::{PlanError, authorize, plan},
    shape::{Shaped, no_answer, shape},
};
use crate::{
    CredentialRefusal, Engine, Fault, Unusable,
    auth_requests::OpenError,
    chain,
    credentials::{Ask, Credential, Decision, Situation, decide, worth_asking},
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

/// The connection that pays for a call, and which write of its token is sent.
struct Paid<'a> {
    connection: &'a Connection,
    generation: i64,
}

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
        let over = |status: AuthStatus| !status.is_open();
        let answered = self.wait(tenant, prompt.request.id, call.wait, over).await?;
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
        if !offered || !agent.is_enabled || !agent.may_use(&connector.slug) {
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
        let connection = match decision {
            Decision::Ask(ask) => return self.prompted(accepted, ask).await,
            Decision::Use(connection) => connection,
        };
        let Credential { generation, token } = self.credential(ready, connection).await?;
        let paid = Paid { connection, generation };
        let token = match token {
            Ok(token) => token,
            Err(why) => return self.renewal(accepted, &paid, why).await,
        };
        let planned = plan(ready.connector, tool, &ready.addresses.api_base, &call.arguments)
            .and_then(|request| authorize(request, &token, &connection.hosts));
        match planned {
            Ok(request) => self.run(accepted, &paid, request).await,
            Err(PlanError::Address(pointer)) => Err(unfit(pointer)),
            Err(error) => Ok(Outcome::Failed(unplannable(accepted, &error))),
        }
    }

    async fn run(
        &self,
        accepted: &Accepted<'_>,
        paid: &Paid<'_>,
        request: Outgoing,
    ) -> Result<Outcome, CallRefusal> {
        let Accepted { ready, tool, call, .. } = accepted;
        let allowance =
            Allowance { reach: reach(&ready.settings), within: WITHIN, at_most: AT_MOST };
        let answer = match self.egress.send(request, allowance).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(tool = %tool.name, error = chain(&error), "no answer");
                return Ok(Outcome::Failed(no_answer(ready.connector, tool, &error)));
            }
        };
        match shape(ready.connector, tool, &call.arguments, &answer) {
            Shaped::Completed(result) => Ok(Outcome::Completed(result)),
            Shaped::Failed(failure) => Ok(Outcome::Failed(failure)),
            Shaped::Reconnect => self.renewal(accepted, paid, StatusReason::TokenRejected).await,
            Shaped::MissingScopes(missing) => self.widening(accepted, paid, &missing).await,
        }
    }

    /// The provider wants more scopes: asks for them, unless asking would lead nowhere.
    async fn widening(
        &self,
        accepted: &Accepted<'_>,
        paid: &Paid<'_>,
        missing: &ScopeSet,
    ) -> Result<Outcome, CallRefusal> {
        let connector = accepted.ready.connector;
        let known = connector.known_scopes();
        let Some(missing) = worth_asking(missing, &known, &paid.connection.scopes) else {
            let name = &connector.name;
            let message = format!("{name} does not let this account do it, whatever its scopes.");
            return Ok(Outcome::Failed(CallFailure::new(FailureKind::PermissionDenied, message)));
        };
        let required = accepted.asked.union(&accepted.tool.scopes).union(&missing);
        let ask = Ask::renewing(AuthReason::MissingScopes, paid.connection, &required);
        self.prompted(accepted, ask).await
    }

    /// The connection's token is dead: says so, and asks its owner to connect again.
    async fn renewal(
        &self,
        accepted: &Accepted<'_>,
        paid: &Paid<'_>,
        why: StatusReason,
    ) -> Result<Outcome, CallRefusal> {
        self.mark_dead(paid.connection, paid.generation, why).await?;
        let required = accepted.asked.union(&accepted.tool.scopes);
        let ask = Ask::renewing(AuthReason::NeedsReauth, paid.connection, &required);
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

/// An argument that cannot stand in an address is the caller's to correct.
fn unfit(pointer: String) -> CallRefusal {
    let message = "cannot stand in an address".to_owned();
    CallRefusal::InvalidArguments(vec![ArgumentFault { pointer, message }])
}

fn unplannable(accepted: &Accepted<'_>, error: &PlanError) -> CallFailure {
    let Accepted { ready, tool, .. } = accepted;
    tracing::warn!(tool = %tool.name, %error, "no request could be planned");
    let message = format!(
        "No request to {} could be made of these arguments: {error}.",
        ready.connector.name
    );
    CallFailure::new(FailureKind::Misconfigured, message)
}
