//! Slack: OAuth v2 and the Web API methods our catalogue calls.

mod answer;
mod api;
mod app;
mod consents;
pub(crate) mod control;
mod messages;
mod oauth;
mod pages;
mod rotation;
mod scopes;
mod seed;
mod selection;
mod state;
mod tokens;
mod workspace;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::middleware;
use axum::routing::{get, post};
use thiserror::Error;

pub use app::{InvalidApp, RegisteredApp, SlackApp};
pub use selection::{GrantSummary, TokenSelector};
pub use tokens::TokenKind;
pub use workspace::{Conversation, ConversationKind, Person, Workspace};

pub use crate::NewApp;
use crate::faults::{InjectedFault, InvalidFault};

use crate::faults::{Fault, Times};
use crate::gate::{self, Gate};
use crate::outside::{Outside, SimulatorOptions};
use crate::requests::RecordedRequest;
use state::State;

/// The endpoints faults can be injected into, beside the methods of the API and `*`.
const OAUTH_ENDPOINTS: &[&str] =
    &["oauth.v2.access", "oauth/v2/authorize", "oauth/v2/authorize/decision"];

/// The control handle of the Slack stand-in; cloning gives another handle to the same state.
#[derive(Clone)]
pub struct Slack {
    outside: Arc<Outside>,
    state: Arc<Mutex<State>>,
    gate: Gate,
}

/// Why a bot cannot be invited.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InviteError {
    /// No app has this client id.
    #[error("no app with client id `{0}` is registered")]
    UnknownApp(String),
    /// No channel has this id or name.
    #[error("there is no channel `{0}`")]
    UnknownChannel(String),
}

// === impl Slack ===

impl Slack {
    pub(crate) fn new(options: SimulatorOptions) -> Self {
        let outside = Arc::new(Outside::new(options));
        let gate = Gate::new(Arc::clone(&outside), endpoint_of);
        Self { outside, state: Arc::new(Mutex::new(State::seeded())), gate }
    }

    /// Registers an app; one with the same client id is changed and keeps its tokens.
    pub fn register_app(&self, app: SlackApp) -> Result<RegisteredApp, InvalidApp> {
        self.state().register(app, &self.outside)
    }

    /// Registers an app with a fresh client id and secret.
    pub fn register_fresh_app(&self, name: &str, redirect_uri: &str) -> Result<NewApp, InvalidApp> {
        let (client_id, client_secret) = (self.outside.secret("client-"), self.outside.secret(""));
        let mut app = SlackApp::new(&client_id, &client_secret, redirect_uri);
        name.clone_into(&mut app.name);
        self.register_app(app)?;
        Ok(NewApp { connector: "slack", client_id, client_secret })
    }

    /// Returns the registered apps, without their secrets.
    pub fn apps(&self) -> Vec<RegisteredApp> {
        self.state().apps.values().map(|app| app.public.clone()).collect()
    }

    /// Returns the seeded workspace.
    pub fn workspace(&self) -> Workspace {
        self.state().workspace.clone()
    }

    /// Invites an app's bot to a channel, given by id or name, as `/invite` does.
    pub fn invite_bot(&self, client_id: &str, channel: &str) -> Result<(), InviteError> {
        let mut state = self.state();
        let app = state.apps.get(client_id);
        let app = app.ok_or_else(|| InviteError::UnknownApp(client_id.to_owned()))?;
        let bot = app.public.bot_user_id.clone();
        let known = state.workspace.addressed(channel).map(|known| known.id.clone());
        let known = known.ok_or_else(|| InviteError::UnknownChannel(channel.to_owned()))?;
        state.invited.insert((bot, known));
        Ok(())
    }

    /// Withdraws the grant a token belongs to; false when the token is not known.
    pub fn revoke_token(&self, token: &str) -> bool {
        let token = Some(token.to_owned());
        self.revoke(&TokenSelector { token, ..TokenSelector::default() }) > 0
    }

    /// Withdraws the selected grants with all their tokens and returns how many there were.
    pub fn revoke(&self, selector: &TokenSelector) -> usize {
        let mut state = self.state();
        let selected = state.tokens.select(selector);
        for &grant in &selected {
            state.withdraw(grant);
        }
        selected.len()
    }

    /// Withdraws every grant and returns how many there were.
    pub fn revoke_all(&self) -> usize {
        self.revoke(&TokenSelector::default())
    }

    /// Lets one access token expire now; false when it is not alive.
    pub fn expire_token(&self, token: &str) -> bool {
        let token = Some(token.to_owned());
        self.expire(&TokenSelector { token, ..TokenSelector::default() }) > 0
    }

    /// Lets the selected access tokens expire now and returns how many it were.
    pub fn expire(&self, selector: &TokenSelector) -> usize {
        let now = self.outside.now();
        self.state().tokens.expire(selector, now)
    }

    /// Returns the standing grants, without their tokens.
    pub fn grants(&self) -> Vec<GrantSummary> {
        let now = self.outside.now();
        self.state().tokens.summaries(now)
    }

    /// Lets this stand-in's clock run ahead by so many more seconds.
    pub fn advance_clock(&self, seconds: u32) {
        self.outside.advance(seconds);
    }

    /// Makes calls of an endpoint, or of every endpoint (`*`), go wrong.
    pub fn inject(&self, endpoint: &str, fault: Fault, times: Times) -> Result<(), InvalidFault> {
        let known = endpoint == "*" || OAUTH_ENDPOINTS.contains(&endpoint);
        if !known && !api::has(endpoint) {
            return Err(InvalidFault::UnknownEndpoint(endpoint.to_owned()));
        }
        let endpoint = endpoint.to_owned();
        self.gate.parts().faults.push(InjectedFault { endpoint, fault, times })
    }

    /// Returns the faults that will still strike.
    pub fn faults(&self) -> Vec<InjectedFault> {
        self.gate.parts().faults.waiting()
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.gate.parts().faults.clear();
    }

    /// Returns the last thousand requests, oldest first.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.gate.parts().log.all()
    }

    /// Puts the stand-in back to its seeded state; registered apps stay registered.
    pub fn reset(&self) {
        self.state().reset();
        self.outside.stop_running_ahead();
        let mut parts = self.gate.parts();
        parts.faults.clear();
        parts.log.clear();
    }

    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/slack/", get(pages::home))
            .route("/slack/archives/{channel}/{message}", get(pages::archive))
            .route("/slack/oauth/v2/authorize", get(oauth::authorize::get))
            .route("/slack/oauth/v2/authorize/decision", post(oauth::decision::post))
            .route("/slack/api/oauth.v2.access", get(oauth::access::run).post(oauth::access::run))
            .route("/slack/api/{method}", get(api::run).post(api::run))
            .layer(middleware::from_fn_with_state(self.gate.clone(), gate::pass))
            .with_state(self.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is complete before the lock is let go, so a panic elsewhere leaves no harm.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn endpoint_of(path: &str) -> &str {
    let path = path.strip_prefix("/slack/").unwrap_or(path);
    path.strip_prefix("api/").unwrap_or(path)
}
