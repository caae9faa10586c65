//! The origins whose pages may call with a session (WHATWG Fetch, CORS protocol).

use astralform_domain::limits;
use url::Url;

use super::{EnvironmentError, return_urls::is_loopback};

/// Refuses origins that no browser sends, or that mean more than one.
///
/// # Errors
/// With the first that is refused.
pub(super) fn check_origins(origins: &[String]) -> Result<(), EnvironmentError> {
    if limits::ALLOWED_ORIGINS.is_exceeded_by(origins.len()) {
        return Err(EnvironmentError::TooManyOrigins);
    }
    match origins.iter().find(|origin| !is_origin(origin)) {
        Some(bad) => Err(EnvironmentError::BadOrigin(bad.clone())),
        None => Ok(()),
    }
}

/// Returns whether an origin is one of the browser's own machine.
pub(crate) fn is_loopback_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| is_loopback(&url))
}

/// Returns whether a text is an origin as browsers spell it in the header `Origin`.
fn is_origin(text: &str) -> bool {
    if limits::ALLOWED_ORIGIN.is_exceeded_by(text.len()) || text.contains('*') {
        return false;
    }
    let Ok(url) = Url::parse(text) else { return false };
    let may_be = url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url);
    may_be && url.origin().ascii_serialization() == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_exact_and_encrypted_or_on_loopback() {
        for good in [
            "https://app.example.com",
            "https://app.example.com:8443",
            "https://xn--bcher-kva.example",
            "http://localhost:3000",
            "http://127.0.0.1:5173",
            "http://[::1]:3000",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "*",
            "null",
            "",
            "https://*.example.com",
            "https://app.example.com/",
            "https://app.example.com:443",
            "https://app.example.com/path",
            "https://App.example.com",
            "https://user@app.example.com",
            "http://app.example.com",
            "http://localhost.example.com",
            "file:///x",
            "com.example.app:/done",
            "https://bücher.example",
            " https://app.example.com",
            "https://app.example.com\n",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
        let many = vec!["https://app.example.com".to_owned(); 21];
        assert!(matches!(check_origins(&many), Err(EnvironmentError::TooManyOrigins)));
    }
}
