use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::tokens::Tokens;

/// Which connections a test means; every criterion given has to hold, none given means all.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSelector {
    /// An access or refresh token of the connection.
    pub token: Option<String>,
    /// The app.
    pub client_id: Option<String>,
    /// The person who connected.
    pub user_id: Option<String>,
}

/// A standing connection, without its tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantSummary {
    /// The app.
    pub client_id: String,
    /// The person who connected.
    pub user_id: String,
    /// The bot that acts for them.
    pub bot_id: String,
    /// The pages and data sources that were chosen.
    pub shared: BTreeSet<String>,
    /// How many access tokens work right now.
    pub live_access_tokens: usize,
    /// How many refresh tokens have not been used.
    pub live_refresh_tokens: usize,
}

// === impl Tokens ===

impl Tokens {
    /// Returns the selected connections.
    pub(crate) fn select(&self, selector: &TokenSelector) -> Vec<u64> {
        let holder = selector.token.as_ref().map(|token| {
            let of_access = self.access.get(token).map(|access| access.grant);
            of_access.or_else(|| self.refresh.get(token).copied())
        });
        let selected = self.grants.iter().filter(|(id, grant)| {
            holder.is_none_or(|holder| holder == Some(**id))
                && selector.client_id.as_ref().is_none_or(|wanted| *wanted == grant.client_id)
                && selector.user_id.as_ref().is_none_or(|wanted| *wanted == grant.person)
        });
        selected.map(|(id, _)| *id).collect()
    }

    /// Lets the access tokens of the selected connections expire; one that is named expires alone.
    pub(crate) fn expire(&mut self, selector: &TokenSelector) -> usize {
        let selected = self.select(selector);
        let only =
            selector.token.as_ref().filter(|token| self.access.contains_key(*token)).cloned();
        let hit = self.access.iter_mut().filter(|(token, access)| {
            selected.contains(&access.grant)
                && !access.expired
                && only.as_ref().is_none_or(|only| only == *token)
        });
        hit.map(|(_, access)| access.expired = true).count()
    }

    pub(crate) fn summaries(&self) -> Vec<GrantSummary> {
        let summary = |(id, grant): (&u64, &super::tokens::Grant)| {
            let access = self.access.values().filter(|it| it.grant == *id && !it.expired);
            GrantSummary {
                client_id: grant.client_id.clone(),
                user_id: grant.person.clone(),
                bot_id: grant.bot_id.clone(),
                shared: grant.shared.clone(),
                live_access_tokens: access.count(),
                live_refresh_tokens: self.refresh.values().filter(|of| *of == id).count(),
            }
        };
        self.grants.iter().map(summary).collect()
    }
}
