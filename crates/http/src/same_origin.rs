use axum::http::HeaderMap;
use url::Url;

/// Returns whether a request comes from a page of ours. Browsers say where it comes from; older
/// ones say only `Origin`.
pub fn is_same_origin(headers: &HeaderMap, public_url: &Url) -> bool {
    match (read_header(headers, "sec-fetch-site"), read_header(headers, "origin")) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => origin == public_url.origin().ascii_serialization(),
        (None, None) => false,
    }
}

fn read_header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
