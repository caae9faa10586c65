mod refusal;

use std::{borrow::Cow, sync::Arc};

use astralform_catalog::{Connector, Tool};
use astralform_domain::{AuthStatus, CallId, CallOutcome, Caller, ConnectionId, Owner, ScopeSet};
use serde_json::Value;
use tokio::time::Instant;

use super::Outcome;
use crate::{
    CredentialRefusal, Fault, Patience, Unusable,
    calls::{CallNotes, Lap, Logged},
    connectors::{Assembled, Ready},
    may_use::may_use_tool,
    metrics::CallEnd,
    tools::Tools,
};
pub use refusal::CallRefusal;

/// What an agent wants done.
pub struct ToolCall {
    /// Its id.
    pub id: CallId,
    /// When its request came.
    pub came: Instant,
    /// The arguments.
    pub arguments: Value,
    /// The account to use, where the end user has several.
    pub connection: Option<ConnectionId>,
    /// How long to wait for the end user, if they have to be asked.
    pub wait: Patience,
}

/// A call that was found to be in order.
pub(super) struct AcceptedCall<'a> {
    pub(super) caller: &'a Caller,
    pub(super) ready: Ready,
    pub(super) tool: &'a Tool,
    pub(super) call: &'a ToolCall,
    /// The arguments as they are meant.
    pub(super) arguments: Cow<'a, Value>,
    /// The kind of token that the tool is called with.
    pub(super) token: &'a str,
    /// The scopes it needs of it.
    pub(super) needed: &'a ScopeSet,
    /// Whether it is not tried again when what it rests on changes meanwhile.
    pub(super) is_last: bool,
    /// The generation of the token that the provider has refused in this call.
    pub(super) rejected: Option<i64>,
}

/// Why an attempt has no outcome.
pub(super) enum Interrupted {
    /// The call is refused; nothing was sent.
    Refused(CallRefusal),
    /// The connections that it rested on changed, so that the next attempt may go otherwise.
    Outdated,
    /// The provider refused the token of that generation. It has done nothing, so every request can
    /// be sent again with a newer one.
    Rejected(i64),
}

