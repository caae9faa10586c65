use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use crate::apps::basic;
use crate::slack::answer::Refusal;
use crate::slack::api::Arguments;
use crate::slack::app::{RegisteredApp, Registration};
use crate::slack::state::State;

/// Who calls the token endpoint, as far as it says.
pub(super) struct Credentials {
    pub(super) client_id: Option<String>,
    client_secret: Option<String>,
}

/// An app that said who it is.
pub(super) struct Client {
    pub(super) app: RegisteredApp,
    /// Whether it also proved it; a public client cannot.
    pub(super) proven: bool,
}

// === impl Credentials ===

impl Credentials {
    /// Reads HTTP Basic, or else the body; both together must not contradict each other.
    pub(super) fn read(headers: &HeaderMap, arguments: &Arguments) -> Result<Self, Refusal> {
        let client_id = arguments.filled("client_id")?;
        if !headers.contains_key(AUTHORIZATION) {
            let client_secret = arguments.filled("client_secret")?.map(str::to_owned);
            return Ok(Self { client_id: client_id.map(str::to_owned), client_secret });
        }
        let unknown = || Refusal::new("invalid_client_id");
        let (id, secret) = basic(headers).ok_or_else(unknown)?;
        if client_id.is_some_and(|client_id| client_id != id) {
            return Err(unknown());
        }
        Ok(Self { client_id: Some(id), client_secret: Some(secret) })
    }

    /// Finds the app; a secret that is given has to be right.
    pub(super) fn authenticate(&self, state: &State) -> Result<Client, Refusal> {
        let app = self.client_id.as_ref().and_then(|client_id| state.apps.get(client_id));
        let app: &Registration = app.ok_or(Refusal::new("invalid_client_id"))?;
        match &self.client_secret {
            Some(secret) if *secret == app.client_secret => {
                Ok(Client { app: app.public.clone(), proven: true })
            }
            None if app.public.pkce => Ok(Client { app: app.public.clone(), proven: false }),
            _ => Err(Refusal::new("bad_client_secret")),
        }
    }
}
