use std::time::Duration;

use astralform_catalog::{Connector, EndedTokens, OAuth, Revocation, RevocationStyle, Rotation};
use astralform_domain::{Connection, RevocationStatus, Secret, Timestamp};
use astralform_storage::{connections, revocations::Due};
use astralform_vault::OpenError;

use crate::{
    Engine, Fault, Unusable, chain,
    connections::OpenToken,
    egress::Allowance,
    oauth::{Revoked, read_revocation, revocation_request},
    project_connectors::{Client, Ready, reach},
};

/// A provider that is to be asked, with what our app proves itself with.
pub(super) struct Provider<'a> {
    ready: Result<Ready<'a>, Unusable>,
    /// The app with its secret, and with the one before as long as that is to be tried.
    clients: Vec<Client>,
    /// How often in a row it was found not to be well.
    pub(super) failures: i64,
    /// Until when it is for this request alone to find out whether it is well again.
    pub(super) probe: Option<Timestamp>,
}

/// What came of asking for the end of a connection's tokens.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of them are dead.
    Confirmed,
    /// Those that are known are dead; a refresh that was never answered may have made another.
    InDoubt,
    /// There is nobody to ask, or nothing to ask with.
    Cannot(String),
    /// The provider answers, but does not confirm it.
    Refused(String),
    /// The provider is not well, or wants to be left alone for so long.
    NotNow { why: String, wait: Option<Duration> },
}

impl Asked {
    /// How it is counted, where the time for asking is over or not.
    pub(super) const fn outcome(&self, is_over: bool) -> RevocationStatus {
        match self {
            Self::Confirmed => RevocationStatus::ProviderConfirmed,
            Self::Cannot(_) | Self::InDoubt => RevocationStatus::ProviderCannot,
            Self::Refused(_) | Self::NotNow { .. } if is_over => RevocationStatus::GaveUp,
            Self::Refused(_) | Self::NotNow { .. } => RevocationStatus::Pending,
        }
    }
}

impl Provider<'_> {
    /// Whether a refresh that was sent and never answered may have left a token that we do not
    /// know: another pair, or, where each token ends by itself, another access token. What then is
    /// confirmed of the refresh token is confirmed of one that had been used up.
    pub(super) fn may_have_made_another(&self) -> bool {
        let Ok(ready) = &self.ready else { return false };
        let is_used_up = |oauth: &OAuth| oauth.refresh.rotation == Rotation::SingleUse;
        let ends_alone = |revocation: &Revocation| revocation.tokens != EndedTokens::Grant;
        ready.connector.oauth.as_ref().is_some_and(is_used_up)
            || ready.connector.revocation.as_ref().is_some_and(ends_alone)
    }
}

const ALLOWED: Duration = Duration::from_secs(10);

