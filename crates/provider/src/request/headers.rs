use astralform_catalog::Connector;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use url::form_urlencoded;

/// Returns the headers that every request of ours carries.
pub fn default_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let agent = concat!("Astralform/", env!("CARGO_PKG_VERSION"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
    headers
}

/// Returns the headers that every request to a connector's API carries; `None` when one cannot be
/// sent.
pub(crate) fn headers_of(connector: &Connector) -> Option<HeaderMap> {
    let mut headers = default_headers();
    for (name, value) in &connector.api.headers {
        headers.insert(name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?);
    }
    Some(headers)
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
