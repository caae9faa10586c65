use std::{sync::Arc, time::Duration};

use astralform_catalog::{EndedTokens, OAuth, RefreshTokenRotation, RevocationEndpoint};
use astralform_domain::{Connection, RevocationStatus, Secret, Timestamp, chain};
use astralform_egress::{Answer, Egress};
use astralform_provider::{
    AppReply, Budget, ProviderApp, SendError,
    oauth::{Client, Revoked, read_revocation, revocation_request},
};
use astralform_storage::revocations::Due;
use url::Url;

use super::ending::Ending;
use crate::{
    Fault, Unusable,
    base::Base,
    connections::Connections,
    connectors::{Connectors, Ready},
};

/// A provider that is to be asked, with what our app proves itself with.
pub(super) struct Provider {
    ready: Result<(Ready, ProviderApp), Unusable>,
    /// How often in a row it was found not to be well.
    pub(super) failures: i64,
    /// Until when it is for this request alone to find out whether it is well again.
    pub(super) probe: Option<Timestamp>,
}

/// What came of asking for the end of a connection's tokens.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RevocationResult {
    /// All of them are dead.
    Confirmed,
    /// Those that are known are dead; a refresh that was never answered may have made another.
    InDoubt,
    /// There is no endpoint to ask, or nothing to ask with.
    Cannot(String),
    /// The provider answers, but does not confirm it.
    Refused(String),
    /// The provider is not well, or wants to be left alone for so long.
    NotNow { why: String, wait: Option<Duration> },
}

impl RevocationResult {
    /// Returns how it is counted, where the time for asking is over or not.
    pub(super) const fn outcome(&self, is_over: bool) -> RevocationStatus {
        match self {
            Self::Confirmed => RevocationStatus::ProviderConfirmed,
            Self::Cannot(_) | Self::InDoubt => RevocationStatus::ProviderCannot,
            Self::Refused(_) | Self::NotNow { .. } if is_over => RevocationStatus::GaveUp,
            Self::Refused(_) | Self::NotNow { .. } => RevocationStatus::Pending,
        }
    }
}

impl Provider {
    /// Returns whether a refresh that was sent and never answered may have left a token that we do
    /// not know: another pair, or, where each token ends by itself, another access token. What then
    /// is confirmed of the refresh token is confirmed of one that had been used up.
    pub(super) fn may_have_made_another(&self) -> bool {
        let Ok((ready, _)) = &self.ready else { return false };
        let is_used_up = |oauth: &OAuth| oauth.refresh.rotation == RefreshTokenRotation::SingleUse;
        let ends_alone = |revocation: &RevocationEndpoint| revocation.tokens != EndedTokens::Grant;
        ready.connector.oauth.as_ref().is_some_and(is_used_up)
            || ready.connector.revocation.as_ref().is_some_and(ends_alone)
    }
}

/// Asks providers to end tokens.
#[derive(Clone)]
pub struct RevocationRequests {
    pub(super) base: Arc<Base>,
    pub(super) egress: Egress,
    pub(super) connectors: Arc<Connectors>,
    pub(super) connections: Arc<Connections>,
}

impl RevocationRequests {
    pub(crate) fn new(
        base: &Arc<Base>,
        egress: &Egress,
        connectors: &Arc<Connectors>,
        connections: &Arc<Connections>,
    ) -> Self {
        Self {
            base: Arc::clone(base),
            egress: egress.clone(),
            connectors: Arc::clone(connectors),
            connections: Arc::clone(connections),
        }
    }

    pub(super) async fn provider(
        &self,
        due: &Due,
        probe: Option<Timestamp>,
    ) -> Result<Provider, Fault> {
        let settings = self.connectors.project_connector(due.tenant, due.project_connector).await?;
        let ready = match self.connectors.ready_even_if_paused(settings) {
            Ok(ready) => {
                let app = self.connectors.app_to_revoke(&ready).await?;
                Ok((ready, app))
            }
            Err(why) => Err(why),
        };
        Ok(Provider { ready, failures: due.failures, probe })
    }

    /// Returns the provider as a flow knows it.
    pub(super) async fn provider_of(&self, ready: &Ready) -> Result<Provider, Fault> {
        let app = self.connectors.app_to_revoke(ready).await?;
        Ok(Provider { ready: Ok((ready.clone(), app)), failures: 0, probe: None })
    }