impl Engine {
    pub(super) async fn provider(
        &self,
        due: &Due,
        probe: Option<Timestamp>,
    ) -> Result<Provider<'_>, Fault> {
        let settings = self.project_connector(due.tenant, due.project_connector).await?;
        let ready = self.assemble(settings);
        let clients = match &ready {
            Ok(ready) => self.clients(ready).await?,
            Err(_) => Vec::new(),
        };
        Ok(Provider { ready, clients, failures: due.failures, probe })
    }

    /// The same as a flow knows it.
    pub(super) async fn provider_of<'a>(&self, ready: &Ready<'a>) -> Result<Provider<'a>, Fault> {
        let clients = self.clients(ready).await?;
        Ok(Provider { ready: Ok(ready.clone()), clients, failures: 0, probe: None })
    }

    pub(super) async fn clients(&self, ready: &Ready<'_>) -> Result<Vec<Client>, Fault> {
        let mut clients = Vec::new();
        for opened in [
            self.client(&ready.settings).await.map(Some),
            self.previous_client(&ready.settings).await,
        ] {
            match opened {
                Ok(client) => clients.extend(client),
                Err(fault) if fault.may_pass() => return Err(fault),
                Err(fault) => {
                    let pcon = ready.settings.id;
                    let error = chain(&fault);
                    tracing::error!(project_connector.id = %pcon, error, "an app's secret is lost");
                }
            }
        }
        let proves_itself = ready.connector.revocation.as_ref();
        let proves_itself = proves_itself.is_some_and(|r| r.style == RevocationStyle::Rfc7009);
        if clients.is_empty() && !proves_itself {
            // The tokens prove themselves.
            let secret = Secret::new(String::new());
            clients.push(Client { id: ready.client_id().to_owned(), secret });
        }
        Ok(clients)
    }

    /// Asks the provider to end the tokens of an ended connection. They go to the hosts they are
    /// bound to, and to no others. Says also which kinds of token are dead.
    pub(super) async fn ask_provider(
        &self,
        provider: &Provider<'_>,
        connection: &Connection,
    ) -> Result<(Asked, Vec<String>), Fault> {
        let cannot = |why: &str| Ok((Asked::Cannot(why.to_owned()), Vec::new()));
        let ready = match &provider.ready {
            Ok(ready) => ready,
            Err(why) => {
                let (why, wait) = (why.to_string(), None);
                return Ok((Asked::NotNow { why, wait }, Vec::new()));
            }
        };
        if ready.connector.revocation.is_none() {
            return cannot("the provider has no way to revoke tokens");
        }
        if ready.settings.hosts != connection.hosts {
            return cannot("the connector's addresses are not those that the tokens may go to");
        }
        if provider.clients.is_empty() {
            return cannot("the app's secret does not open any more");
        }
        let mut tokens = match self.open_tokens(connection).await {
            Ok(tokens) => tokens,
            Err(fault) if fault.may_pass() => return Err(fault),
            Err(Fault::Integrity(_)) => return cannot("the stored tokens do not open any more"),
            Err(fault) => return Err(fault),
        };
        self.keep_shared(ready.connector, connection, &mut tokens).await?;
        if tokens.is_empty() {
            return cannot(
                "the same token serves other connections, and ends with the last of them",
            );
        }
        Ok(self.ask_for_tokens(&provider.clients, ready, &tokens).await)
    }

    /// Leaves the tokens out that other connections still use: those of the app, which everybody
    /// has, and those of an account that is connected elsewhere too, where its provider gives one
    /// and the same token again.
    async fn keep_shared(
        &self,
        connector: &Connector,
        ended: &Connection,
        tokens: &mut Vec<OpenToken>,
    ) -> Result<(), Fault> {
        let (tenant, pcon) = (ended.tenant, ended.project_connector);
        let shared: Vec<_> = connector.oauth.iter().flat_map(|oauth| &oauth.app_tokens).collect();
        let is_shared = |token: &OpenToken| shared.contains(&&token.kind);
        if tokens.iter().any(is_shared) && connections::any_left(&self.db, tenant, pcon).await? {
            tokens.retain(|token| !is_shared(token));
        }
        for other in connections::of_account(&self.db, tenant, pcon, &ended.account.id).await? {
            match self.open_tokens(&other).await {
                Ok(held) => tokens.retain(|token| !held.iter().any(|held| held.is_same_as(token))),
                Err(Fault::Integrity(error)) if error != OpenError::OtherKey => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    /// Asks for each of the tokens, until the provider turns out not to be well.
    pub(super) async fn ask_for_tokens(
        &self,
        clients: &[Client],
        ready: &Ready<'_>,
        tokens: &[OpenToken],
    ) -> (Asked, Vec<String>) {
        let (mut dead, mut all) = (Vec::new(), Asked::Confirmed);
        for token in tokens {
            match self.ask_for_token(clients, ready, token).await {
                Asked::Confirmed => dead.push(token.kind.clone()),
                not_now @ Asked::NotNow { .. } => return (not_now, dead),
                other => all = other,
            }
        }
        (all, dead)
    }

    async fn ask_for_token(
        &self,
        clients: &[Client],
        ready: &Ready<'_>,
        token: &OpenToken,
    ) -> Asked {
        let mut all = Asked::Confirmed;
        for secret in to_revoke(ready.connector, token) {
            match self.ask_with(clients, ready, secret).await {
                Asked::Confirmed => {}
                not_now @ Asked::NotNow { .. } => return not_now,
                other => all = other,
            }
        }
        let revocation = ready.connector.revocation.as_ref();
        let is_access_alone = revocation.is_some_and(|it| it.tokens == EndedTokens::Access);
        if is_access_alone && token.refresh_token.is_some() && matches!(all, Asked::Confirmed) {
            let why = "the access token is dead; its refresh token cannot be ended here";
            return Asked::Cannot(why.to_owned());
        }
        all
    }

    /// Asks as our app, with one secret after the other as long as the provider refuses them.
    async fn ask_with(&self, clients: &[Client], ready: &Ready<'_>, token: &Secret) -> Asked {
        let mut asked = Asked::Cannot("the app's secret does not open any more".to_owned());
        for client in clients {
            let (said, understood) = self.ask_as(client, ready, token).await;
            asked = understood;
            if said != Some(Revoked::AppRefused) {
                break;
            }
        }
        asked
    }

    async fn ask_as(
        &self,
        client: &Client,
        ready: &Ready<'_>,
        token: &Secret,
    ) -> (Option<Revoked>, Asked) {
        let allowance =
            Allowance { reach: reach(&ready.settings), within: ALLOWED, at_most: 64 * 1024 };
        let request = revocation_request(ready.connector, &ready.addresses, client, token);
        let Some(request) = request else {
            return (None, Asked::Refused("the token cannot stand in a request".to_owned()));
        };
        match self.egress.send(request, allowance).await {
            Ok(answer) => {
                let said = read_revocation(ready.connector, &answer, self.clock.now());
                (Some(said), understood(said, answer.status.as_u16()))
            }
            Err(error) => {
                tracing::debug!(error = chain(&error), "a revocation was not answered");
                (None, Asked::NotNow { why: error.to_string(), wait: None })
            }
        }
    }
}

fn understood(said: Revoked, status: u16) -> Asked {
    match said {
        Revoked::Confirmed => Asked::Confirmed,
        Revoked::Unconfirmed => Asked::Refused(format!("not confirmed: status {status}")),
        Revoked::AppRefused => {
            let why = format!("the provider refused the app's secret: status {status}");
            Asked::NotNow { why, wait: None }
        }
        Revoked::NotNow(wait) => {
            Asked::NotNow { why: format!("the provider answered with status {status}"), wait }
        }
    }
}

/// Ending a refresh token ends the access tokens of its grant too (RFC 7009 §2.1); where a call is
/// made with the token itself, that is the access token. Some providers end each token by itself:
/// the refresh token first, since it would make new ones.
fn to_revoke<'a>(connector: &Connector, token: &'a OpenToken) -> Vec<&'a Secret> {
    let Some(revocation) = &connector.revocation else { return Vec::new() };
    let (access, refresh) = (&token.access_token, token.refresh_token.as_ref());
    match (revocation.tokens, revocation.style, refresh) {
        (EndedTokens::Each, _, refresh) => refresh.into_iter().chain([access]).collect(),
        (EndedTokens::Grant, RevocationStyle::Rfc7009, Some(refresh)) => vec![refresh],
        (EndedTokens::Grant | EndedTokens::Access, _, _) => vec![access],
    }
}
