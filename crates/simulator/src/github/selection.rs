use serde::{Deserialize, Serialize};

use super::tokens::{Token, Tokens};

/// Which tokens a test means; every criterion given has to hold, none given means all.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSelector {
    /// An access or refresh token.
    pub token: Option<String>,
    /// The app.
    pub client_id: Option<String>,
    /// The person.
    pub login: Option<String>,
}

/// What a person lets an app do, without its tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantSummary {
    /// The app.
    pub client_id: String,
    /// The person.
    pub login: String,
    /// All scopes granted so far.
    pub scopes: Vec<String>,
    /// How many access tokens work right now.
    pub live_access_tokens: usize,
    /// How many refresh tokens have not been used.
    pub live_refresh_tokens: usize,
}

// === impl Tokens ===

impl Tokens {
    /// Withdraws what the selected tokens' people have let their apps do, and says how often.
    pub(crate) fn revoke(&mut self, selector: &TokenSelector) -> usize {
        let meant = selector.token.as_ref().map(|token| {
            let known = self.access.get(token).or_else(|| self.companion(token));
            known.map(|known| (known.client_id.clone(), known.login.clone()))
        });
        let selected = self.grants.iter().filter(|grant| {
            let client_id = &grant.client_id;
            let login = &grant.login;
            selector.client_id.as_ref().is_none_or(|wanted| wanted == client_id)
                && selector.login.as_ref().is_none_or(|wanted| wanted == login)
                && meant.as_ref().is_none_or(|meant| {
                    meant.as_ref().is_some_and(|(app, who)| app == client_id && who == login)
                })
        });
        let selected: Vec<_> =
            selected.map(|grant| (grant.client_id.clone(), grant.login.clone())).collect();
        for (client_id, login) in &selected {
            self.withdraw(client_id, login);
        }
        selected.len()
    }

    /// Lets the selected access tokens expire now and says how many it were.
    pub(crate) fn expire(&mut self, selector: &TokenSelector, now: i64) -> usize {
        let meant = |key: &String, token: &Token| {
            selector.token.as_ref().is_none_or(|wanted| wanted == key)
                && selector.client_id.as_ref().is_none_or(|wanted| *wanted == token.client_id)
                && selector.login.as_ref().is_none_or(|wanted| *wanted == token.login)
                && token.expires_at.is_none_or(|at| at > now)
        };
        let hit = self.access.iter_mut().filter(|(key, token)| meant(key, token));
        hit.map(|(_, token)| token.expires_at = Some(now)).count()
    }

    /// Describes what people have let apps do.
    pub(crate) fn summaries(&self, now: i64) -> Vec<GrantSummary> {
        let summary = |grant: &super::tokens::Grant| GrantSummary {
            client_id: grant.client_id.clone(),
            login: grant.login.clone(),
            scopes: grant.scopes.iter().map(|&scope| scope.to_owned()).collect(),
            live_access_tokens: self
                .access
                .values()
                .filter(|token| token.client_id == grant.client_id && token.login == grant.login)
                .filter(|token| token.expires_at.is_none_or(|at| at > now))
                .count(),
            live_refresh_tokens: self.waiting(grant),
        };
        self.grants.iter().map(summary).collect()
    }
}
