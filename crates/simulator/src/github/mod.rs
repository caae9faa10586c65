//! GitHub: OAuth apps and the API methods our catalogue calls.

mod api;
mod app;
pub(crate) mod control;
mod limits;
mod oauth;
mod pages;
mod refusal;
mod scopes;
mod seed;
mod selection;
mod state;
mod time;
mod tokens;
mod world;

use axum::Router;
use axum::routing::{delete, get, post};

pub use app::{GithubApp, RegisteredApp};
pub use selection::{GrantSummary, TokenSelector};
pub use state::State;
pub use world::{Account, Closed, Collaborator, Issue, PullRequest, Repository, Role, World};

use crate::gate::Dialect;
use crate::outside::SimulatorOptions;
use crate::stand_in::StandIn;
use crate::{InvalidApp, NewApp};

const SERVICE: &str = "GitHub";

const ENDPOINTS: &[&str] = &[
    "login/oauth/authorize",
    "login/oauth/authorize/decision",
    "login/oauth/access_token",
    "user",
    "user/repos",
    "search/issues",
    "applications/token",
    "applications/grant",
];

const DIALECT: Dialect = Dialect {
    endpoint_of,
    has: |endpoint| ENDPOINTS.contains(&endpoint),
    throttled: refusal::throttled,
    refused: refusal::refused,
    token_marks: &["gho_", "ghr_"],
};

/// The control handle of the GitHub stand-in; cloning gives another handle to the same state.
pub type Github = StandIn<State>;

// === impl Github ===

impl Github {
    pub(crate) fn new(options: SimulatorOptions) -> Self {
        Self::with(options, &DIALECT, State::seeded())
    }

    /// Registers an app; one with the same client id is changed and keeps its tokens.
    pub fn register_app(&self, app: GithubApp) -> Result<RegisteredApp, InvalidApp> {
        self.state().register(app)
    }

    /// Registers an app with a fresh client id and secret.
    pub fn register_fresh_app(&self, name: &str, redirect_uri: &str) -> Result<NewApp, InvalidApp> {
        let client_id = self.outside.secret("Ov23");
        let client_secret = self.outside.secret("");
        let mut app = GithubApp::new(&client_id, &client_secret, redirect_uri);
        name.clone_into(&mut app.name);
        self.register_app(app)?;
        Ok(NewApp { connector: "github", client_id, client_secret })
    }

    /// Returns the registered apps, without their secrets.
    pub fn apps(&self) -> Vec<RegisteredApp> {
        self.state().apps.values().map(|app| app.public.clone()).collect()
    }

    /// Returns what there is.
    pub fn world(&self) -> World {
        self.state().world.clone()
    }

    /// Withdraws what the selected tokens' people have let their apps do, and says how often.
    pub fn revoke(&self, selector: &TokenSelector) -> usize {
        self.state().tokens.revoke(selector)
    }

    /// Lets the selected access tokens expire now and returns how many it were.
    pub fn expire(&self, selector: &TokenSelector) -> usize {
        let now = self.outside.now();
        self.state().tokens.expire(selector, now)
    }

    /// Returns what people have let apps do, without the tokens.
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
            .route("/github/", get(pages::home))
            .route("/github/login/oauth/authorize", get(oauth::authorize::get))
            .route("/github/login/oauth/authorize/decision", post(oauth::decision::post))
            .route("/github/login/oauth/access_token", post(oauth::access::post))
            .route("/github/user", get(api::user::get))
            .route("/github/user/repos", get(api::repos::list))
            .route("/github/search/issues", get(api::search::issues))
            .route(
                "/github/applications/{client_id}/token",
                post(api::applications::check).delete(api::applications::delete_token),
            )
            .route(
                "/github/applications/{client_id}/grant",
                delete(api::applications::delete_grant),
            )
            .route("/github/{owner}/{name}", get(pages::repository))
            .route("/github/{owner}/{name}/{kind}/{number}", get(pages::issue));
        self.served(routes)
    }

    /// Returns what addresses of the API and of pages begin with.
    fn base(&self) -> String {
        format!("{}/github", self.outside.public_url())
    }
}

fn endpoint_of(path: &str) -> &str {
    let path = path.strip_prefix("/github/").unwrap_or(path);
    match path.strip_prefix("applications/").and_then(|rest| rest.split_once('/')) {
        Some((_, "token")) => "applications/token",
        Some((_, "grant")) => "applications/grant",
        _ => path,
    }
}
