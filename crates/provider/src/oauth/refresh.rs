use astralform_catalog::OAuth;
use astralform_domain::ProviderError;
use http::StatusCode;

use super::{Granted, TokenError, read_tokens};
use crate::AppReply;

/// What a provider's answer to a refresh amounts to.
#[derive(Clone)]
pub enum Refreshed {
    /// A new token of that kind.
    Granted(Box<Granted>),
    /// The refresh token is dead: the provider says so in a word that it has for this.
    Rejected,
    /// The provider refuses, in a word that blames our app.
    AppRejected(ProviderError),
    /// The provider refuses, in a word that may mean several things. Nothing was done.
    Refused(ProviderError),
    /// Nothing was done, and the same may be done later.
    Deferred(String),
    /// It cannot be told whether the refresh token was used up.
    Unclear,
}

impl AppReply for Refreshed {
    fn refuses_app(&self) -> bool {
        matches!(self, Self::AppRejected(_))
    }
}

/// Reads the answer to a refresh (RFC 6749 §6) of a token of one kind.
///
/// Only a well-formed refusal ends a connection at once: a server in trouble, a captive portal or a
/// word that we do not know must not. What the connector lists as a rejection comes first: here the
/// refresh token is what is refused, even where the word means something else elsewhere.
pub fn read_refreshed(oauth: &OAuth, kind: &str, status: StatusCode, body: &[u8]) -> Refreshed {
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) {
        return Refreshed::Deferred(status.as_str().to_owned());
    }
    if status.is_server_error() {
        return Refreshed::Unclear;
    }
    let refused = match read_tokens(oauth, status, body) {
        Ok(granted) => return of_kind(granted, kind),
        Err(TokenError::Unreadable) => return Refreshed::Unclear,
        Err(refused) => refused,
    };
    match refused {
        TokenError::ClientRejected(said) | TokenError::Refused(said)
            if oauth.refresh.rejected.contains(&said.code) =>
        {
            Refreshed::Rejected
        }
        TokenError::ClientRejected(said) => Refreshed::AppRejected(said),
        TokenError::Refused(said) if oauth.refresh.is_rejection(&said.code) => Refreshed::Rejected,
        TokenError::Refused(said) if is_passing(&said.code) => {
            Refreshed::Deferred(said.to_string())
        }
        TokenError::Refused(said) => Refreshed::Refused(said),
        TokenError::Unreadable => Refreshed::Unclear,
    }
}

/// Returns whether a word of refusal says itself that it is for now (RFC 6749 §4.1.2.1, RFC 8628
/// §3.5).
fn is_passing(code: &str) -> bool {
    matches!(code, "temporarily_unavailable" | "server_error" | "slow_down")
}

/// Returns the token that was refreshed, among those of the answer.
fn of_kind(mut granted: Vec<Granted>, kind: &str) -> Refreshed {
    let found = granted.iter().position(|token| token.kind == kind);
    match (found, granted.len()) {
        (Some(at), _) => Refreshed::Granted(Box::new(granted.swap_remove(at))),
        (None, 1) => Refreshed::Granted(Box::new(Granted {
            kind: kind.to_owned(),
            ..granted.swap_remove(0)
        })),
        (None, _) => Refreshed::Unclear,
    }
}