    /// Asks the provider to end the tokens of an ended connection. They go to the hosts they are
    /// bound to, and to no others. Says also which kinds of token are dead.
    pub(super) async fn revoke_tokens(
        &self,
        provider: &Provider,
        connection: &Connection,
    ) -> Result<(RevocationResult, Vec<String>), Fault> {
        let cannot = |why: &str| Ok((RevocationResult::Cannot(why.to_owned()), Vec::new()));
        let (ready, app) = match &provider.ready {
            Ok(usable) => usable,
            Err(why) => {
                let why = why.to_string();
                let wait = None;
                return Ok((RevocationResult::NotNow { why, wait }, Vec::new()));
            }
        };
        if ready.connector.revocation.is_none() {
            return cannot("the provider has no way to revoke tokens");
        }
        if ready.settings.hosts != connection.hosts {
            return cannot("the connector's addresses are not those that the tokens may go to");
        }
        if app.has_no_client() {
            return cannot("the app's secret does not open any more");
        }
        let tokens = match self.connections.open_tokens(connection).await {
            Ok(tokens) => tokens,
            Err(fault) if fault.may_pass() => return Err(fault),
            Err(Fault::Integrity(_)) => return cannot("the stored tokens do not open any more"),
            Err(fault) => return Err(fault),
        };
        let ending = self.unshared(ready, connection, tokens).await?;
        if ending.is_empty() {
            return cannot(
                "the same token serves other connections, and ends with the last of them",
            );
        }
        Ok(self.revoke_each(app, ready, &ending).await)
    }

    /// Asks for each of the tokens, until the provider turns out not to be well.
    pub(super) async fn revoke_each(
        &self,
        app: &ProviderApp,
        ready: &Ready,
        tokens: &[Ending],
    ) -> (RevocationResult, Vec<String>) {
        let mut dead = Vec::new();
        let mut all = RevocationResult::Confirmed;
        for ending in tokens {
            match self.revoke_token(app, ready, ending).await {
                RevocationResult::Confirmed => dead.push(ending.token.kind.clone()),
                not_now @ RevocationResult::NotNow { .. } => return (not_now, dead),
                other => all = other,
            }
        }
        (all, dead)
    }

    async fn revoke_token(
        &self,
        app: &ProviderApp,
        ready: &Ready,
        ending: &Ending,
    ) -> RevocationResult {
        if ending.ends_grant
            && let Some(at) = &ready.addresses.grant_revocation
        {
            let token = &ending.token.access_token;
            match self.send_revocation(app, ready, at, token).await {
                // What is dead already does not show whether its grant is.
                (Some(Revoked::Confirmed), _) => return RevocationResult::Confirmed,
                (_, not_now @ RevocationResult::NotNow { .. }) => return not_now,
                _ => {}
            }
        }
        let Some(at) = &ready.addresses.revocation else {
            return RevocationResult::Cannot("the provider has no way to revoke tokens".to_owned());
        };
        let mut all = RevocationResult::Confirmed;
        for secret in ending.to_revoke() {
            match self.send_revocation(app, ready, at, secret).await.1 {
                RevocationResult::Confirmed => {}
                not_now @ RevocationResult::NotNow { .. } => return not_now,
                other => all = other,
            }
        }
        let revocation = ready.connector.revocation.as_ref();
        let is_access_alone = revocation.is_some_and(|it| it.tokens == EndedTokens::Access);
        if is_access_alone
            && ending.token.refresh_token.is_some()
            && all == RevocationResult::Confirmed
        {
            let why = "the access token is dead; its refresh token cannot be ended here";
            return RevocationResult::Cannot(why.to_owned());
        }
        all
    }

    /// Asks as the developer's app.
    async fn send_revocation(
        &self,
        app: &ProviderApp,
        ready: &Ready,
        at: &Url,
        token: &Secret,
    ) -> (Option<Revoked>, RevocationResult) {
        let made = |client: &Client| revocation_request(&ready.connector, at, client, token);
        let read = |answer: Answer| RevocationAnswer {
            revoked: read_revocation(&ready.connector, &answer, self.base.now()),
            status: answer.status.as_u16(),
        };
        match app.send(&self.egress, Budget::REVOCATION, made, read).await {
            Ok(answer) => (Some(answer.revoked), understood(&answer)),
            Err(SendError::NoSecret) => {
                (None, RevocationResult::Cannot(SendError::NoSecret.to_string()))
            }
            Err(SendError::Unsendable) => {
                (None, RevocationResult::Refused("the token cannot stand in a request".to_owned()))
            }
            Err(SendError::Egress(error)) => {
                tracing::debug!(error = chain(&error), "a revocation was not answered");
                (None, RevocationResult::NotNow { why: error.to_string(), wait: None })
            }
        }
    }
}

struct RevocationAnswer {
    revoked: Revoked,
    status: u16,
}

impl AppReply for RevocationAnswer {
    fn refuses_app(&self) -> bool {
        self.revoked == Revoked::AppRefused
    }
}

fn understood(answer: &RevocationAnswer) -> RevocationResult {
    let status = answer.status;
    match answer.revoked {
        Revoked::Confirmed | Revoked::WasDead => RevocationResult::Confirmed,
        Revoked::Unconfirmed => {
            RevocationResult::Refused(format!("not confirmed: status {status}"))
        }
        Revoked::AppRefused => {
            let why = format!("the provider refused the app's secret: status {status}");
            RevocationResult::NotNow { why, wait: None }
        }
        Revoked::NotNow(wait) => RevocationResult::NotNow {
            why: format!("the provider answered with status {status}"),
            wait,
        },
    }
}
