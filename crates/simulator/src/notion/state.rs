use std::collections::BTreeMap;

use super::app::{NotionApp, RegisteredApp, Registration};
use super::consents::{Agreed, Asked};
use super::content::Content;
use super::seed;
use super::tokens::Tokens;
use crate::InvalidApp;
use crate::consents::Consents;

/// Somebody in the workspace.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) email: String,
}

/// The only workspace there is.
pub(crate) struct Workspace {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) people: Vec<Person>,
}

/// Everything the Notion stand-in remembers.
pub struct State {
    pub(crate) workspace: Workspace,
    pub(crate) apps: BTreeMap<String, Registration>,
    pub(crate) consents: Consents<Asked, Agreed>,
    pub(crate) tokens: Tokens,
    pub(crate) content: Content,
}

// === impl State ===

impl State {
    pub(crate) fn seeded() -> Self {
        Self {
            workspace: seed::workspace(),
            apps: BTreeMap::new(),
            consents: Consents::default(),
            tokens: Tokens::default(),
            content: seed::content(),
        }
    }

    /// Goes back to the seed; apps are set-up rather than state, so they stay.
    pub(crate) fn reset(&mut self) {
        let apps = std::mem::take(&mut self.apps);
        *self = Self { apps, ..Self::seeded() };
    }

    /// Registers an app, or changes one while it keeps its tokens.
    pub(crate) fn register(&mut self, app: NotionApp) -> Result<RegisteredApp, InvalidApp> {
        let registration = app.checked()?;
        let public = registration.public.clone();
        self.apps.insert(public.client_id.clone(), registration);
        Ok(public)
    }
}

// === impl Workspace ===

impl Workspace {
    pub(crate) fn person(&self, id: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.id == id)
    }
}
