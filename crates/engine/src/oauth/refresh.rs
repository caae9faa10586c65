use astralform_catalog::OAuth;
use http::StatusCode;

use super::{Granted, TokenError, read_tokens};

/// What a provider's answer to a refresh amounts to.
pub(crate) enum Refreshed {
    /// A new token of that kind.
    Granted(Box<Granted>),
    /// The refresh token is dead: the provider says so in a word that it has for this.
    Rejected,
    /// The provider refuses our app, whosever token it is.
    AppRejected(String),
    /// Nothing was done, and the same may be done later.
    Deferred(String),
    /// It cannot be told whether the refresh token was used up.
    Unclear,
}

/// Reads the answer to a refresh (RFC 6749 §6) of a token of one kind.
///
/// Only a well-formed refusal ends a connection: a server in trouble, a captive portal or a word
/// that we do not know must not.
pub(crate) fn read_refreshed(
    oauth: &OAuth,
    kind: &str,
    status: StatusCode,
    body: &[u8],
) -> Refreshed {
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) {
        return Refreshed::Deferred(status.as_str().to_owned());
    }
    if status.is_server_error() {
        return Refreshed::Unclear;
    }
    match read_tokens(oauth, status, body) {
        Ok(granted) => of_kind(granted, kind),
        Err(TokenError::ClientRejected(code)) => Refreshed::AppRejected(code),
        Err(TokenError::Refused(code)) if oauth.refresh.is_rejection(&code) => Refreshed::Rejected,
        Err(TokenError::Refused(code)) => Refreshed::Deferred(code),
        Err(TokenError::Unreadable) => Refreshed::Unclear,
    }
}

/// The token that was refreshed, among those of the answer.
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
