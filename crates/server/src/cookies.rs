//! The one cookie of the end users' pages: it ties a flow to the browser it was started in.

use astralform_domain::Secret;
use astralform_engine::Site;
use axum::http::{HeaderMap, HeaderValue, header};

/// Browsers take a `__Host-` cookie only from an encrypted origin (RFC 6265bis §4.1.3.2); plain
/// http is for loopback alone.
fn name(site: &Site) -> &'static str {
    if site.is_encrypted() { "__Host-astralform-browser" } else { "astralform-browser" }
}

/// The browser's cookie, if it sent one.
pub(crate) fn browser(headers: &HeaderMap, site: &Site) -> Option<Secret> {
    let name = name(site);
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let found = all
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value);
    found.filter(|value| !value.is_empty()).map(|value| Secret::new(value.to_owned()))
}

/// The header that sets it, for as long as a flow can take.
pub(crate) fn set_browser(site: &Site, value: &Secret) -> Option<HeaderValue> {
    let secure = if site.is_encrypted() { "; Secure" } else { "" };
    let (name, value) = (name(site), value.expose());
    let cookie = format!("{name}={value}; Path=/; Max-Age=1200; HttpOnly; SameSite=Lax{secure}");
    let mut header = HeaderValue::from_str(&cookie).ok()?;
    header.set_sensitive(true);
    Some(header)
}
