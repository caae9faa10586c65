use std::collections::BTreeMap;

use super::app::{GithubApp, RegisteredApp, Registration};
use super::limits::Limits;
use super::seed;
use super::tokens::Tokens;
use super::world::World;
use crate::InvalidApp;
use crate::consents::Consents;

/// What an app asked a person for on the authorize page.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) client_id: String,
    pub(crate) scopes: Vec<&'static str>,
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) code_challenge: Option<String>,
}

/// What a person agreed to; the scopes may be fewer than were asked for.
pub(crate) struct Agreed {
    pub(crate) asked: Asked,
    pub(crate) login: String,
}

/// Everything the GitHub stand-in remembers.
pub struct State {
    pub(crate) world: World,
    pub(crate) apps: BTreeMap<String, Registration>,
    pub(crate) consents: Consents<Asked, Agreed>,
    pub(crate) tokens: Tokens,
    pub(crate) limits: Limits,
}

// === impl State ===

impl State {
    pub(crate) fn seeded() -> Self {
        Self {
            world: seed::world(),
            apps: BTreeMap::new(),
            consents: Consents::default(),
            tokens: Tokens::default(),
            limits: Limits::default(),
        }
    }

    /// Goes back to the seed; apps are set-up rather than state, so they stay.
    pub(crate) fn reset(&mut self) {
        let apps = std::mem::take(&mut self.apps);
        *self = Self { apps, ..Self::seeded() };
    }

    /// Registers an app, or changes one while it keeps its tokens.
    pub(crate) fn register(&mut self, app: GithubApp) -> Result<RegisteredApp, InvalidApp> {
        app.check()?;
        let public = RegisteredApp {
            client_id: app.client_id.clone(),
            name: app.name,
            redirect_uris: app.redirect_uris,
            expiring_tokens: app.expiring_tokens,
        };
        let registration =
            Registration { public: public.clone(), client_secret: app.client_secret };
        self.apps.insert(app.client_id, registration);
        Ok(public)
    }

    /// Returns the app with these credentials.
    pub(crate) fn proven(&self, client_id: &str, client_secret: &str) -> Option<&RegisteredApp> {
        let app = self.apps.get(client_id)?;
        (app.client_secret == client_secret).then_some(&app.public)
    }
}
