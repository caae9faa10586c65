//! What apps of every service have in common: an identifier, a secret, and where consent returns.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use url::{Host, Url};

/// Why an app cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidApp {
    /// Basic authentication splits at the first colon, and nothing identifies as nothing.
    #[error("a client id consists of 1 to 255 letters, digits, dots, dashes and underscores")]
    ClientId,
    /// An empty secret proves nothing.
    #[error("the client secret is empty")]
    ClientSecret,
    /// Without one, nobody could ever consent.
    #[error("at least one redirect URI is needed")]
    NoRedirectUri,
    /// No service would save this redirect URI.
    #[error("redirect URI `{0}` is not https, nor http on loopback, or has a fragment")]
    RedirectUri(String),
}

/// Checks whether an app can be registered with these.
pub(crate) fn check(
    client_id: &str,
    client_secret: &str,
    redirect_uris: &[String],
) -> Result<(), InvalidApp> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !(1..=255).contains(&client_id.len()) || !client_id.chars().all(plain) {
        return Err(InvalidApp::ClientId);
    }
    if client_secret.is_empty() {
        return Err(InvalidApp::ClientSecret);
    }
    if redirect_uris.is_empty() {
        return Err(InvalidApp::NoRedirectUri);
    }
    match redirect_uris.iter().find(|uri| !is_acceptable(uri)) {
        Some(uri) => Err(InvalidApp::RedirectUri(uri.clone())),
        None => Ok(()),
    }
}

/// Returns whether an address leads to a program on the person's own device.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Reads user name and password of HTTP Basic (RFC 7617), as they were sent.
pub(crate) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, pair) = value.split_once(' ')?;
    let decoded = STANDARD.decode(pair).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

fn is_acceptable(uri: &str) -> bool {
    let Ok(url) = Url::parse(uri) else {
        return false;
    };
    let secure = url.scheme() == "https" && url.has_host();
    (secure || (url.scheme() == "http" && is_loopback(&url))) && url.fragment().is_none()
}
