use std::collections::HashMap;

use super::scopes::{self, OFFLINE_ACCESS};
use crate::outside::Outside;

/// How long an access token lives that expires.
pub(crate) const ACCESS_SECONDS: i64 = 8 * 60 * 60;
/// How long a refresh token lives.
pub(crate) const REFRESH_SECONDS: i64 = 183 * 24 * 60 * 60;
/// How many tokens a person's app has with the same scopes; the oldest makes way.
const TOKENS_PER_SCOPES: usize = 10;
const SECOND: i64 = 1_000_000;

/// What a person lets an app do.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) client_id: String,
    pub(crate) login: String,
    /// Everything granted so far.
    pub(crate) scopes: Vec<&'static str>,
}

/// One token of a grant.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) id: i64,
    pub(crate) client_id: String,
    pub(crate) login: String,
    pub(crate) scopes: Vec<&'static str>,
    pub(crate) created_at: i64,
    pub(crate) expires_at: Option<i64>,
}

/// A token as the token endpoint hands it out.
pub(crate) struct Issued {
    pub(crate) access_token: String,
    pub(crate) scopes: Vec<&'static str>,
    pub(crate) refresh_token: Option<String>,
}

struct Refresh {
    access_token: String,
    token: Token,
    expires_at: i64,
}

/// All grants and tokens.
#[derive(Default)]
pub(crate) struct Tokens {
    counter: i64,
    pub(super) grants: Vec<Grant>,
    pub(super) access: HashMap<String, Token>,
    refresh: HashMap<String, Refresh>,
}

// === impl Tokens ===

impl Tokens {
    /// Returns what a person has let an app do so far.
    pub(crate) fn granted(&self, client_id: &str, login: &str) -> Option<&Grant> {
        self.grants.iter().find(|known| known.client_id == client_id && known.login == login)
    }

    /// Issues a token for a consent.
    pub(crate) fn issue(&mut self, asked: Grant, expiring: bool, outside: &Outside) -> Issued {
        let expiring = expiring || asked.scopes.contains(&OFFLINE_ACCESS);
        let scopes = scopes::normalized(&scopes::named(&asked.scopes));
        self.widen(&asked, &scopes);
        self.crowd_out(&asked, &scopes);
        let Grant { client_id, login, .. } = asked;
        let id = self.count();
        let created_at = outside.now();
        let token = Token { id, client_id, login, scopes, created_at, expires_at: None };
        self.mint(token, expiring, outside)
    }

    /// Trades a refresh token: it and the access token it came with are dead at once.
    pub(crate) fn rotate(
        &mut self,
        client_id: &str,
        refresh_token: &str,
        outside: &Outside,
    ) -> Option<Issued> {
        let known = self.refresh.get(refresh_token)?;
        if known.token.client_id != client_id || known.expires_at <= outside.now() {
            return None;
        }
        let Refresh { access_token, token, .. } = self.refresh.remove(refresh_token)?;
        self.access.remove(&access_token);
        let id = self.count();
        let created_at = outside.now();
        Some(self.mint(Token { id, created_at, ..token }, true, outside))
    }

    /// Returns a living access token.
    pub(crate) fn alive(&self, access_token: &str, now: i64) -> Option<&Token> {
        let token = self.access.get(access_token)?;
        token.expires_at.is_none_or(|at| at > now).then_some(token)
    }

    /// Ends one access token with its refresh token.
    pub(crate) fn end(&mut self, access_token: &str) {
        self.access.remove(access_token);
        self.refresh.retain(|_, refresh| refresh.access_token != access_token);
    }

    /// Ends all that a person has let an app do.
    pub(crate) fn withdraw(&mut self, client_id: &str, login: &str) {
        let held = |token: &Token| token.client_id == client_id && token.login == login;
        self.grants.retain(|grant| grant.client_id != client_id || grant.login != login);
        self.access.retain(|_, token| !held(token));
        self.refresh.retain(|_, refresh| !held(&refresh.token));
    }

    /// Returns how many refresh tokens wait to be used.
    pub(super) fn waiting(&self, grant: &Grant) -> usize {
        let held = |token: &Token| token.client_id == grant.client_id && token.login == grant.login;
        self.refresh.values().filter(|refresh| held(&refresh.token)).count()
    }

    /// Returns the access token that a refresh token came with.
    pub(super) fn companion(&self, refresh_token: &str) -> Option<&Token> {
        self.refresh.get(refresh_token).map(|refresh| &refresh.token)
    }

    fn mint(&mut self, mut token: Token, expiring: bool, outside: &Outside) -> Issued {
        let now = outside.now();
        token.expires_at = expiring.then(|| now + ACCESS_SECONDS * SECOND);
        let access_token = outside.secret("gho_");
        let refresh_token = expiring.then(|| outside.secret("ghr_"));
        if let Some(refresh_token) = &refresh_token {
            let expires_at = now + REFRESH_SECONDS * SECOND;
            let refresh =
                Refresh { access_token: access_token.clone(), token: token.clone(), expires_at };
            self.refresh.insert(refresh_token.clone(), refresh);
        }
        let scopes = token.scopes.clone();
        self.access.insert(access_token.clone(), token);
        Issued { access_token, scopes, refresh_token }
    }

    fn widen(&mut self, asked: &Grant, scopes: &[&'static str]) {
        let same =
            |known: &&mut Grant| known.client_id == asked.client_id && known.login == asked.login;
        match self.grants.iter_mut().find(same) {
            Some(known) => {
                let all = [&known.scopes, scopes].concat();
                known.scopes = scopes::normalized(&scopes::named(&all));
                known.scopes.dedup();
            }
            None => self.grants.push(Grant { scopes: scopes.to_vec(), ..asked.clone() }),
        }
    }

    fn crowd_out(&mut self, asked: &Grant, scopes: &[&'static str]) {
        let same = |token: &Token| {
            token.client_id == asked.client_id
                && token.login == asked.login
                && token.scopes == scopes
        };
        let mut alive: Vec<_> = self
            .access
            .iter()
            .filter(|(_, token)| same(token))
            .map(|(key, it)| (it.id, key))
            .collect();
        alive.sort_unstable_by_key(|(id, _)| std::cmp::Reverse(*id));
        let excess: Vec<_> =
            alive.into_iter().skip(TOKENS_PER_SCOPES - 1).map(|(_, key)| key.clone()).collect();
        for token in excess {
            self.end(&token);
        }
    }

    fn count(&mut self) -> i64 {
        self.counter += 1;
        self.counter
    }
}
