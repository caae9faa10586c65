//! The OAuth 2.0 client (RFC 6749): what is sent to a provider, and how its answers are read.
//!
//! Requests are planned and answers are read by pure functions; [`crate::egress`] sends.

mod answer;
mod authorize;
mod refresh;
mod revoke;
mod token;

pub(crate) use authorize::{AuthorizationRequest, CodeVerifier};
pub(crate) use refresh::{Refreshed, read_refreshed};
pub(crate) use revoke::{Revoked, read_revocation, revocation_request};
pub(crate) use token::{Grant, Granted, TokenError, read_tokens, refresh_request, token_request};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use url::form_urlencoded;

/// Returns the headers that every request of ours carries.
pub(crate) fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let agent = concat!("Astralform/", env!("CARGO_PKG_VERSION"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
    headers
}

/// Returns a secret header value: it is left out of logs, and of HTTP compression tables.
pub(crate) fn secret_header(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

pub(crate) fn form(fields: &[(&str, &str)]) -> Bytes {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into()
}
