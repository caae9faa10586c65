use std::collections::{BTreeMap, HashSet};

use super::app::{RegisteredApp, Registration, SlackApp};
use super::consents::{Agreed, Asked};
use super::messages::Messages;
use super::seed;
use super::tokens::Tokens;
use super::workspace::{Conversation, ConversationKind, Workspace};
use crate::InvalidApp;
use crate::consents::Consents;
use crate::outside::Outside;

/// Everything the Slack stand-in remembers.
pub struct State {
    pub(crate) workspace: Workspace,
    pub(crate) apps: BTreeMap<String, Registration>,
    pub(crate) consents: Consents<Asked, Agreed>,
    pub(crate) tokens: Tokens,
    pub(crate) messages: Messages,
    /// Bot user and conversation, for each conversation a bot was invited to.
    pub(crate) invited: HashSet<(String, String)>,
}

// === impl State ===

impl State {
    pub(crate) fn seeded() -> Self {
        Self {
            workspace: seed::workspace(),
            apps: BTreeMap::new(),
            consents: Consents::default(),
            tokens: Tokens::default(),
            messages: Messages::new(seed::messages()),
            invited: HashSet::new(),
        }
    }

    /// Goes back to the seed; apps are set-up rather than state, so they stay.
    pub(crate) fn reset(&mut self) {
        let apps = std::mem::take(&mut self.apps);
        *self = Self { apps, ..Self::seeded() };
    }

    /// Registers an app, or changes one while it keeps its identity and tokens.
    pub(crate) fn register(
        &mut self,
        app: SlackApp,
        outside: &Outside,
    ) -> Result<RegisteredApp, InvalidApp> {
        app.check()?;
        let known = self.apps.remove(&app.client_id).map(|known| known.public);
        let (app_id, bot_user_id, bot_id) = match known {
            Some(known) => (known.app_id, known.bot_user_id, known.bot_id),
            None => (outside.id('A'), outside.id('U'), outside.id('B')),
        };
        let public = RegisteredApp {
            client_id: app.client_id.clone(),
            app_id,
            name: app.name,
            bot_user_id,
            bot_id,
            redirect_uris: app.redirect_uris,
            token_rotation: app.token_rotation,
            pkce: app.pkce,
        };
        let registration =
            Registration { public: public.clone(), client_secret: app.client_secret };
        self.apps.insert(app.client_id, registration);
        Ok(public)
    }

    /// Ends one token; a lasting one is all that its grant has, so that goes with it.
    pub(crate) fn revoke(&mut self, token: &str, grant: u64) {
        if !self.tokens.end(token) {
            self.withdraw(grant);
        }
    }

    /// Withdraws a grant; a bot without one leaves its channels.
    pub(crate) fn withdraw(&mut self, grant: u64) {
        if let Some(gone) = self.tokens.withdraw(grant) {
            self.invited.retain(|(user, _)| *user != gone.user);
        }
    }

    /// Returns whether a person or a bot is in a conversation.
    pub(crate) fn is_in(&self, user: &str, conversation: &Conversation) -> bool {
        let invited = || self.invited.contains(&(user.to_owned(), conversation.id.clone()));
        conversation.has_member(user) || invited()
    }

    /// Returns whether a person or a bot knows that a conversation exists.
    pub(crate) fn can_see(&self, user: &str, conversation: &Conversation) -> bool {
        conversation.kind == ConversationKind::PublicChannel || self.is_in(user, conversation)
    }
}
