use super::*;

#[test]
fn scopes_are_those_of_rfc_6749() {
    for good in ["channels:read", "https://www.example.com/auth/mail.send", "read!"] {
        assert!(check_spelling(&ScopeSet::from_iter([good]), ",").is_ok(), "{good}");
    }
    for bad in ["", "two words", "qu\"ote", "back\\slash", "ünï", "a,b", "new\nline"] {
        let refused = check_spelling(&ScopeSet::from_iter([bad]), ",");
        assert!(matches!(refused, Err(SettingsError::BadScope(_))), "{bad:?}");
    }
}

#[test]
fn p3_endpoints_are_plain_web_addresses() {
    for bad in [
        "example.com",
        "ftp://example.com",
        "https://user@example.com",
        "https://user:pass@example.com",
        "https://example.com/?query",
        "https://example.com/#fragment",
        "https://",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "//example.com",
        "https://example.com@evil.example",
        "https://example.com:443@evil.example",
        "https://example.com%2f@evil.example",
        "https://example.com／@evil.example",
        "https://:secret@evil.example",
        "https://example.com／evil.example",
        "https://example.com?@evil.example",
        "https://example.com#@evil.example",
        "\u{0}https://example.com\u{7f}",
    ] {
        let endpoints = Endpoints { token_url: Some(bad.to_owned()), ..Endpoints::default() };
        let refused = check_endpoints(Environment::Live, &endpoints, false, false);
        assert!(matches!(refused, Err(SettingsError::BadEndpoint("token_url"))), "{bad}");
    }
}

#[test]
fn the_simulator_is_for_test_and_must_run() {
    let none = Endpoints::default();
    let api_base_url = Some("https://chat.example.com/api".to_owned());
    let own = Endpoints { api_base_url, ..Endpoints::default() };
    let place = |environment, endpoints, simulator| {
        check_endpoints(environment, endpoints, true, simulator).map_err(|error| error.to_string())
    };
    assert!(place(Environment::Test, &none, true).is_ok());
    assert!(place(Environment::Live, &none, true).is_err());
    assert!(place(Environment::Test, &own, true).is_err());
    assert!(place(Environment::Test, &none, false).unwrap_err().contains("--sandbox"));
}
