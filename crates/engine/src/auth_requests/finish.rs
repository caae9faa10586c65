mod account;
mod again;
mod exchange;
mod way_back;

use astralform_catalog::Auth;
use astralform_domain::{
    Actor, AuthFailure, AuthRequest, AuthRequestState, AuthStatus, ConnectionId, ConnectionState,
    Secret, VerifyEndUser,
};
use astralform_storage::{
    auth_requests, freezes,
    oauth_states::{self, OauthState, ReturnedState},
    project_connectors,
};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use super::begin::digest;
use crate::{
    Fault,
    audit::Event,
    auth_requests::{Consents, close::FlowEnd},
    connections::{Arrival, OpenAccount},
    connectors::Ready,
};

/// What a browser brings back from a provider (RFC 6749 §4.1.2).
pub struct Callback<'a> {
    /// The redirect URI it came to.
    pub redirect_uri: &'a str,
    /// The `state` parameter.
    pub state: Option<&'a str>,
    /// The `code` parameter.
    pub code: Option<Secret>,
    /// The `error` parameter.
    pub error: Option<&'a str>,
    /// The `error_description` parameter.
    pub description: Option<&'a str>,
    /// The `iss` parameter (RFC 9207).
    pub issuer: Option<&'a str>,
    /// The browser's cookie.
    pub browser: Option<&'a str>,
}

/// Why a callback leads nowhere. The person who sees it may not be the one who was asked, so it
/// says nothing about the request.
#[derive(Debug, Error)]
pub enum FinishError {
    /// There is no flow of that state, or there is none any more.
    #[error("this answer does not belong to a flow that is under way")]
    UnknownState,
    /// The browser is not the one in which the flow was started.
    #[error("this flow was started in another browser")]
    ForeignBrowser,
    /// The answer came to another redirect URI than the flow was sent with.
    #[error("this answer came to another address than this flow was sent with")]
    OtherRedirectUri,
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What became of an account that was opened.
enum Placed {
    /// It is stored; the request went on to that state.
    Stored(AuthRequestState),
    /// It is of another account than was asked for.
    OtherAccount,
    /// The request, or the settings it was made for, ended meanwhile.
    Ended,
    /// The project was frozen meanwhile.
    Frozen,
}

impl Consents {
    /// Ends the flow of a browser that is back from the provider, and returns where the browser
    /// goes.
    ///
    /// The state is consumed before anything else: of all callbacks with it, one at most exchanges
    /// a code. The same browser is sent to the same place by all of them.
    ///
    /// # Errors
    /// When no flow is under way with that state, in that browser.
    pub async fn finish_consent(&self, callback: Callback<'_>) -> Result<String, FinishError> {
        let brought = self.consume(&callback).await?;
        let state = brought.state();
        let request = auth_requests::find_in_any_tenant(&self.base.db, state.auth_request).await;
        let missing = Fault::Inconsistent("a flow's auth request is gone");
        let request = request.map_err(Fault::from)?.ok_or(missing)?;
        if state.redirect_uri != callback.redirect_uri {
            self.end_misdirected(&brought, &request, &callback).await?;
            return Err(FinishError::OtherRedirectUri);
        }
        match &brought {
            ReturnedState::First(state) => {
                let ended = Box::pin(self.finish_first(state, &request, &callback)).await;
                let made = ended.as_ref().ok().copied().flatten();
                let tagged = self.tagged(&request, &state.browser_hash, made).await;
                let made = tagged.as_ref().ok().copied().flatten();
                let settled = oauth_states::settle(&self.base.db, &state.state_hash, made).await;
                self.prompts.state.changes.announce(request.id);
                ended?;
                tagged?;
                settled.map_err(Fault::from)?;
            }
            ReturnedState::Again(state) if is_same_browser(state, callback.browser) => {
                self.wait_until_settled(state).await?;
            }
            ReturnedState::Again(_) => return Err(FinishError::ForeignBrowser),
        }
        let made = self.made_in(&request, &state.browser_hash).await?;
        Ok(self.way_back(&request, made).await?)
    }

    /// Goes on with what a browser brought for the first time; returns the connection that has to
    /// be confirmed, if one was made.
    async fn finish_first(
        &self,
        state: &OauthState,
        request: &AuthRequest,
        callback: &Callback<'_>,
    ) -> Result<Option<ConnectionId>, FinishError> {
        if !is_same_browser(state, callback.browser) {
            self.prompts.close(request, FlowEnd::Failed(AuthFailure::ForeignBrowser)).await?;
            oauth_states::forget(&self.base.db, &state.state_hash).await.map_err(Fault::from)?;
            tracing::warn!(auth_request.id = %request.id, "callback from a foreign browser");
            return Err(FinishError::ForeignBrowser);
        }
        if request.status_at(self.base.now()) != AuthStatus::Pending {
            return Ok(None);
        }
        match Box::pin(self.fetch(state, request, callback)).await? {
            Ok((ready, opened)) => Ok(Box::pin(self.receive(request, &ready, opened)).await?),
            Err(ended) => {
                self.prompts.close(request, ended).await?;
                Ok(None)
            }
        }
    }

    async fn consume(&self, callback: &Callback<'_>) -> Result<ReturnedState, FinishError> {
        let state = callback.state.ok_or(FinishError::UnknownState)?;
        let now = self.base.now();
        let consumed =
            oauth_states::consume(&self.base.db, &digest(state), now).await.map_err(Fault::from)?;
        let in_time = consumed.filter(|brought| brought.state().expires_at > now);
        let Some(brought) = in_time else {
            tracing::warn!("callback with an unknown or expired state");
            return Err(FinishError::UnknownState);
        };
        Ok(brought)
    }

