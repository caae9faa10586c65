//! Local stand-ins of the services Astralform connects to.
//!
//! This crate knows how the real services answer: their OAuth pages, their token endpoints, the
//! API methods our catalogue calls, and the ways all of these go wrong. It must not know anything
//! about Astralform, so that nothing here can be bent to make our own side look right: what a
//! stand-in accepts is never looser than the real API. It opens no socket, reads no clock and
//! prints nothing; time, randomness and the address it is reached at come in through
//! [`SimulatorOptions`].
//!
//! The README describes the HTTP side. Start reading at [`Simulator`], then [`slack::Slack`].

mod apps;
mod calendar;
mod consents;
mod control;
mod faults;
mod gate;
pub mod github;
pub mod hostile;
pub mod notion;
mod outside;
mod pages;
mod pkce;
mod problem;
mod requests;
pub mod slack;
mod stand_in;
pub mod tavily;

use axum::Router;

pub use apps::InvalidApp;
pub use faults::{Fault, InjectedFault, InvalidFault, Times};
pub use outside::{Clock, Random, SimulatorOptions};
pub use requests::RecordedRequest;
pub use stand_in::StandIn;

use github::Github;
use notion::Notion;
use slack::Slack;
use tavily::Tavily;

/// All stand-ins together; cloning gives another handle to the same state.
#[derive(Clone)]
pub struct Simulator {
    slack: Slack,
    notion: Notion,
    github: Github,
    tavily: Tavily,
}

/// An app of ours at a stand-in; it has no `Debug` because it holds the secret.
pub struct NewApp {
    /// The connector whose service the stand-in stands in for.
    pub connector: &'static str,
    /// The public identifier.
    pub client_id: String,
    /// The secret that proves who exchanges a code.
    pub client_secret: String,
}

impl Simulator {
    /// The connectors whose services ask for consent.
    pub const CONSENTING_CONNECTORS: &[&str] = &["slack", "notion", "github"];

    /// The connectors whose services take keys rather than apps; each has one from the beginning.
    pub const KEYED_CONNECTORS: &[&str] = &["tavily"];

    /// Registers an app of that name at every stand-in.
    pub fn register_apps(&self, name: &str, redirect_uri: &str) -> Result<Vec<NewApp>, InvalidApp> {
        Ok(vec![
            self.slack.register_fresh_app(name, redirect_uri)?,
            self.notion.register_fresh_app(name, redirect_uri)?,
            self.github.register_fresh_app(name, redirect_uri)?,
        ])
    }

    /// Creates the stand-ins with their seeded data and no registered app.
    pub fn new(options: SimulatorOptions) -> Self {
        Self {
            slack: Slack::new(options.clone()),
            notion: Notion::new(options.clone()),
            github: Github::new(options.clone()),
            tavily: Tavily::new(options),
        }
    }

    /// Returns the control handle of the Slack stand-in.
    pub fn slack(&self) -> &Slack {
        &self.slack
    }

    /// Returns the control handle of the Notion stand-in.
    pub fn notion(&self) -> &Notion {
        &self.notion
    }

    /// Returns the control handle of the GitHub stand-in.
    pub fn github(&self) -> &Github {
        &self.github
    }

    /// Returns the control handle of the Tavily stand-in.
    pub fn tavily(&self) -> &Tavily {
        &self.tavily
    }

    /// Puts every stand-in back to its seeded state; registered apps and good keys stay.
    pub fn reset(&self) {
        self.slack.reset();
        self.notion.reset();
        self.github.reset();
        self.tavily.reset();
    }

    /// Returns the pages, APIs and controls of every stand-in, to be served at the root.
    pub fn router(&self) -> Router {
        Router::new()
            .merge(self.slack.router())
            .merge(self.notion.router())
            .merge(self.github.router())
            .merge(self.tavily.router())
            .merge(control::router(self))
    }
}
