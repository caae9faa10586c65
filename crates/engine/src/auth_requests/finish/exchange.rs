use astralform_catalog::Pkce;
use astralform_domain::{
    Account, AuthFailure, AuthRequest, ProviderError, ScopeSet, Secret, chain,
};
use astralform_egress::{Answer, EgressError, REDACTED};
use astralform_provider::{
    Budget, SendError,
    identity::{identity_request, read_account},
    oauth::{Grant, Granted, TokenError, read_tokens, token_request},
    request::CredentialParts,
};
use astralform_storage::oauth_states::OauthState;
use http::StatusCode;

use super::Callback;
use crate::{
    Fault,
    auth_requests::{Consents, close::FlowEnd},
    connections::{OpenAccount, OpenToken},
    connectors::{Ready, reach},
    places,
    places::digest_row,
};

impl Consents {
    /// Checks what the browser brought and exchanges it for tokens and an account.
    pub(super) async fn fetch(
        &self,
        state: &OauthState,
        request: &AuthRequest,
        callback: &Callback<'_>,
    ) -> Result<Result<(Ready, OpenAccount), FlowEnd>, Fault> {
        if self.cache.is_frozen(request.tenant.project).await? {
            return Ok(Err(FlowEnd::Failed(AuthFailure::Frozen)));
        }
        let ready =
            match self.connectors.load_ready(request.tenant, request.project_connector).await? {
                Ok(ready) if ready.settings.generation == state.generation => ready,
                _ => return Ok(Err(FlowEnd::Failed(AuthFailure::SettingsChanged))),
            };
        let code = match code(state, callback) {
            Ok(code) => code,
            Err(ended) => return Ok(Err(ended)),
        };
        let granted = match self.exchange(state, request, &ready, code).await? {
            Ok(granted) => granted,
            Err(ended) => return Ok(Err(ended)),
        };
        let now = self.base.now();
        let asked = &request.required_scopes;
        let tokens = granted.into_iter();
        let tokens: Vec<_> =
            tokens.map(|token| OpenToken::granted(token, &ready.connector, asked, now)).collect();
        match self.account(request, &ready, &tokens).await {
            Ok(account) => {
                let hosts = ready.settings.hosts.clone();
                Ok(Ok((ready, OpenAccount { account, tokens, hosts })))
            }
            Err(failure) => {
                self.discards.discard(request, &ready, None, tokens).await;
                Ok(Err(FlowEnd::Failed(failure)))
            }
        }
    }

    /// Exchanges the code as the developer's app.
    async fn exchange(
        &self,
        state: &OauthState,
        request: &AuthRequest,
        ready: &Ready,
        code: &Secret,
    ) -> Result<Result<Vec<Granted>, FlowEnd>, Fault> {
        let Ok((oauth, at)) = ready.oauth() else {
            return Ok(Err(FlowEnd::Failed(AuthFailure::SettingsChanged)));
        };
        let verifier = self.verifier(state, request, ready).await?;
        let grant = Grant { code, redirect_uri: &state.redirect_uri, verifier: verifier.as_ref() };
        let app = self.connectors.app(&ready.settings).await?;
        let granted = app.send(
            &self.egress,
            Budget::CODE,
            |client| token_request(oauth, &at.token, client, &grant),
            |answer| read_tokens(oauth, answer.status, &answer.body),
        );
        let granted = match granted.await {
            Ok(granted) => granted.map_err(|error| not_exchanged(request, error)),
            Err(SendError::Egress(error)) => Err(FlowEnd::Failed(unanswered(request, &error))),
            Err(SendError::Unsendable | SendError::NoSecret) => {
                Err(FlowEnd::Failed(AuthFailure::ClientRejected))
            }
        };
        if let Err(FlowEnd::Refused(AuthFailure::ClientRejected, said)) = &granted {
            self.connectors.note_refused_app(ready, said).await?;
        }
        Ok(granted)
    }

    /// Returns the code verifier, where the provider takes PKCE. It is opened in any case: that
    /// shows that the state was made for this owner.
    async fn verifier(
        &self,
        state: &OauthState,
        request: &AuthRequest,
        ready: &Ready,
    ) -> Result<Option<Secret>, Fault> {
        let key = self.base.keys_of(request.tenant.project).await?;
        let row = digest_row(&state.state_hash);
        let place = places::code_verifier(request, &row, &ready.settings.hosts);
        let verifier = key.open(place, &state.code_verifier)?;
        let pkce = ready.connector.oauth.as_ref().map(|oauth| oauth.pkce);
        Ok(Some(verifier).filter(|_| pkce == Some(Pkce::S256)))
    }

