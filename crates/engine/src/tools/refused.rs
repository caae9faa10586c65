//! What becomes of a call whose token the API refuses.
//!
//! A refusal by an API alone ends no connection: its gateway may be in trouble. The provider is
//! asked, once a minute for each connection at most. With a refresh token the asking is a refresh;
//! only its refusal, or an error that the connector names, refused for ten minutes, says that the
//! account is lost. Without one it is the request of `identity`: two refusals that lie
//! [`DEAD_AFTER`], with no success in between, say so. An error that the connector names as that of
//! a dead token is the provider's own word for it.

use std::time::Duration;

use astralform_catalog::destination;
use astralform_domain::{Actor, FailureKind, StatusReason, Timestamp, chain};
use astralform_provider::{
    Budget,
    answer::CallFailure,
    identity::{CredentialState, identity_request, read_credential_state},
};
use astralform_storage::{
    connections,
    tokens::{self, Doubts},
};
use http::StatusCode;
use tokio::time::timeout;

use super::{
    CallRefusal, Outcome,
    attempt::ChosenToken,
    call::{AcceptedCall, Interrupted},
};
use crate::{Fault, connectors::reach, refresh::ASKED_EVERY, tools::Tools};

/// How the API refused a token.
#[derive(Clone, Copy)]
pub(super) struct Refused {
    /// Whether the connector names the error.
    pub(super) is_named: bool,
    pub(super) status: Option<StatusCode>,
}

/// How long a token is refused before it is dead.
const DEAD_AFTER: Duration = Duration::from_mins(10);
/// How long such a request takes at most, the wait for others at the same host included.
const WITHIN: Duration = Duration::from_secs(10);

/// Returns whether a token that is refused since then is dead.
fn is_dead(since: Timestamp, now: Timestamp) -> bool {
    since.until(now) >= DEAD_AFTER
}

/// Returns whether the provider was asked so lately that it is not to be asked now.
fn was_asked_lately(doubts: Doubts, now: Timestamp) -> bool {
    let Some(at) = doubts.asked_at else { return false };
    at.until(now) < ASKED_EVERY && at <= now.after(ASKED_EVERY)
}

impl Tools {
    /// Decides what a refused token means for the call and for the connection.
    pub(super) async fn refused(
        &self,
        accepted: &AcceptedCall<'_>,
        chosen: &ChosenToken<'_>,
        refused: Refused,
    ) -> Result<Outcome, Interrupted> {
        let may_not_refresh_again = accepted.rejected.is_some() || accepted.is_last;
        if chosen.is_refreshable && !may_not_refresh_again {
            return Err(Interrupted::Rejected(chosen.generation));
        }
        let is_dead = match (chosen.is_refreshable, refused.is_named) {
            (true, false) => false,
            (true, true) => self.note_refusal(accepted, chosen).await?,
            (false, true) => true,
            (false, false) => self.check_identity(accepted, chosen).await?,
        };
        if is_dead {
            let of = chosen.generation;
            let why = StatusReason::TokenRejected;
            return self.prompt_to_renew(accepted, chosen.connection, of, why).await;
        }
        let name = &accepted.ready.connector.name;
        let message = format!(
            "{name} does not accept the account's access at the moment, though it may still be good. Nothing was done. Try again later."
        );
        let failure = CallFailure::new(FailureKind::ProviderUnavailable, message);
        let provider_status = refused.status.map(|status| status.as_u16());
        Ok(Outcome::Failed(CallFailure { provider_status, ..failure }))
    }

    /// Notes that the provider takes the token: an earlier refusal counts no more.
    pub(super) async fn trust_token(&self, accepted: &AcceptedCall<'_>, chosen: &ChosenToken<'_>) {
        if chosen.doubts.refused_since.is_none() {
            return;
        }
        let forgotten = async {
            let mut tx = self.base.begin(Actor::Product).await?;
            tokens::forget_refusal(&mut tx, chosen.connection, accepted.token).await?;
            tx.commit().await
        };
        if let Err(error) = forgotten.await {
            let id = chosen.connection.id;
            let error = chain(&error);
            tracing::warn!(connection.id = %id, error, "an earlier refusal is not forgotten yet");
        }
    }