impl From<CallRefusal> for Interrupted {
    fn from(refusal: CallRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<CredentialRefusal> for Interrupted {
    fn from(refusal: CredentialRefusal) -> Self {
        Self::Refused(refusal.into())
    }
}

impl From<Unusable> for Interrupted {
    fn from(why: Unusable) -> Self {
        Self::Refused(why.into())
    }
}

impl From<Fault> for Interrupted {
    fn from(fault: Fault) -> Self {
        Self::Refused(fault.into())
    }
}

/// How often a call is tried while its end user's connections change under it.
const ATTEMPTS: usize = 4;

impl Tools {
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
        let base = &*self.base;
        let mut logged = Logged::begin(&base.calls, &base.clock, call.id, caller, name, call.came);
        let ended = self.call_and_wait(caller, name, call, &mut logged.notes).await;
        logged.end = Some(end_of(&ended));
        ended
    }

    /// Notes a call that was refused before it was looked at here, for a reason in a word.
    pub fn note_refused(&self, caller: &Caller, name: &str, came: Instant, code: &'static str) {
        let base = &*self.base;
        let id = CallId::new(&base.clock, &base.entropy);
        let mut logged = Logged::begin(&base.calls, &base.clock, id, caller, name, came);
        let known = base.catalog.tool(name);
        logged.notes.connector = known.map(|(connector, _)| connector.slug.clone());
        logged.notes.times.authenticate = came.elapsed();
        logged.end = Some((CallOutcome::Refused, Some(Cow::Borrowed(code))));
    }

    async fn call_and_wait(
        &self,
        caller: &Caller,
        name: &str,
        call: &ToolCall,
        notes: &mut CallNotes,
    ) -> Result<Outcome, CallRefusal> {
        let outcome = self.call_without_waiting(caller, name, call, notes).await?;
        let Outcome::AuthRequired(prompt) = outcome else {
            return Ok(outcome);
        };
        if call.wait.at_most.is_zero() {
            return Ok(Outcome::AuthRequired(prompt));
        }
        let id = prompt.request.id;
        let wait = call.wait.clone();
        let answered =
            self.prompts.wait(&caller.principal, id, wait, |status| !status.is_open()).await?;
        match answered {
            Some(answered) if answered.status == AuthStatus::Completed => {
                self.call_without_waiting(caller, name, call, notes).await
            }
            Some(answered) => Ok(Outcome::AuthRequired(Box::new(answered))),
            None => Ok(Outcome::AuthRequired(prompt)),
        }
    }

    async fn call_without_waiting(
        &self,
        caller: &Caller,
        name: &str,
        call: &ToolCall,
        notes: &mut CallNotes,
    ) -> Result<Outcome, CallRefusal> {
        let began = Instant::now();
        let ended = self.call_uncounted(caller, name, call, notes).await;
        self.base.metrics.called(name, counted(&ended), began.elapsed());
        ended
    }

    async fn call_uncounted(
        &self,
        caller: &Caller,
        name: &str,
        call: &ToolCall,
        notes: &mut CallNotes,
    ) -> Result<Outcome, CallRefusal> {
        let mut accepted = self.accept(caller, name, call, notes).await?;
        for attempt in 1..=ATTEMPTS {
            accepted.is_last = attempt == ATTEMPTS;
            match self.attempt(&accepted, notes).await {
                Ok(outcome) => return Ok(outcome.with_advice()),
                Err(Interrupted::Refused(refusal)) => return Err(refusal),
                Err(Interrupted::Outdated) => {}
                Err(Interrupted::Rejected(generation)) => accepted.rejected = Some(generation),
            }
            self.cache
                .forget_serving_connections(accepted.ready.settings.id, caller.end_user.as_ref());
        }
        Err(Fault::Inconsistent("a last attempt was not the last").into())
    }

    async fn accept<'a>(
        &'a self,
        caller: &'a Caller,
        name: &str,
        call: &'a ToolCall,
        notes: &mut CallNotes,
    ) -> Result<AcceptedCall<'a>, CallRefusal> {
        let found = self.tool_of(caller, name, notes).await;
        if notes.times.authenticate.is_zero() {
            notes.times.authenticate = call.came.elapsed();
        }
        let mut lap = Lap::begin();
        let Some((connector, tool, assembled)) = found? else {
            return Err(self.offers.no_tool(caller, name).await?.into());
        };
        self.cache
            .ensure_not_frozen(caller.principal.tenant.project)
            .await?
            .map_err(Unusable::from)?;
        let ready = self.connectors.ready_unless_paused(&assembled)?;
        let arguments =
            tool.input.accept(&call.arguments).map_err(CallRefusal::InvalidArguments)?;
        notes.summary = tool.log_summary(&arguments);
        notes.times.plan += lap.next();
        let (token, needed) = connector.token_for(tool, &ready.requested_scopes);
        let is_last = false;
        let rejected = None;
        Ok(AcceptedCall { caller, ready, tool, call, arguments, token, needed, is_last, rejected })
    }

    /// Returns the tool of that name, if the caller may use it.
    async fn tool_of(
        &self,
        caller: &Caller,
        name: &str,
        notes: &mut CallNotes,
    ) -> Result<Option<(&Connector, &Tool, Arc<Assembled>)>, Fault> {
        let principal = &caller.principal;
        let Some((connector, tool)) = self.base.catalog.tool(name) else { return Ok(None) };
        notes.connector = Some(connector.slug.clone());
        let assembled = self.cache.assembled(principal.tenant, &connector.slug).await?;
        let agent = self.cache.agent(principal.tenant.project, principal.agent).await?;
        let (Some(assembled), Some(agent)) = (assembled, agent) else { return Ok(None) };
        let may_use = may_use_tool(&principal.credential, &agent, &assembled.settings, tool);
        Ok(may_use.then_some((connector, tool, assembled)))
    }
}

impl AcceptedCall<'_> {
    /// Returns whether the end user may be asked for an account of their own.
    pub(super) fn may_ask_end_user(&self) -> bool {
        self.ready.settings.allow_end_user_auth && self.caller.end_user.is_some()
    }

    /// Returns whose account an end user's prompt leads to.
    pub(super) fn asked_owner(&self) -> Option<Owner> {
        self.caller.end_user.clone().map(Owner::EndUser)
    }
}

/// Returns how a call ended, as its line says it.
fn end_of(ended: &Result<Outcome, CallRefusal>) -> (CallOutcome, Option<Cow<'static, str>>) {
    let word = |text: &'static str| Some(Cow::Borrowed(text));
    match ended {
        Ok(Outcome::Completed(_)) => (CallOutcome::Completed, None),
        Ok(Outcome::AuthRequired(prompt)) => {
            (CallOutcome::AuthRequired, word(prompt.request.reason.as_str()))
        }
        Ok(Outcome::Failed(failure)) => (CallOutcome::Failed, word(failure.kind.as_str())),
        Err(CallRefusal::Fault(_)) => (CallOutcome::Broken, None),
        Err(refusal) => (CallOutcome::Refused, word(refusal.code())),
    }
}

/// Returns how a call is counted.
fn counted(ended: &Result<Outcome, CallRefusal>) -> CallEnd {
    match ended {
        Ok(Outcome::Completed(_)) => CallEnd::Completed,
        Ok(Outcome::AuthRequired(_)) => CallEnd::AuthRequired,
        Ok(Outcome::Failed(failure)) => CallEnd::Failed(failure.kind),
        Err(CallRefusal::Fault(_)) => CallEnd::Broken,
        Err(_) => CallEnd::Refused,
    }
}
