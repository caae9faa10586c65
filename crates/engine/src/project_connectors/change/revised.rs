//! What a change is judged by, and what it amounts to.

use std::sync::Arc;

use astralform_catalog::Connector;
use astralform_domain::ProjectConnector;
use astralform_provider::oauth::Client;
use subtle::ConstantTimeEq as _;

use super::ConnectorChange;
use crate::{connections::OpenAccount, settings::Entered};

/// A requested change, with its credentials read and its catalogue entry.
#[derive(Clone, Copy)]
pub(super) struct RequestedChange<'a> {
    pub(super) change: &'a ConnectorChange,
    /// The credentials that come with it.
    pub(super) entered: Option<&'a Entered>,
    pub(super) connector: &'a Arc<Connector>,
}

/// What is stored of a project connector before a change.
pub(super) struct Present {
    /// The app, where its secret opens.
    pub(super) client: Option<Client>,
    /// Whether there is a project key that opens.
    pub(super) key_opens: bool,
    /// Whether the project has a connection or key of its own.
    pub(super) has_shared: bool,
}

/// What a change amounts to.
pub(super) struct Revised {
    pub(super) settings: ProjectConnector,
    pub(super) client: Option<Client>,
    pub(super) key: Option<OpenAccount>,
    pub(super) effect: Effect,
}

/// What a change does to the connections there are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// They stay, and so does the app.
    None,
    /// They stay; the app has a new secret.
    NewSecret,
    /// They belong to another app, or another place.
    Reconnect,
}

impl Revised {
    /// Returns whether its credentials go where those of the other do. The provider has seen them
    /// before the row was locked, and another change may have come in between.
    pub(super) fn is_for_the_place_of(&self, other: &Self) -> bool {
        let id = |revised: &Self| revised.client.as_ref().map(|client| client.id.clone());
        self.settings.endpoints == other.settings.endpoints
            && self.settings.sandbox == other.settings.sandbox
            && self.settings.hosts == other.settings.hosts
            && id(self) == id(other)
    }

    /// Returns whether all it amounts to is the secret that is there already: a change that is sent
    /// twice must not retire the secret that it entered.
    pub(super) fn repeats(&self, present: Option<&Client>) -> bool {
        let secrets = self.client.as_ref().zip(present);
        self.effect == Effect::NewSecret
            && secrets.is_some_and(|(new, old)| {
                let new = new.secret.expose();
                let old = old.secret.expose();
                new.as_bytes().ct_eq(old.as_bytes()).into()
            })
    }
}
