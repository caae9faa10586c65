use std::time::Duration;

use astralform_catalog::{ArgumentFault, Tool};
use astralform_domain::{
    AuthStatus, Caller, Connection, ConnectionId, FailureKind, Owner, ScopeSet, StatusReason,
};
use serde_json::Value;
use thiserror::Error;
use tokio::time::Instant;

use super::{
    CallFailure, Outcome,
    again::{Attempt, again},
    plan::{PlanError, authorize, plan},
    scrub::scrub,
    shape::{Shaped, is_success, no_answer, shape},
};
use crate::{
    CredentialRefusal, Engine, Fault, Unusable, chain,
    credentials::{Credential, CredentialParts, Decision, Situation, decide},
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
pub(super) struct Paid<'a> {
    pub(super) connection: &'a Connection,
    pub(super) generation: i64,
    is_refreshable: bool,
}

/// A call that was found to be in order.
pub(super) struct Accepted<'a> {
    pub(super) caller: &'a Caller,
    pub(super) ready: Ready<'a>,
    pub(super) tool: &'a Tool,
    pub(super) call: &'a ToolCall,
    /// The kind of token that the tool is called with.
    pub(super) token: &'a str,
    /// The scopes it needs of it.
    pub(super) needed: &'a ScopeSet,
    /// Whether it is not tried again when what it rests on changes meanwhile.
    pub(super) is_last: bool,
    /// The generation of the token that the provider has refused in this call.
    rejected: Option<i64>,
}

/// What became of an attempt.
pub(super) enum Attempted {
    /// It is over.
    Done(Outcome),
    /// The connections that it rested on changed, so that the next attempt may go otherwise.
    Outdated,
    /// The provider refused the token of that generation. It has done nothing, so the request can
    /// be sent again with a newer one, whatever it is.
    Rejected(i64),
}

