//! Whether there is an account to call with, and what is known of its token.

use astralform_domain::{AuthReason, Connection, ConnectionStatus, EndUserId, StatusReason};
use astralform_storage::{connections, refreshes, tokens};

use super::{Asked, Cause, Explain};
use crate::{
    CredentialRefusal, Fault,
    connectors::Ready,
    credentials::{Decision, Situation, decide},
    refresh::{Freshness, freshness},
};

/// How many of an end user's connections are looked through for one that is to be confirmed.
const LOOKED_AT: i64 = 100;

impl Explain {
    pub(super) async fn account_cause(
        &self,
        asked: &Asked<'_>,
        ready: &Ready,
    ) -> Result<Option<Cause>, Fault> {
        let tenant = asked.question.tenant;
        let owner = asked.question.owner();
        let (token, needed) = asked.needed(ready);
        let known = connections::serving(&self.base.db, tenant, ready.settings.id, &owner).await?;
        let situation = Situation::of(ready, needed, asked.question.end_user, &known);
        let decision = decide(&situation);
        let ask = match decision {
            Ok(Decision::Use(connection)) => return self.token_cause(connection, token).await,
            Ok(Decision::Ask(ask)) => ask,
            Err(refusal) => return Ok(Some(refusal.into())),
        };
        if let (AuthReason::NotConnected, Some(end_user)) = (ask.reason, asked.question.end_user)
            && self.awaits_confirmation(ready, end_user).await?
        {
            return Ok(Some(Cause::AwaitingConfirmation));
        }
        if self.lacks_return_url(tenant).await? {
            return Ok(Some(Cause::NoReturnUrl));
        }
        let renewed = ask.renews.as_ref().and_then(|(id, _)| known.iter().find(|c| c.id == *id));
        Ok(Some(match ask.reason {
            AuthReason::NotConnected => Cause::NotConnected,
            AuthReason::MissingScopes => {
                let granted = renewed.map(|renewed| renewed.scopes.clone()).unwrap_or_default();
                Cause::ScopesMissing(needed.missing_from(&granted))
            }
            AuthReason::NeedsReauth => {
                let reason = renewed
                    .filter(|renewed| renewed.status() == ConnectionStatus::NeedsReauth)
                    .and_then(Connection::reason);
                // One that still is in use is bound to other hosts than are called now.
                Cause::NeedsReauth(reason.unwrap_or(StatusReason::ClientChanged))
            }
        }))
    }

    async fn awaits_confirmation(
        &self,
        ready: &Ready,
        end_user: &EndUserId,
    ) -> Result<bool, Fault> {
        let tenant = ready.settings.tenant;
        let slug = [ready.settings.connector.clone()].into();
        let theirs = (end_user, Some(&slug));
        let all = connections::of_end_user(&self.base.db, tenant, theirs, None, LOOKED_AT).await?;
        Ok(all.iter().any(|connection| {
            connection.project_connector == ready.settings.id
                && connection.status() == ConnectionStatus::AwaitingConfirmation
        }))
    }

    /// Returns what keeps a connection's token from being sent, as far as it is known without
    /// asking the provider.
    async fn token_cause(
        &self,
        connection: &Connection,
        kind: &str,
    ) -> Result<Option<Cause>, Fault> {
        let all = tokens::of(&self.base.db, connection.id).await?;
        let Some(token) = all.iter().find(|token| token.kind == kind) else {
            return Ok(Some(Cause::NeedsReauth(StatusReason::TokenRejected)));
        };
        match freshness(token, self.base.now(), None) {
            Freshness::Ended(why) => return Ok(Some(Cause::NeedsReauth(why))),
            Freshness::Stale => {
                let failing = refreshes::failing(&self.base.db, connection.id, kind).await?;
                if let Some(failing) = failing {
                    return Ok(Some(Cause::RefreshFailing(failing.refused_since)));
                }
            }
            Freshness::Good | Freshness::Due => {}
        }
        Ok(token.doubts.refused_since.map(Cause::TokenRefused))
    }
}

impl From<CredentialRefusal> for Cause {
    fn from(refusal: CredentialRefusal) -> Self {
        match refusal {
            CredentialRefusal::EndUserRequired => Self::EndUserRequired,
            CredentialRefusal::AwaitingConfirmation => Self::AwaitingConfirmation,
            CredentialRefusal::UnknownConnection => Self::NotConnected,
            CredentialRefusal::NothingShared => Self::NothingShared,
            CredentialRefusal::SharedUnusable => Self::SharedUnusable,
        }
    }
}
