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

use axum::Router;
use axum::routing::{get, post};
use thiserror::Error;

pub use app::{RegisteredApp, SlackApp};
pub use selection::{GrantSummary, TokenSelector};
pub use state::State;
pub use tokens::TokenKind;
pub use workspace::{Conversation, ConversationKind, Person, Workspace};

use crate::gate::Dialect;
use crate::outside::SimulatorOptions;
use crate::stand_in::StandIn;
use crate::{InvalidApp, NewApp};

const SERVICE: &str = "Slack";

/// The endpoints beside the methods of the API.
const OAUTH_ENDPOINTS: &[&str] =
    &["oauth.v2.access", "oauth/v2/authorize", "oauth/v2/authorize/decision"];

const DIALECT: Dialect = Dialect {
    endpoint_of,
    has: |endpoint| OAUTH_ENDPOINTS.contains(&endpoint) || api::has(endpoint),
    throttled: answer::throttled,
    refused: |code, _| answer::refused(code),
    token_marks: &["xox"],
};

/// The control handle of the Slack stand-in; cloning gives another handle to the same state.
pub type Slack = StandIn<State>;

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
        Self::with(options, &DIALECT, State::seeded())
    }

    /// Registers an app; one with the same client id is changed and keeps its tokens.
    pub fn register_app(&self, app: SlackApp) -> Result<RegisteredApp, InvalidApp> {
        self.state().register(app, &self.outside)
    }

    /// Registers an app with a fresh client id and secret.
    pub fn register_fresh_app(&self, name: &str, redirect_uri: &str) -> Result<NewApp, InvalidApp> {
        let client_id = self.outside.secret("client-");
        let client_secret = self.outside.secret("");
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

    /// Puts the stand-in back to its seeded state; registered apps stay registered.
    pub fn reset(&self) {
        self.state().reset();
        self.calm();
    }

    pub(crate) fn router(&self) -> Router {
        let routes = Router::new()
            .route("/slack/", get(pages::home))
            .route("/slack/archives/{channel}/{message}", get(pages::archive))
            .route("/slack/oauth/v2/authorize", get(oauth::authorize::get))
            .route("/slack/oauth/v2/authorize/decision", post(oauth::decision::post))
            .route("/slack/api/oauth.v2.access", get(oauth::access::run).post(oauth::access::run))
            .route("/slack/api/{method}", get(api::run).post(api::run));
        self.served(routes)
    }
}

fn endpoint_of(path: &str) -> &str {
    let path = path.strip_prefix("/slack/").unwrap_or(path);
    path.strip_prefix("api/").unwrap_or(path)
}