    /// Asks the provider whose credential it is, unless it was asked lately; returns whether the
    /// token is dead.
    async fn check_identity(
        &self,
        accepted: &AcceptedCall<'_>,
        chosen: &ChosenToken<'_>,
    ) -> Result<bool, CallRefusal> {
        if was_asked_lately(chosen.doubts, self.base.now())
            || !self.begin_identity_check(accepted, chosen).await?
        {
            return Ok(false);
        }
        let asking = timeout(WITHIN, self.credential_state(accepted, chosen)).await;
        let verdict = asking.unwrap_or(CredentialState::Unclear);
        let id = chosen.connection.id;
        let kind = accepted.token;
        tracing::warn!(connection.id = %id, kind, ?verdict, "asked about a token that was refused");
        match verdict {
            CredentialState::Good => {
                self.trust_token(accepted, chosen).await;
                Ok(false)
            }
            CredentialState::Refused => Ok(self.note_refusal(accepted, chosen).await?),
            CredentialState::Dead => Ok(true),
            CredentialState::Unclear => Ok(false),
        }
    }

    async fn begin_identity_check(
        &self,
        accepted: &AcceptedCall<'_>,
        chosen: &ChosenToken<'_>,
    ) -> Result<bool, Fault> {
        let of = chosen.connection;
        let now = self.base.now();
        let mut tx = self.base.begin(Actor::Product).await?;
        if connections::lock(&mut tx, of.tenant, of.id).await?.is_none() {
            return Ok(false);
        }
        let begun = tokens::begin_asking(&mut tx, of, accepted.token, now, ASKED_EVERY).await?;
        if begun {
            tx.commit().await?;
        }
        Ok(begun)
    }

    async fn credential_state(
        &self,
        accepted: &AcceptedCall<'_>,
        chosen: &ChosenToken<'_>,
    ) -> CredentialState {
        let ready = &accepted.ready;
        let parts = chosen.parts;
        let Ok(addresses) = ready.addresses_for(parts) else { return CredentialState::Unclear };
        let request = identity_request(&ready.connector, &addresses, parts);
        let Some(request) = request else { return CredentialState::Unclear };
        let _permit = self.in_flight.host_permit(&destination(&request.url)).await;
        let allowance = Budget::CHECK.to(reach(&ready.settings));
        match self.egress.send(request, allowance).await {
            Ok(answer) => read_credential_state(&ready.connector, &answer),
            Err(_) => CredentialState::Unclear,
        }
    }

    /// Notes that the provider itself refuses the token; returns whether it has done so for long
    /// enough.
    async fn note_refusal(
        &self,
        accepted: &AcceptedCall<'_>,
        chosen: &ChosenToken<'_>,
    ) -> Result<bool, Fault> {
        let of = (accepted.token, chosen.generation);
        let now = self.base.now();
        let mut tx = self.base.begin(Actor::Product).await?;
        let since = tokens::note_refusal(&mut tx, chosen.connection, of, now).await?;
        tx.commit().await?;
        Ok(since.is_some_and(|since| is_dead(since, now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    #[test]
    fn r4_a_token_is_dead_when_it_is_refused_twice_ten_minutes_apart() {
        assert!(!is_dead(at(0), at(0)) && !is_dead(at(0), at(599)));
        assert!(is_dead(at(0), at(600)));
        assert!(!is_dead(at(600), at(0)), "the clock was set back");
    }

    #[test]
    fn r4_a_provider_is_asked_once_a_minute_whatever_a_clock_that_was_ahead_has_noted() {
        let asked = |seconds| Doubts { asked_at: Some(at(seconds)), ..Doubts::default() };
        for (doubts, is_lately) in [
            (Doubts::default(), false),
            (asked(940), false),
            (asked(941), true),
            (asked(1_000), true),
            (asked(1_060), true),
            (asked(1_061), false),
        ] {
            assert_eq!(was_asked_lately(doubts, at(1_000)), is_lately, "{doubts:?}");
        }
    }
}