/// How often a call is tried while its end user's connections change under it.
const ATTEMPTS: usize = 4;

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
        let outcome = self.call_at_once(caller, name, call).await?;
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
                self.call_at_once(caller, name, call).await
            }
            Some(answered) => Ok(Outcome::AuthRequired(Box::new(answered))),
            None => Ok(Outcome::AuthRequired(prompt)),
        }
    }

    async fn call_at_once(
        &self,
        caller: &Caller,
        name: &str,
        call: &ToolCall,
    ) -> Result<Outcome, CallRefusal> {
        let began = Instant::now();
        let ended = self.call_uncounted(caller, name, call).await;
        self.metrics.called(name, &ended, began.elapsed());
        ended
    }

    async fn call_uncounted(
        &self,
        caller: &Caller,
        name: &str,
        call: &ToolCall,
    ) -> Result<Outcome, CallRefusal> {
        let mut accepted = self.accept(caller, name, call).await?;
        for attempt in 1..=ATTEMPTS {
            accepted.is_last = attempt == ATTEMPTS;
            match self.attempt(&accepted).await? {
                Attempted::Done(outcome) => return Ok(outcome),
                Attempted::Outdated => {}
                Attempted::Rejected(generation) => accepted.rejected = Some(generation),
            }
            self.forget_served(accepted.ready.settings.id, caller.end_user.as_ref());
        }
        Err(Fault::Inconsistent("a last attempt was not the last").into())
    }

    async fn accept<'a>(
        &'a self,
        caller: &'a Caller,
        name: &str,
        call: &'a ToolCall,
    ) -> Result<Accepted<'a>, CallRefusal> {
        let principal = &caller.principal;
        let (connector, tool) = self.catalog.tool(name).ok_or(CallRefusal::UnknownTool)?;
        let assembled = self.assembled(principal.tenant, &connector.slug).await?;
        let assembled = assembled.ok_or(CallRefusal::UnknownTool)?;
        let agent = self.agent(principal.tenant.project, principal.agent).await?;
        let agent = agent.ok_or(CallRefusal::UnknownTool)?;
        let offered =
            assembled.settings.offers(&tool.name) && principal.credential.allows(&tool.name);
        if !offered || !agent.is_enabled || !agent.may_use(&connector.slug) {
            return Err(CallRefusal::UnknownTool);
        }
        self.thawed(principal.tenant.project).await?.map_err(Unusable::from)?;
        let ready = self.ready_of(&assembled)?;
        let faults = tool.input.faults(&call.arguments);
        if !faults.is_empty() {
            return Err(CallRefusal::InvalidArguments(faults));
        }
        let (token, needed) = connector.token_for(tool, &ready.asked);
        let (is_last, rejected) = (false, None);
        Ok(Accepted { caller, ready, tool, call, token, needed, is_last, rejected })
    }

    async fn attempt(&self, accepted: &Accepted<'_>) -> Result<Attempted, CallRefusal> {
        let Accepted { caller, ready, tool, call, .. } = accepted;
        let settings = &ready.settings;
        let end_user = caller.end_user.as_ref();
        let served = self.served(settings.tenant, settings.id, end_user).await?;
        let situation = Situation {
            allow_end_user_auth: settings.allow_end_user_auth,
            require_auth: settings.require_auth,
            asked: &ready.asked,
            needed: accepted.needed,
            hosts: &settings.hosts,
            end_user,
            connections: &served.connections,
            named: call.connection,
        };
        let connection = match decide(&situation)? {
            Decision::Ask(ask) => {
                let seen = (!accepted.is_last).then_some(served.connections.as_slice());
                return self.prompted(accepted, ask, seen).await;
            }
            Decision::Use(connection) => connection,
        };
        let token = served.token(connection, accepted.token);
        let credential = self.credential(ready, connection, token, accepted.rejected).await?;
        let Credential { generation, is_refreshable, parts } = match credential {
            Ok(credential) => credential,
            Err(lack) => return self.lacking(accepted, connection, lack).await,
        };
        self.uses.note(connection.id, self.clock.now());
        let paid = Paid { connection, generation, is_refreshable };
        let addresses = ready.addresses_for(&parts)?;
        let planned = plan(ready.connector, tool, &addresses.api_base, &call.arguments);
        let planned = planned.and_then(|requests| {
            let (placement, hosts) = (&ready.connector.api.credential, &connection.hosts);
            let authorized =
                requests.into_iter().map(|request| authorize(request, &parts, placement, hosts));
            authorized.collect()
        });
        match planned {
            Ok(requests) => self.run(accepted, &paid, requests, &parts).await,
            Err(PlanError::Address(pointer)) => Err(unfit(pointer)),
            Err(error) => Ok(Attempted::Done(Outcome::Failed(unplannable(accepted, &error)))),
        }
    }

    async fn run(
        &self,
        accepted: &Accepted<'_>,
        paid: &Paid<'_>,
        requests: Vec<Outgoing>,
        parts: &CredentialParts,
    ) -> Result<Attempted, CallRefusal> {
        let first = self.send(accepted, requests.clone()).await;
        let shaped = match again(accepted.tool, &first) {
            None => first.shaped,
            Some(after) => {
                tracing::info!(tool = %accepted.tool.name, after = ?after, "sent once more");
                tokio::time::sleep(after).await;
                self.send(accepted, requests).await.shaped
            }
        };
        match scrub(shaped, &parts.hidden(accepted.ready.connector)) {
            Shaped::Completed(result) => Ok(Attempted::Done(Outcome::Completed(result))),
            Shaped::Failed(failure) => Ok(Attempted::Done(Outcome::Failed(failure))),
            Shaped::Reconnect
                if paid.is_refreshable && accepted.rejected.is_none() && !accepted.is_last =>
            {
                Ok(Attempted::Rejected(paid.generation))
            }
            Shaped::Reconnect => {
                let (of, why) = (paid.generation, StatusReason::TokenRejected);
                self.renewal(accepted, paid.connection, of, why).await
            }
            Shaped::MissingScopes(missing) => self.widening(accepted, paid, &missing).await,
        }
    }

    /// Sends the requests of a call one after another, until one is not answered with a success.
    /// Time and size are limited for all of them together.
    async fn send(&self, accepted: &Accepted<'_>, requests: Vec<Outgoing>) -> Attempt {
        let Accepted { ready, tool, call, .. } = accepted;
        let until = Instant::now() + WITHIN;
        let mut left = AT_MOST;
        let (connector, arguments) = (ready.connector, &call.arguments);
        let mut answers = Vec::with_capacity(requests.len());
        let mut status = None;
        for (following, request) in (0..requests.len()).rev().zip(requests) {
            let within = until.saturating_duration_since(Instant::now());
            let allowance = Allowance { reach: reach(&ready.settings), within, at_most: left };
            let answer = match self.egress.send(request, allowance).await {
                Ok(answer) => answer,
                Err(error) => {
                    tracing::warn!(tool = %tool.name, error = chain(&error), "no answer");
                    return Attempt::unanswered(no_answer(connector, tool, &error), &error);
                }
            };
            left -= answer.body.len();
            status = Some(answer.status);
            let now = self.clock.now();
            let goes_on = following > 0 && is_success(connector, tool, arguments, &answer, now);
            answers.push(answer);
            if !goes_on {
                break;
            }
        }
        let shaped = shape(connector, tool, arguments, &answers, self.clock.now());
        Attempt { shaped, status, is_final: false }
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

impl Accepted<'_> {
    /// Whose account an end user's prompt leads to.
    pub(super) fn asked_owner(&self) -> Option<Owner> {
        self.caller.end_user.clone().map(Owner::EndUser)
    }
}
