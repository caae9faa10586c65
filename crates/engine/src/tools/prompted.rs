use astralform_domain::{AuthReason, Connection, FailureKind, Owner, ScopeSet, StatusReason};
use astralform_provider::answer::CallFailure;

use super::{
    CallRefusal, Outcome,
    attempt::Paid,
    call::{AcceptedCall, Attempted},
};
use crate::{
    CredentialRefusal,
    auth_requests::{OpenPromptError, Question, Wishes},
    credentials::{Ask, NoCredential, worth_asking},
    refresh::{Hindrance, Later},
    tools::Tools,
};

/// Returns the access of an account ran out, and cannot be renewed at the moment; nothing is lost.
fn not_refreshed(name: &str, later: Later) -> CallFailure {
    let (kind, message) = match later.why {
        Hindrance::Provider | Hindrance::OtherNode => (
            FailureKind::ProviderUnavailable,
            format!("{name} does not renew the account's access at the moment. Try again later."),
        ),
        Hindrance::AskedLately => (
            FailureKind::ProviderUnavailable,
            format!(
                "{name} does not accept the account's access at the moment, though it may still be good; it was asked less than a minute ago. Try again later."
            ),
        ),
        Hindrance::Settings => (
            FailureKind::Misconfigured,
            format!(
                "The account's access has to be renewed first, and the address for that may not be called from this server, or its certificate is not trusted. The check of the {name} connector, and the server's log, say which it is and which setting allows it."
            ),
        ),
        Hindrance::App => (
            FailureKind::Misconfigured,
            format!(
                "{name} refuses the developer's app, so the account's access cannot be renewed. Whoever manages the project has to check the connector's credentials."
            ),
        ),
    };
    CallFailure { retry_after: later.after, ..CallFailure::new(kind, message) }
}

/// What becomes of a call whose credential is not enough.
impl Tools {
    /// Says that the connection's token is dead, and asks its owner to connect again. What a
    /// project shares is not for end users to renew; they connect their own, where they may.
    pub(super) async fn renewal(
        &self,
        accepted: &AcceptedCall<'_>,
        connection: &Connection,
        generation: i64,
        why: StatusReason,
    ) -> Result<Attempted, CallRefusal> {
        let marked =
            self.connections.mark_dead(connection, (accepted.token, generation), why).await?;
        if !marked && !accepted.is_last {
            return Ok(Attempted::Outdated);
        }
        let required = accepted.ready.asked.union(accepted.needed);
        let is_shared = connection.owner == Owner::Project;
        let ask = match is_shared {
            false => Ask::renewing(AuthReason::NeedsReauth, connection, &required),
            true if accepted.may_ask_end_user() => Ask::connecting(required),
            true => return Err(CredentialRefusal::SharedUnusable.into()),
        };
        self.prompted(accepted, ask, None).await
    }

    /// Decides what becomes of a call for which there is no credential that could be sent.
    pub(super) async fn lacking(
        &self,
        accepted: &AcceptedCall<'_>,
        connection: &Connection,
        lack: NoCredential,
    ) -> Result<Attempted, CallRefusal> {
        let name = &accepted.ready.connector.name;
        let failed = |failure| Ok(Attempted::Done(Outcome::Failed(failure)));
        match lack {
            NoCredential::Dead { generation, why } => {
                self.renewal(accepted, connection, generation, why).await
            }
            NoCredential::Changed if !accepted.is_last => Ok(Attempted::Outdated),
            NoCredential::Changed => failed(CallFailure::new(
                FailureKind::ProviderUnavailable,
                format!("The {name} account changed again and again meanwhile. Try again."),
            )),
            NoCredential::Later(later) => failed(not_refreshed(name, later)),
        }
    }

    /// Asks for the scopes that the provider wants besides, unless asking would lead nowhere.
    pub(super) async fn widening(
        &self,
        accepted: &AcceptedCall<'_>,
        paid: &Paid<'_>,
        missing: &ScopeSet,
    ) -> Result<Attempted, CallRefusal> {
        let connector = &accepted.ready.connector;
        let denied = |message| {
            let failure = CallFailure::new(FailureKind::PermissionDenied, message);
            Ok(Attempted::Done(Outcome::Failed(failure)))
        };
        let name = &connector.name;
        if paid.connection.owner == Owner::Project {
            let missing = missing.join(", ");
            return denied(format!(
                "The {name} account that the project shares lacks a permission ({missing}); a member has to share it again."
            ));
        }
        let known = connector.known_scopes();
        let missing: ScopeSet = if missing.is_empty() {
            accepted.needed.clone()
        } else {
            missing.iter().map(|scope| connector.scope_of(accepted.token, scope)).collect()
        };
        let Some(missing) = worth_asking(&missing, &known, &paid.connection.scopes) else {
            return denied(format!("{name} does not let this account do it, whatever its scopes."));
        };
        let required = accepted.ready.asked.union(accepted.needed).union(&missing);
        let ask = Ask::renewing(AuthReason::MissingScopes, paid.connection, &required);
        self.prompted(accepted, ask, None).await
    }

    /// Asks, unless those connections that it was decided on have changed.
    pub(super) async fn prompted(
        &self,
        accepted: &AcceptedCall<'_>,
        ask: Ask,
        seen: Option<&[Connection]>,
    ) -> Result<Attempted, CallRefusal> {
        let owner = accepted.asked_owner().ok_or(CredentialRefusal::EndUserRequired)?;
        let agent = accepted.caller.principal.agent;
        let wishes = Wishes::default();
        let question = Question { ready: &accepted.ready, owner, agent, ask, wishes, seen };
        match self.prompts.ask(question).await {
            Ok(prompt) => Ok(Attempted::Done(Outcome::AuthRequired(Box::new(prompt)))),
            Err(OpenPromptError::Outdated) => Ok(Attempted::Outdated),
            Err(OpenPromptError::Unusable(why)) => Err(why.into()),
            Err(OpenPromptError::Fault(fault)) => Err(fault.into()),
        }
    }
}