    /// Ends a flow whose answer came to another redirect URI than it was sent with (RFC 9700
    /// §4.4.2.2): the provider has another one registered, or two of them were mixed up. Another
    /// browser ends nothing.
    async fn end_misdirected(
        &self,
        brought: &ReturnedState,
        request: &AuthRequest,
        callback: &Callback<'_>,
    ) -> Result<(), Fault> {
        let state = brought.state();
        let sent = &state.redirect_uri;
        let came = callback.redirect_uri;
        tracing::warn!(auth_request.id = %request.id, sent, came, "callback at another redirect URI");
        if let ReturnedState::First(state) = brought {
            oauth_states::forget(&self.base.db, &state.state_hash).await?;
            if is_same_browser(state, callback.browser) {
                self.prompts
                    .close(request, FlowEnd::Failed(AuthFailure::RedirectUriMismatch))
                    .await?;
            }
        }
        Ok(())
    }

    /// Stores an account, and gives back what cannot be stored. A connection that has to be
    /// confirmed is returned.
    pub(super) async fn receive(
        &self,
        request: &AuthRequest,
        ready: &Ready,
        opened: OpenAccount,
    ) -> Result<Option<ConnectionId>, Fault> {
        match self.place(request, ready, &opened).await {
            Ok(Placed::Stored(state)) => {
                let status = state.status();
                tracing::info!(auth_request.id = %request.id, %status, "account connected");
                self.base.count_prompt(request, status);
                self.prompts.state.changes.announce(request.id);
                Ok(state.connection().filter(|_| status == AuthStatus::AwaitingConfirmation))
            }
            Ok(Placed::OtherAccount) => {
                self.decline_other(request, ready, opened).await?;
                self.prompts.close(request, FlowEnd::Failed(AuthFailure::OtherAccount)).await?;
                Ok(None)
            }
            Ok(Placed::Frozen) => {
                let OpenAccount { account, tokens, .. } = opened;
                self.discards.discard(request, ready, Some(&account), tokens).await;
                self.prompts.close(request, FlowEnd::Failed(AuthFailure::Frozen)).await?;
                Ok(None)
            }
            other => {
                let OpenAccount { account, tokens, .. } = opened;
                self.discards.discard(request, ready, Some(&account), tokens).await;
                other.map(|_| None)
            }
        }
    }

    async fn place(
        &self,
        request: &AuthRequest,
        ready: &Ready,
        opened: &OpenAccount,
    ) -> Result<Placed, Fault> {
        if !self.is_wanted(request, ready, opened).await? {
            return Ok(Placed::OtherAccount);
        }
        let state = self.first_state(request).await?;
        self.store(request, ready, opened, state).await
    }

    async fn store(
        &self,
        request: &AuthRequest,
        ready: &Ready,
        opened: &OpenAccount,
        state: ConnectionState,
    ) -> Result<Placed, Fault> {
        let now = self.base.now();
        let key = self.base.keys_of(request.tenant.project).await?;
        let chain = self.base.project_chain(request.tenant.project).await?;
        let mut tx = self.base.begin(Actor::EndUser(request.id)).await?;
        if !freezes::is_thawed(&mut tx, request.tenant.project).await? {
            return Ok(Placed::Frozen);
        }
        if !project_connectors::holds(&mut tx, &ready.settings).await? {
            return Ok(Placed::Ended);
        }
        let owner = self.connections.lock_owner(&mut tx, request.tenant, &request.owner).await?;
        if matches!(ready.connector.auth(), Auth::OAuth(_)) {
            self.connectors.absolve_app(&mut tx, ready).await?;
        }
        let arrival = Arrival {
            connection: self.connections.new_connection(request, opened, state),
            tokens: &opened.tokens,
            end_user: owner,
            waiting: None,
            request,
            connector: Some(&ready.connector),
        };
        let connection = self.connections.store_connection(&mut tx, arrival, &key).await?;
        let is_usable = state == ConnectionState::ACTIVE;
        let Some(next) = request.state.connected(connection, is_usable) else {
            return Ok(Placed::Ended);
        };
        if !auth_requests::advance(&mut tx, request, &next, now.after(AuthRequest::PHASE)).await? {
            return Ok(Placed::Ended);
        }
        let action = if is_usable { "connection.connected" } else { "connection.to_be_confirmed" };
        let event = Event::new(action, connection).within(request.tenant.environment);
        let event = event.of_owner(&request.owner).with("connector", request.connector.as_str());
        let event = event.with("auth_request", request.id.to_string());
        chain.record(&mut tx, &event).await?;
        tx.commit().await?;
        Ok(Placed::Stored(next))
    }

    /// Returns the state that a connection is made in.
    async fn first_state(&self, request: &AuthRequest) -> Result<ConnectionState, Fault> {
        let settings = self.row_tags.environment_settings(request.tenant).await?;
        Ok(match settings.verify_end_user {
            VerifyEndUser::Confirm => ConnectionState::AwaitingConfirmation,
            VerifyEndUser::Off => ConnectionState::ACTIVE,
        })
    }
}

fn is_same_browser(state: &OauthState, browser: Option<&str>) -> bool {
    let brought = browser.map(digest).unwrap_or_default();
    bool::from(brought.ct_eq(&state.browser_hash))
}
