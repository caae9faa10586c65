//! Tavily: the search API methods our catalogue calls, paid with keys.

mod answer;
mod api;
pub(crate) mod control;
mod dates;
mod state;
mod web;

use axum::Router;
use axum::routing::{get, post};
use thiserror::Error;

pub use state::{KeyUsage, NewKey, State};

use crate::gate::Dialect;
use crate::outside::SimulatorOptions;
use crate::stand_in::StandIn;

const ENDPOINTS: &[&str] = &["search", "extract", "usage"];

const DIALECT: Dialect = Dialect {
    endpoint_of: |path| path.strip_prefix("/tavily/").unwrap_or(path),
    has: |endpoint| ENDPOINTS.contains(&endpoint),
    throttled: answer::throttled,
    refused: |code, _| answer::Refusal::named(code).map(answer::Refusal::into_answer),
    token_marks: &["tvly-"],
};

/// The control handle of the Tavily stand-in; cloning gives another handle to the same state.
pub type Tavily = StandIn<State>;

/// Why a key cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidKey {
    /// Tavily's keys can be told by how they begin.
    #[error("a key begins with `tvly-`, and goes on with letters, digits and dashes")]
    Form,
    /// There is one like it.
    #[error("this key exists")]
    Taken,
}

// === impl Tavily ===

impl Tavily {
    pub(crate) fn new(options: SimulatorOptions) -> Self {
        Self::with(options, &DIALECT, State::seeded())
    }

    /// Makes a key and returns it; a fresh one where none is given.
    pub fn create_key(&self, new: NewKey) -> Result<String, InvalidKey> {
        let fresh = || self.outside.secret("tvly-dev-");
        let api_key = new.api_key.unwrap_or_else(fresh);
        self.state().add_key(&api_key, new.limit)?;
        Ok(api_key)
    }

    /// Returns the keys that are good, in the order of their making.
    pub fn keys(&self) -> Vec<String> {
        self.state().keys().map(|key| key.text.clone()).collect()
    }

    /// Ends a key; false when it is not a good one.
    pub fn revoke_key(&self, api_key: &str) -> bool {
        self.state().end_key(api_key)
    }

    /// Returns what a good key was used for.
    pub fn usage_of(&self, api_key: &str) -> Option<KeyUsage> {
        self.state().key(api_key).map(|key| key.usage)
    }

    /// Lets the account's plan have so many credits.
    pub fn set_plan_limit(&self, credits: u64) {
        self.state().plan_limit = credits;
    }

    /// Puts the stand-in back to its seeded state; keys that are good stay good, unused.
    pub fn reset(&self) {
        self.state().reset();
        self.calm();
    }

    pub(crate) fn router(&self) -> Router {
        let routes = Router::new()
            .route("/tavily/search", post(api::search::post))
            .route("/tavily/extract", post(api::extract::post))
            .route("/tavily/usage", get(api::usage::get));
        self.served(routes)
    }
}