    /// Returns the account of the tokens, unless they grant nothing that was asked for.
    async fn account(
        &self,
        request: &AuthRequest,
        ready: &Ready,
        tokens: &[OpenToken],
    ) -> Result<Account, AuthFailure> {
        let token = tokens.iter().find(|token| token.kind == ready.connector.api.token);
        let token = token.or_else(|| tokens.first()).ok_or(AuthFailure::ProviderUnavailable)?;
        // A scope that is never listed does not show that one was granted.
        let unlisted = ready.connector.unlisted_of(&request.required_scopes);
        let required = request.required_scopes.missing_from(&unlisted);
        let granted =
            tokens.iter().fold(ScopeSet::default(), |all, token| all.union(&token.scopes));
        let useless = !required.is_empty() && required.missing_from(&granted) == required;
        if useless {
            return Err(AuthFailure::NothingGranted);
        }
        let parts = CredentialParts::token(token.access_token.clone());
        let identity = identity_request(&ready.connector, &ready.addresses, &parts);
        let identity = identity.ok_or(AuthFailure::ProviderUnavailable)?;
        let answer = self.egress.send(identity, Budget::IDENTITY.to(reach(&ready.settings))).await;
        let answer = answer.map_err(|error| unanswered(request, &error))?;
        let account = read_account(&ready.connector, &answer).unwrap_or_else(|error| {
            let status = answer.status.as_u16();
            tracing::warn!(auth_request.id = %request.id, %error, status, "the account is not known");
            None
        });
        // An id that contains the redaction mark was made of a token.
        let account = account.filter(|account| !account.id.contains(REDACTED));
        account.ok_or_else(|| unread(&answer))
    }
}

fn not_exchanged(request: &AuthRequest, error: TokenError) -> FlowEnd {
    tracing::warn!(auth_request.id = %request.id, %error, "the code was not exchanged");
    match error {
        TokenError::ClientRejected(said) => FlowEnd::Refused(AuthFailure::ClientRejected, said),
        TokenError::Refused(said) => FlowEnd::Refused(AuthFailure::CodeRejected, said),
        TokenError::Unreadable => FlowEnd::Failed(AuthFailure::ProviderUnavailable),
    }
}

fn unanswered(request: &AuthRequest, error: &EgressError) -> AuthFailure {
    tracing::warn!(auth_request.id = %request.id, error = chain(error), "the provider did not answer");
    if error.is_ours() {
        AuthFailure::ConnectorMisconfigured
    } else {
        AuthFailure::ProviderUnavailable
    }
}

/// Returns why an answer names no account: a provider in trouble says so by its status, and what
/// else it says is not what the connector describes.
fn unread(answer: &Answer) -> AuthFailure {
    match answer.status {
        StatusCode::TOO_MANY_REQUESTS => AuthFailure::ProviderUnavailable,
        status if status.is_server_error() => AuthFailure::ProviderUnavailable,
        _ => AuthFailure::AccountUnreadable,
    }
}

/// Returns the code, if the answer comes from the provider that was asked and says yes. The issuer
/// is compared before anything else is believed (RFC 9207 §2.4).
fn code<'a>(state: &OauthState, callback: &'a Callback<'_>) -> Result<&'a Secret, FlowEnd> {
    if state.issuer.is_some() && state.issuer.as_deref() != callback.issuer {
        let expected = state.issuer.as_deref();
        let came = callback.issuer;
        tracing::warn!(auth_request.id = %state.auth_request, expected, came, "callback without its issuer, or with another's");
        return Err(FlowEnd::Failed(AuthFailure::IssuerMismatch));
    }
    match (callback.error.filter(|error| !error.is_empty()), &callback.code) {
        (Some(error), _) => Err(refused(error, callback)),
        (None, Some(code)) => Ok(code),
        _ => Err(FlowEnd::Failed(AuthFailure::AuthorizationError)),
    }
}

fn refused(error: &str, callback: &Callback<'_>) -> FlowEnd {
    // What a provider says for developers does not repeat what proves this flow.
    let description = callback
        .description
        .filter(|text| !callback.state.is_some_and(|state| text.contains(state)));
    let said = ProviderError::new(error, description);
    match error {
        "access_denied" => FlowEnd::Declined(said),
        _ => FlowEnd::Refused(AuthFailure::AuthorizationError, said),
    }
}
