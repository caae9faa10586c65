//! Notion: OAuth and the part of the API that our catalogue calls, as of 2026-03-11.

mod answer;
mod api;
mod app;
mod blocks;
mod consents;
mod content;
pub(crate) mod control;
mod ids;
mod oauth;
mod pages;
mod rich_text;
mod seed;
mod selection;
mod state;
mod times;
mod tokens;

use axum::Router;
use axum::routing::{get, post};

pub use app::{Capability, NotionApp, RegisteredApp};
pub use selection::{GrantSummary, TokenSelector};
pub use state::State;

use crate::gate::Dialect;
use crate::outside::SimulatorOptions;
use crate::stand_in::StandIn;
use crate::{InvalidApp, NewApp};

const SERVICE: &str = "Notion";

const ENDPOINTS: &[&str] = &[
    "blocks/{id}/children",
    "data_sources/{id}",
    "oauth/authorize",
    "oauth/authorize/decision",
    "oauth/introspect",
    "oauth/revoke",
    "oauth/token",
    "pages",
    "pages/{id}",
    "pages/{id}/markdown",
    "search",
    "users/me",
];

const DIALECT: Dialect = Dialect {
    endpoint_of,
    has: |endpoint| ENDPOINTS.contains(&endpoint),
    throttled: answer::throttled,
    refused: answer::refused,
    token_marks: &["ntn_", "nrt_"],
};

/// The control handle of the Notion stand-in; cloning gives another handle to the same state.
pub type Notion = StandIn<State>;

// === impl Notion ===

impl Notion {
    pub(crate) fn new(options: SimulatorOptions) -> Self {
        Self::with(options, &DIALECT, State::seeded())
    }

    /// Registers an app; one with the same client id is changed and keeps its tokens.
    pub fn register_app(&self, app: NotionApp) -> Result<RegisteredApp, InvalidApp> {
        self.state().register(app)
    }

    /// Registers an app with a fresh client id and secret.
    pub fn register_fresh_app(&self, name: &str, redirect_uri: &str) -> Result<NewApp, InvalidApp> {
        let client_id = ids::fresh(&self.outside);
        let client_secret = self.outside.secret("secret_");
        let mut app = NotionApp::new(&client_id, &client_secret, redirect_uri);
        name.clone_into(&mut app.name);
        self.register_app(app)?;
        Ok(NewApp { connector: "notion", client_id, client_secret })
    }

    /// Returns the registered apps, without their secrets.
    pub fn apps(&self) -> Vec<RegisteredApp> {
        self.state().apps.values().map(|app| app.public.clone()).collect()
    }

    /// Shares a page or data source with every connection of an app, or takes it away from them;
    /// returns how many they are.
    pub fn share(&self, client_id: &str, id: &str, is_shared: bool) -> usize {
        self.state().tokens.share(client_id, id, is_shared)
    }

    /// Withdraws the selected connections with all their tokens and returns how many there were.
    pub fn revoke(&self, selector: &TokenSelector) -> usize {
        let mut state = self.state();
        let selected = state.tokens.select(selector);
        for grant in &selected {
            state.tokens.withdraw(*grant);
        }
        selected.len()
    }

    /// Withdraws every connection and returns how many there were.
    pub fn revoke_all(&self) -> usize {
        self.revoke(&TokenSelector::default())
    }

    /// Lets the selected access tokens expire now and returns how many it were.
    pub fn expire(&self, selector: &TokenSelector) -> usize {
        self.state().tokens.expire(selector)
    }

    /// Returns the standing connections, without their tokens.
    pub fn grants(&self) -> Vec<GrantSummary> {
        self.state().tokens.summaries()
    }

    /// Puts the stand-in back to its seeded state; registered apps stay registered.
    pub fn reset(&self) {
        self.state().reset();
        self.calm();
    }

    pub(crate) fn router(&self) -> Router {
        let routes = Router::new()
            .route("/notion/", get(pages::home))
            .route("/notion/p/{slug}", get(pages::content))
            .route("/notion/v1/oauth/authorize", get(oauth::authorize::get))
            .route("/notion/v1/oauth/authorize/decision", post(oauth::decision::post))
            .route("/notion/v1/oauth/token", post(oauth::token::post))
            .route("/notion/v1/oauth/revoke", post(oauth::ending::revoke))
            .route("/notion/v1/oauth/introspect", post(oauth::ending::introspect))
            .route("/notion/v1/users/me", get(api::users::me))
            .route("/notion/v1/search", post(api::search::post))
            .route("/notion/v1/pages", post(api::create_page::post))
            .route("/notion/v1/pages/{id}", get(api::pages::get))
            .route("/notion/v1/pages/{id}/markdown", get(api::pages::markdown))
            .route("/notion/v1/blocks/{id}/children", get(api::children::get))
            .route("/notion/v1/data_sources/{id}", get(api::data_sources::get))
            .route("/notion/v1/{*rest}", get(api::unknown).post(api::unknown));
        self.served(routes)
    }
}

fn endpoint_of(path: &str) -> &str {
    let path = path.strip_prefix("/notion/").unwrap_or(path);
    let path = path.strip_prefix("v1/").unwrap_or(path);
    match path.split('/').collect::<Vec<_>>().as_slice() {
        ["pages", _] => "pages/{id}",
        ["pages", _, "markdown"] => "pages/{id}/markdown",
        ["blocks", _, "children"] => "blocks/{id}/children",
        ["data_sources", _] => "data_sources/{id}",
        _ => path,
    }
}
