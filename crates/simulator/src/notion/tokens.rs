use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::answer::Refusal;
use super::ids;
use crate::outside::Outside;

/// One person's connection of an app: what Notion calls a bot.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) client_id: String,
    pub(crate) person: String,
    pub(crate) bot_id: String,
    /// What the person chose; what is below it comes with it.
    pub(crate) shared: BTreeSet<String>,
}

/// An access token that was given out.
pub(crate) struct Access {
    pub(crate) grant: u64,
    pub(crate) issued_at: i64,
    pub(crate) expired: bool,
}

/// A fresh pair of tokens.
pub(crate) struct Issued {
    pub(crate) grant: Grant,
    pub(crate) access_token: String,
    pub(crate) refresh_token: Option<String>,
}

/// All connections and their tokens.
#[derive(Default)]
pub(crate) struct Tokens {
    next: u64,
    pub(crate) grants: BTreeMap<u64, Grant>,
    pub(crate) access: HashMap<String, Access>,
    pub(crate) refresh: HashMap<String, u64>,
}

// === impl Tokens ===

impl Tokens {
    /// Connects a person; who connects again keeps the bot and chooses the pages anew.
    pub(crate) fn connect(
        &mut self,
        client_id: &str,
        person: &str,
        shared: BTreeSet<String>,
        outside: &Outside,
    ) -> u64 {
        let known = self
            .grants
            .iter_mut()
            .find(|(_, grant)| grant.client_id == client_id && grant.person == person);
        if let Some((id, grant)) = known {
            grant.shared = shared;
            return *id;
        }
        self.next += 1;
        let client_id = client_id.to_owned();
        let person = person.to_owned();
        let grant = Grant { client_id, person, bot_id: ids::fresh(outside), shared };
        self.grants.insert(self.next, grant);
        self.next
    }

    /// Gives out tokens of a connection.
    pub(crate) fn issue(&mut self, grant: u64, with_refresh: bool, outside: &Outside) -> Issued {
        let access_token = outside.secret("ntn_");
        let access = Access { grant, issued_at: outside.now(), expired: false };
        self.access.insert(access_token.clone(), access);
        let refresh_token = with_refresh.then(|| outside.secret("nrt_"));
        if let Some(token) = &refresh_token {
            self.refresh.insert(token.clone(), grant);
        }
        Issued { grant: self.grants[&grant].clone(), access_token, refresh_token }
    }

    /// Trades a refresh token for a new pair; it and the access tokens before are dead at once.
    pub(crate) fn rotate(
        &mut self,
        token: &str,
        client_id: &str,
        outside: &Outside,
    ) -> Result<Issued, Refusal> {
        let wrong = || Refusal::oauth("invalid_grant", "Invalid refresh token.");
        let grant = *self.refresh.get(token).ok_or_else(wrong)?;
        if self.grants[&grant].client_id != client_id {
            return Err(wrong());
        }
        self.refresh.remove(token);
        self.access.retain(|_, access| access.grant != grant);
        Ok(self.issue(grant, true, outside))
    }

    /// Returns whose access token it is, if it works.
    pub(crate) fn caller(&self, token: &str) -> Option<&Grant> {
        let access = self.access.get(token).filter(|access| !access.expired)?;
        self.grants.get(&access.grant)
    }

    /// Returns whose token of either kind it is, if it works; and since when, where that is known.
    pub(crate) fn owner(&self, token: &str) -> Option<(&Grant, Option<i64>)> {
        let issued_at = self.access.get(token).map(|access| access.issued_at);
        let of_refresh = || self.refresh.get(token).and_then(|grant| self.grants.get(grant));
        let grant = self.caller(token).or_else(of_refresh)?;
        Some((grant, issued_at))
    }

    /// Ends one token.
    pub(crate) fn end(&mut self, token: &str) {
        self.access.remove(token);
        self.refresh.remove(token);
    }

    /// Ends a connection with all its tokens.
    pub(crate) fn withdraw(&mut self, grant: u64) {
        self.grants.remove(&grant);
        self.access.retain(|_, access| access.grant != grant);
        self.refresh.retain(|_, of| *of != grant);
    }

    pub(crate) fn share(&mut self, client_id: &str, id: &str, is_shared: bool) -> usize {
        let grants = self.grants.values_mut().filter(|grant| grant.client_id == client_id);
        grants
            .map(|grant| {
                if is_shared {
                    grant.shared.insert(id.to_owned());
                } else {
                    grant.shared.remove(id);
                }
            })
            .count()
    }

    /// Shares something with one bot: what it made itself.
    pub(crate) fn share_with_bot(&mut self, bot_id: &str, id: &str) {
        if let Some(grant) = self.grants.values_mut().find(|grant| grant.bot_id == bot_id) {
            grant.shared.insert(id.to_owned());
        }
    }
}
