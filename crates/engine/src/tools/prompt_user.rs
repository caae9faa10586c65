use astralform_domain::{
    Actor, AuthReason, Connection, FailureKind, Owner, ScopeSet, StatusReason,
};
use astralform_provider::answer::CallFailure;

use super::{
    Outcome,
    attempt::ChosenToken,
    call::{AcceptedCall, Interrupted},
};
use crate::{
    CredentialRefusal,
    auth_requests::{OpenPromptError, Question, Wishes},
    credentials::{Ask, NoCredential, worth_asking},
    refresh::{Hindrance, Later},
    tools::Tools,
};

/// Returns the failure of a call whose account's access ran out and cannot be renewed at the
/// moment; nothing is lost.
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
    /// Marks the connection's token dead, and asks its owner to connect again. What a project
    /// shares is not for end users to renew; they connect their own, where they may.
    pub(super) async fn prompt_to_renew(
        &self,
        accepted: &AcceptedCall<'_>,
        connection: &Connection,
        generation: i64,
        why: StatusReason,
    ) -> Result<Outcome, Interrupted> {
        let marked =
            self.connections.mark_dead(connection, (accepted.token, generation), why).await?;
        if !marked && !accepted.is_last {
            return Err(Interrupted::Outdated);
        }
        let required = accepted.ready.requested_scopes.union(accepted.needed);
        let is_shared = connection.owner == Owner::Project;
        let ask = match is_shared {
            false => Ask::renewing(AuthReason::NeedsReauth, connection, &required),
            true if accepted.may_ask_end_user() => Ask::connecting(required),
            true => return Err(CredentialRefusal::SharedUnusable.into()),
        };
        self.prompt_user(accepted, ask, None).await
    }

    /// Decides what becomes of a call for which there is no credential that could be sent.
    pub(super) async fn without_credential(
        &self,
        accepted: &AcceptedCall<'_>,
        connection: &Connection,
        lack: NoCredential,
    ) -> Result<Outcome, Interrupted> {
        let name = &accepted.ready.connector.name;
        let failure = match lack {
            NoCredential::Dead { generation, why } => {
                return self.prompt_to_renew(accepted, connection, generation, why).await;
            }
            NoCredential::Changed if !accepted.is_last => return Err(Interrupted::Outdated),
            NoCredential::Changed => CallFailure::new(
                FailureKind::ProviderUnavailable,
                format!("The {name} account changed again and again meanwhile. Try again."),
            ),
            NoCredential::Later(later) => not_refreshed(name, later),
        };
        Ok(Outcome::Failed(failure))
    }

    /// Asks for the scopes that the provider wants besides, unless asking would lead nowhere.
    pub(super) async fn prompt_for_scopes(
        &self,
        accepted: &AcceptedCall<'_>,
        chosen: &ChosenToken<'_>,
        missing: &ScopeSet,
    ) -> Result<Outcome, Interrupted> {
        let connector = &accepted.ready.connector;
        let name = &connector.name;
        if chosen.connection.owner == Owner::Project {
            let missing = missing.join(", ");
            return Ok(deny(format!(
                "The {name} account that the project shares lacks a permission ({missing}); a member has to share it again."
            )));
        }
        let known = connector.known_scopes();
        let missing: ScopeSet = if missing.is_empty() {
            accepted.needed.clone()
        } else {
            missing.iter().map(|scope| connector.scope_of(accepted.token, scope)).collect()
        };
        let Some(missing) = worth_asking(&missing, &known, &chosen.connection.scopes) else {
            let message = format!("{name} does not let this account do it, whatever its scopes.");
            return Ok(deny(message));
        };
        let required = accepted.ready.requested_scopes.union(accepted.needed).union(&missing);
        let ask = Ask::renewing(AuthReason::MissingScopes, chosen.connection, &required);
        self.prompt_user(accepted, ask, None).await
    }

    /// Prompts the owner, unless the connections that it was decided on have changed.
    pub(super) async fn prompt_user(
        &self,
        accepted: &AcceptedCall<'_>,
        ask: Ask,
        seen: Option<&[Connection]>,
    ) -> Result<Outcome, Interrupted> {
        let owner = accepted.asked_owner().ok_or(CredentialRefusal::EndUserRequired)?;
        let agent = accepted.caller.principal.agent;
        let wishes = Wishes::default();
        let by = Actor::from(&accepted.caller.principal);
        let question = Question { by, ready: &accepted.ready, owner, agent, ask, wishes, seen };
        match self.prompts.prompt_user(question).await {
            Ok(prompt) => Ok(Outcome::AuthRequired(Box::new(prompt))),
            Err(OpenPromptError::Outdated) => Err(Interrupted::Outdated),
            Err(OpenPromptError::Unusable(why)) => Err(why.into()),
            Err(OpenPromptError::Fault(fault)) => Err(fault.into()),
        }
    }
}

fn deny(message: String) -> Outcome {
    let failure = CallFailure::new(FailureKind::PermissionDenied, message);
    Outcome::Failed(failure)
}
