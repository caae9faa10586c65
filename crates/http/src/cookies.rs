//! The one cookie of the end users' pages: it ties a flow to the browser it was started in.

use astralform_domain::Secret;
use axum::http::{HeaderMap, HeaderValue, header};

/// Browsers take a `__Host-` cookie only from an encrypted origin (RFC 6265bis §4.1.3.2); plain
/// http is for loopback alone.
fn name(is_encrypted: bool) -> &'static str {
    if is_encrypted { "__Host-astralform-browser" } else { "astralform-browser" }
}

/// Returns the browser's cookie, if it sent one. Other cookies are passed over, with any bytes in
/// them (RFC 6265 §5.4 allows those).
pub fn browser(headers: &HeaderMap, is_encrypted: bool) -> Option<Secret> {
    let name = name(is_encrypted);
    let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    let pairs = lines.flat_map(|line| line.split(|byte| *byte == b';'));
    let texts = pairs.filter_map(|pair| std::str::from_utf8(pair).ok());
    let found = texts
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value);
    found.filter(|value| !value.is_empty()).map(|value| Secret::new(value.to_owned()))
}

/// Returns the header that sets it, for as long as a flow can take.
pub fn set_browser(is_encrypted: bool, value: &Secret) -> Option<HeaderValue> {
    let secure = if is_encrypted { "; Secure" } else { "" };
    let name = name(is_encrypted);
    let value = value.expose();
    let cookie = format!("{name}={value}; Path=/; Max-Age=1200; HttpOnly; SameSite=Lax{secure}");
    let mut header = HeaderValue::from_str(&cookie).ok()?;
    header.set_sensitive(true);
    Some(header)
}
