use astralform_catalog::{Connector, EndedTokens, RevocationStyle};
use astralform_domain::Secret;

use crate::connections::OpenToken;

/// A token that is to be ended at its provider, as far as no other connection holds it.
pub(super) struct Ending {
    pub(super) token: OpenToken,
    /// Whether the whole grant of its account is ended with it.
    pub(super) ends_grant: bool,
    names_access: bool,
    names_refresh: bool,
    /// Which tokens its provider ends together.
    tokens: Option<EndedTokens>,
}

impl Ending {
    /// Plans the ending. Ending a refresh token ends the access tokens of its grant too (RFC 7009
    /// §2.1); where a call is made with the token itself, that is the access token. Some providers
    /// end each token by itself.
    pub(super) fn new(connector: &Connector, token: OpenToken) -> Self {
        let revocation = connector.revocation.as_ref();
        let tokens = revocation.map(|revocation| revocation.tokens);
        let is_bearer = revocation.is_some_and(|it| it.style == RevocationStyle::Bearer);
        let has_refresh = token.refresh_token.is_some();
        let (names_access, names_refresh) = match tokens {
            None => (false, false),
            Some(EndedTokens::Each) => (true, has_refresh),
            Some(EndedTokens::Grant) if has_refresh && !is_bearer => (false, true),
            Some(EndedTokens::Grant | EndedTokens::Access) => (true, false),
        };
        Self { token, ends_grant: false, names_access, names_refresh, tokens }
    }

    /// Leaves out what is among tokens that others hold.
    pub(super) fn keep(&mut self, held: &[OpenToken]) {
        let is_held = |secret: &Secret| held.iter().any(|held| held.holds(secret));
        let access = is_held(&self.token.access_token);
        let refresh = self.token.refresh_token.as_ref().is_some_and(is_held);
        let both = self.tokens == Some(EndedTokens::Grant) && (access || refresh);
        self.names_access &= !access && !both;
        self.names_refresh &= !refresh && !both;
    }

    /// Returns whether anything of it is to be ended.
    pub(super) fn has_any(&self) -> bool {
        self.names_access || self.names_refresh
    }

    /// Returns the secrets that the provider is asked to end: the refresh token first, since it
    /// would make new ones.
    pub(super) fn to_revoke(&self) -> impl Iterator<Item = &Secret> {
        let refresh = self.token.refresh_token.as_ref().filter(|_| self.names_refresh);
        let access = Some(&self.token.access_token).filter(|_| self.names_access);
        refresh.into_iter().chain(access)
    }
}
