//! Where browsers may be sent after a prompt.

use astralform_domain::{EnvironmentSettings, VerifyEndUser, limits};
use url::Url;

use super::EnvironmentError;

/// Schemes that have a dot, or could be read as a domain name from right to left, and open
/// something else than the developer's application: parts of browsers and of operating systems
/// (Windows, Android, macOS), and protocols that IANA lists.
const TAKEN: [&str; 20] = [
    "microsoft",
    "windows",
    "android",
    "apple",
    "chrome",
    "google",
    "iris",
    "soap",
    "xmlrpc",
    "com.microsoft",
    "com.android",
    "com.apple",
    "com.google.android",
    "com.google.chrome",
    "com.brave",
    "com.duckduckgo",
    "com.opera",
    "com.vivaldi",
    "org.chromium",
    "org.mozilla",
];

/// How a return URL opens what it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReturnUrlKind {
    /// In the browser: https, or http on loopback, where no other machine listens in (RFC 8252
    /// §7.3).
    Web,
    /// In an application on the device that claims the scheme (RFC 8252 §7.1).
    OwnScheme,
}

/// Returns whether a return URL leads to the machine of the browser.
pub(crate) fn is_loopback_return_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| is_loopback(&url))
}

/// Refuses return URLs that browsers cannot be sent to, or must not be.
///
/// # Errors
/// With the first that is refused.
pub(super) fn check_return_urls(urls: &[String]) -> Result<(), EnvironmentError> {
    if limits::RETURN_URLS.is_exceeded_by(urls.len()) {
        return Err(EnvironmentError::TooManyReturnUrls);
    }
    match urls.iter().find(|url| kind(url).is_none()) {
        Some(bad) => Err(EnvironmentError::BadReturnUrl(bad.clone())),
        None => Ok(()),
    }
}

/// Refuses schemes of applications where the developer's backend does not confirm who finished: any
/// application that claims the scheme gets what is sent there.
///
/// # Errors
/// With the first that is refused.
pub(super) fn check_own_schemes(wanted: &EnvironmentSettings) -> Result<(), EnvironmentError> {
    if wanted.verify_end_user == VerifyEndUser::Confirm {
        return Ok(());
    }
    let own = wanted.return_urls.iter().find(|url| kind(url) == Some(ReturnUrlKind::OwnScheme));
    own.map_or(Ok(()), |url| Err(EnvironmentError::OwnSchemeUnconfirmed(url.clone())))
}

fn kind(text: &str) -> Option<ReturnUrlKind> {
    // The parser passes over spaces at the ends, and over line ends and tabs anywhere.
    let is_exact = !text.contains(|c: char| c.is_control() || c.is_whitespace());
    if !is_exact || limits::RETURN_URL.is_exceeded_by(text.len()) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let is_plain = url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && !url.cannot_be_a_base();
    if !is_plain {
        return None;
    }
    match url.scheme() {
        "https" => Some(ReturnUrlKind::Web),
        "http" => is_loopback(&url).then_some(ReturnUrlKind::Web),
        scheme => is_own(scheme).then_some(ReturnUrlKind::OwnScheme),
    }
}

pub(super) fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"))
}

/// Returns whether a scheme is a domain name from right to left: its first label a top-level
/// domain, two labels at least.
fn is_own(scheme: &str) -> bool {
    let mut labels = scheme.split('.');
    labels.next().is_some_and(is_top_level)
        && scheme.contains('.')
        && labels.all(is_label)
        && !TAKEN.iter().any(|taken| is_within(scheme, taken))
}

fn is_top_level(label: &str) -> bool {
    label.starts_with("xn--") && is_label(label)
        || label.len() >= 2 && label.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_within(scheme: &str, taken: &str) -> bool {
    scheme.strip_prefix(taken).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn return_urls_are_encrypted_or_on_loopback() {
        for good in
            ["https://app.example.com/done?x=1", "http://127.0.0.1:3000/", "http://localhost/"]
        {
            assert_eq!(kind(good), Some(ReturnUrlKind::Web), "{good}");
        }
        for bad in [
            "http://app.example.com/done",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://user@app.example.com/",
            "https://app.example.com/#done",
            "//app.example.com",
            "/done",
            "",
        ] {
            assert_eq!(kind(bad), None, "{bad}");
        }
        let many = vec!["https://app.example.com/".to_owned(); 21];
        assert!(matches!(check_return_urls(&many), Err(EnvironmentError::TooManyReturnUrls)));
    }

    #[test]
    fn o8_an_application_has_a_scheme_of_its_own_by_its_domain_name() {
        for good in [
            "com.example.app:/done",
            "com.example.app://done?tab=2",
            "io.github.someone.my-app:/oauth/back",
            "com.googleusercontent.apps.123-abc:/back",
            "xn--p1ai.example:/done",
        ] {
            assert_eq!(kind(good), Some(ReturnUrlKind::OwnScheme), "{good}");
        }
    }

    #[test]
    fn o8_no_scheme_of_a_browser_or_system_and_none_without_a_domain_is_a_return_url() {
        for bad in [
            "myapp:/done",
            "myapp://done",
            "javascript:/alert(1)",
            "vbscript:/x",
            "file:///etc/passwd",
            "blob:https://app.example.com/x",
            "about:blank",
            "intent://scan/#Intent;scheme=zxing;end",
            "android-app://com.example/",
            "ms-settings:/privacy",
            "chrome://settings/",
            "chrome-extension://abc/x",
            "view-source:https://app.example.com/",
            "x-apple.systempreferences:/x",
            "x-apple.systempreferences://com.apple.preference",
            "microsoft.windows.camera:/x",
            "microsoft.windows.photos.crop://x",
            "com.apple.tv:/x",
            "com.android.settings://x",
            "com.google.android.gms:/x",
            "org.mozilla.firefox://x",
            "z39.50r://host/x",
            "soap.beep://host/x",
            "xmlrpc.beeps://host/x",
            "iris.lwz://host/x",
            "com.example.app:done",
            "com.example.app:/done#x",
            "com.example.app://user@host/",
            "com.:/x",
            "com..app:/x",
            "com.-app:/x",
            "a.app:/x",
            "com.example+app:/x",
        ] {
            assert_eq!(kind(bad), None, "{bad}");
        }
    }

    #[test]
    fn o8_what_a_parser_would_pass_over_is_no_return_url() {
        for bad in [
            " https://app.example.com/",
            "https://app.example.com/ ",
            "https://app.exa\nmple.com/",
            "java\tscript:/alert(1)",
            "com.example.\u{a0}app:/x",
        ] {
            assert_eq!(kind(bad), None, "{bad:?}");
        }
    }
}
