//! One attempt at a call: whose credential pays, what is sent, and what that amounts to.

use std::time::Duration;

use astralform_catalog::ArgumentFault;
use astralform_domain::{Connection, FailureKind, chain};
use astralform_egress::{Allowance, Outgoing};
use astralform_provider::{
    answer::{CallFailure, Sending, Shaped, is_success, no_answer, retry_delay, shape},
    request::{CredentialParts, PlanError, authorize, plan},
};
use astralform_storage::tokens::Doubts;
use tokio::time::Instant;

use super::{
    CallRefusal, Outcome,
    call::{AcceptedCall, Interrupted},
    refused::Refused,
};
use crate::{
    calls::{CallNotes, Lap},
    connectors::reach,
    credentials::{Credential, Decision, Situation, decide},
    tools::Tools,
};

/// The connection that pays for a call, and which write of its token is sent.
pub(super) struct ChosenToken<'a> {
    pub(super) connection: &'a Connection,
    pub(super) generation: i64,
    pub(super) is_refreshable: bool,
    /// What is known of the token since it was refused, if it ever was.
    pub(super) doubts: Doubts,
    pub(super) parts: &'a CredentialParts,
}

const WITHIN: Duration = Duration::from_secs(30);
const AT_MOST: usize = 4 * 1024 * 1024;

impl Tools {
    pub(super) async fn attempt(
        &self,
        accepted: &AcceptedCall<'_>,
        notes: &mut CallNotes,
    ) -> Result<Outcome, Interrupted> {
        let mut lap = Lap::begin();
        let AcceptedCall { caller, ready, tool, call, .. } = accepted;
        let settings = &ready.settings;
        let end_user = caller.end_user.as_ref();
        let served = self.cache.serving_connections(settings.tenant, settings.id, end_user).await?;
        let usual = Situation::of(ready, accepted.needed, end_user, &served.connections);
        let situation = Situation { named: call.connection, ..usual };
        let decision = match decide(&situation) {
            Ok(decision) => decision,
            Err(refusal) => {
                return Err(self
                    .credentials
                    .refusal_of(refusal, ready, end_user, call.connection)
                    .await?
                    .into());
            }
        };
        let connection = match decision {
            Decision::Ask(ask) => {
                let seen = (!accepted.is_last).then_some(served.connections.as_slice());
                return self.prompt_user(accepted, ask, seen).await;
            }
            Decision::Use(connection) => connection,
        };
        notes.connection = Some(connection.id);
        let token = served.token(connection, accepted.token);
        let credential =
            self.credentials.credential(ready, connection, token, accepted.rejected).await?;
        notes.times.credential += lap.next();
        let Credential { generation, is_refreshable, parts } = match credential {
            Ok(credential) => credential,
            Err(lack) => return self.without_credential(accepted, connection, lack).await,
        };
        self.uses.connections.note(connection.id, self.base.now());
        let doubts = token.map(|token| token.doubts).unwrap_or_default();
        let chosen = ChosenToken { connection, generation, is_refreshable, doubts, parts: &parts };
        let addresses = ready.addresses_for(&parts)?;
        let planned = || {
            let placement = &ready.connector.api.credential;
            let hosts = &connection.hosts;
            let requests = plan(&ready.connector, tool, &addresses.api_base, &accepted.arguments)?;
            let authorized =
                requests.into_iter().map(|request| authorize(request, &parts, placement, hosts));
            authorized.collect::<Result<Vec<_>, _>>()
        };
        let requests = planned();
        notes.times.plan += lap.next();
        match requests {
            Ok(requests) => self.run(accepted, &chosen, requests, planned, notes).await,
            Err(PlanError::Address(pointer)) => Err(unfit(pointer).into()),
            Err(error) => Ok(Outcome::Failed(unplannable(accepted, &error))),
        }
    }

    async fn run(
        &self,
        accepted: &AcceptedCall<'_>,
        chosen: &ChosenToken<'_>,
        requests: Vec<Outgoing>,
        planned: impl Fn() -> Result<Vec<Outgoing>, PlanError>,
        notes: &mut CallNotes,
    ) -> Result<Outcome, Interrupted> {
        let (mut shaped, mut sending) = self.send(accepted, requests, notes).await;
        // Planned once more: hardly any call needs it, so no call keeps a copy.
        if let Some(after) = retry_delay(accepted.tool, &shaped, sending)
            && let Ok(requests) = planned()
        {
            tracing::info!(tool = %accepted.tool.name, after = ?after, "sent once more");
            tokio::time::sleep(after).await;
            (shaped, sending) = self.send(accepted, requests, notes).await;
        }
        match shaped {
            Shaped::Completed(result) => {
                self.trust_token(accepted, chosen).await;
                Ok(Outcome::Completed(result))
            }
            Shaped::Failed(failure) => Ok(Outcome::Failed(failure)),
            Shaped::Reconnect { is_named } => {
                let refused = Refused { is_named, status: sending.status };
                self.refused(accepted, chosen, refused).await
            }
            Shaped::MissingScopes(missing) => {
                self.prompt_for_scopes(accepted, chosen, &missing).await
            }
        }
    }

    /// Sends the requests of a call one after another, until one is not answered with a success.
    /// Time and size are limited for all of them together.
    async fn send(
        &self,
        accepted: &AcceptedCall<'_>,
        requests: Vec<Outgoing>,
        notes: &mut CallNotes,
    ) -> (Shaped, Sending) {
        let AcceptedCall { ready, tool, arguments, .. } = accepted;
        let until = Instant::now() + WITHIN;
        let mut left = AT_MOST;
        let connector = &ready.connector;
        let mut answers = Vec::with_capacity(requests.len());
        let mut status = None;
        for (following, request) in (0..requests.len()).rev().zip(requests) {
            let within = until.saturating_duration_since(Instant::now());
            let allowance = Allowance { reach: reach(&ready.settings), within, at_most: left };
            let mut lap = Lap::begin();
            let answer = self.egress.send(request, allowance).await;
            notes.sent(answer.as_ref().ok(), lap.next());
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) => {
                    tracing::warn!(tool = %tool.name, error = chain(&error), "no answer");
                    let failure = no_answer(connector, tool, &error);
                    return (Shaped::Failed(failure), Sending::unanswered(&error));
                }
            };
            left -= answer.body.len();
            status = Some(answer.status);
            let now = self.base.now();
            let goes_on = following > 0 && is_success(connector, tool, arguments, &answer, now);
            answers.push(answer);
            if !goes_on {
                break;
            }
        }
        let mut lap = Lap::begin();
        let shaped = shape(connector, tool, arguments, &answers, self.base.now());
        notes.times.shape += lap.next();
        (shaped, Sending::answered(status))
    }
}

/// Refuses an argument that cannot stand in an address: it is the caller's to correct.
fn unfit(pointer: String) -> CallRefusal {
    let message = "cannot stand in an address: must be a text with more in it than dots".to_owned();
    CallRefusal::InvalidArguments(vec![ArgumentFault { pointer, message }])
}

fn unplannable(accepted: &AcceptedCall<'_>, error: &PlanError) -> CallFailure {
    let AcceptedCall { ready, tool, .. } = accepted;
    tracing::warn!(tool = %tool.name, %error, "no request could be planned");
    let message = format!(
        "No request to {} could be made of these arguments: {error}.",
        ready.connector.name
    );
    CallFailure::new(FailureKind::Misconfigured, message)
}
