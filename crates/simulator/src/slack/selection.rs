use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::tokens::{Grant, TokenKind, Tokens};

/// Which grants a test means; every criterion given has to hold, none given means all grants.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSelector {
    /// An access or refresh token of the grant.
    pub token: Option<String>,
    /// The app.
    pub client_id: Option<String>,
    /// The person, or the app's bot user.
    pub user_id: Option<String>,
    /// Bot or user tokens only.
    pub token_type: Option<TokenKind>,
}

/// A standing grant, without its tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantSummary {
    /// The app.
    pub client_id: String,
    /// Bot or user.
    pub token_type: TokenKind,
    /// The person, or the app's bot user.
    pub user_id: String,
    /// All scopes granted so far.
    pub scopes: Vec<String>,
    /// How many access tokens work right now.
    pub live_access_tokens: usize,
    /// How many refresh tokens have not been used.
    pub live_refresh_tokens: usize,
}

// === impl Tokens ===

impl Tokens {
    /// Lets the living access tokens of the selected grants expire and returns how many it were.
    ///
    /// A selector with an access token means that one alone.
    pub(crate) fn expire(&mut self, selector: &TokenSelector, now: i64) -> usize {
        let selected = self.select(selector);
        let only = selector.token.as_ref().filter(|token| self.access.contains_key(*token));
        let hit = self.access.iter_mut().filter(|(token, access)| {
            selected.contains(&access.grant)
                && !access.revoked
                && access.expires_at.is_none_or(|at| at > now)
                && only.is_none_or(|only| only == *token)
        });
        hit.map(|(_, access)| access.expires_at = Some(now)).count()
    }

    /// Describes all standing grants.
    pub(crate) fn summaries(&self, now: i64) -> Vec<GrantSummary> {
        let mut ids: Vec<_> = self.grants.iter().collect();
        ids.sort_by_key(|(id, _)| **id);
        ids.into_iter().map(|(id, grant)| self.summary(*id, grant, now)).collect()
    }

    fn summary(&self, id: u64, grant: &Grant, now: i64) -> GrantSummary {
        let access = self.access.values().filter(|access| {
            access.grant == id && !access.revoked && access.expires_at.is_none_or(|at| at > now)
        });
        GrantSummary {
            client_id: grant.client_id.clone(),
            token_type: grant.kind,
            user_id: grant.user.clone(),
            scopes: grant.scopes.clone(),
            live_access_tokens: access.count(),
            live_refresh_tokens: self.refresh.values().filter(|known| known.grant == id).count(),
        }
    }

    /// Returns the selected grants.
    pub(crate) fn select(&self, selector: &TokenSelector) -> HashSet<u64> {
        let holder = selector.token.as_ref().map(|token| {
            let access = self.access.get(token).map(|access| access.grant);
            access.or_else(|| self.refresh.get(token).map(|refresh| refresh.grant))
        });
        let selected = self.grants.iter().filter(|(id, grant)| {
            holder.is_none_or(|holder| holder == Some(**id))
                && selector.client_id.as_ref().is_none_or(|wanted| *wanted == grant.client_id)
                && selector.user_id.as_ref().is_none_or(|wanted| *wanted == grant.user)
                && selector.token_type.is_none_or(|wanted| wanted == grant.kind)
        });
        selected.map(|(id, _)| *id).collect()
    }
}
