use axum::http::StatusCode;

use crate::harness::{ADA, CALLBACK, CHALLENGE, CLIENT, GRACE, Harness, parameter};

const ASKED: &[(&str, &str)] = &[
    ("client_id", CLIENT),
    ("redirect_uri", CALLBACK),
    ("user_scope", "channels:read,search:read"),
    ("state", "s 1&2"),
];

const DECISION: &str = "/slack/oauth/v2/authorize/decision";

fn without(name: &str) -> Vec<(&'static str, &'static str)> {
    ASKED.iter().copied().filter(|(key, _)| *key != name).collect()
}

fn changed(name: &'static str, value: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut parameters = without(name);
    parameters.push((name, value));
    parameters
}

#[tokio::test]
async fn the_page_names_app_workspace_people_and_scopes_in_plain_words() {
    let harness = Harness::with_app(|app| app.name = String::from("<b>Robot</b>"));
    let page = harness.authorize(ASKED).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("Simulated Slack – nothing leaves this machine"));
    assert!(page.text.contains("Acme (simulated)"));
    assert!(page.text.contains("Ada Lovelace") && page.text.contains("Alan Turing"));
    assert!(page.text.contains("See which public channels exist"));
    assert!(!page.text.contains("<b>Robot"));
    assert_eq!(page.text.matches(" checked").count(), 1);
    assert_eq!(page.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn allowing_returns_a_code_and_the_state_unchanged() {
    let harness = Harness::with_app(|_| {});
    let consent = harness.authorize(ASKED).await.consent();
    let fields = [("consent", consent.as_str()), ("person", GRACE), ("decision", "allow")];
    let back = harness.form(DECISION, &fields).await.location();
    assert!(back.as_str().starts_with("https://app.example/callback?code="));
    assert_eq!(parameter(&back, "state").unwrap(), "s 1&2");
}

#[tokio::test]
async fn cancelling_returns_access_denied_and_the_state() {
    let harness = Harness::with_app(|app| app.redirect_uris = vec![format!("{CALLBACK}?a=b")]);
    let callback = format!("{CALLBACK}?a=b");
    let mut parameters = without("redirect_uri");
    parameters.push(("redirect_uri", &callback));
    let consent = harness.authorize(&parameters).await.consent();
    let fields = [("consent", consent.as_str()), ("person", ADA), ("decision", "cancel")];
    let back = harness.form(DECISION, &fields).await.location();
    let expected = "https://app.example/callback?a=b&error=access_denied&state=s+1%262";
    assert_eq!(back.as_str(), expected);
}

#[tokio::test]
async fn a_consent_page_can_be_answered_once_and_for_ten_minutes() {
    let harness = Harness::with_app(|_| {});
    let consent = harness.authorize(ASKED).await.consent();
    let fields = [("consent", consent.as_str()), ("person", ADA), ("decision", "allow")];
    harness.form(DECISION, &fields).await.location();
    let again = harness.form(DECISION, &fields).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    assert!(again.text.contains("consent_used_or_expired"));

    let consent = harness.authorize(ASKED).await.consent();
    harness.pass_seconds(600);
    let fields = [("consent", consent.as_str()), ("person", ADA), ("decision", "allow")];
    assert_eq!(harness.form(DECISION, &fields).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn wrong_decisions_go_nowhere_and_leave_the_page_usable() {
    let harness = Harness::with_app(|_| {});
    let consent = harness.authorize(ASKED).await.consent();
    let nobody = [("consent", consent.as_str()), ("person", "U0NOBODY"), ("decision", "allow")];
    assert_eq!(harness.form(DECISION, &nobody).await.status, StatusCode::BAD_REQUEST);
    let unclear = [("consent", consent.as_str()), ("person", ADA), ("decision", "perhaps")];
    assert_eq!(harness.form(DECISION, &unclear).await.status, StatusCode::BAD_REQUEST);
    let fields = [("consent", consent.as_str()), ("decision", "allow")];
    harness.form(DECISION, &fields).await.location();
}

#[tokio::test]
async fn a_faulty_request_gets_an_error_page_and_never_a_redirect() {
    let harness = Harness::with_app(|_| {});
    let faulty = [
        (changed("client_id", "9.9"), "invalid_client_id"),
        (without("client_id"), "invalid_client_id"),
        (changed("redirect_uri", "https://app.example/callback/"), "bad_redirect_uri"),
        (changed("redirect_uri", "https://app.example/callback?x=1"), "bad_redirect_uri"),
        (changed("redirect_uri", ""), "bad_redirect_uri"),
        (changed("user_scope", "channels:read,world:rule"), "invalid_scope"),
        (changed("scope", "search:read"), "invalid_scope"),
        (changed("user_scope", "commands"), "invalid_scope"),
        (changed("user_scope", ""), "no_scopes"),
        (without("user_scope"), "no_scopes"),
        (changed("team", "T0OTHER"), "invalid_team"),
        (changed("code_challenge", "short"), "invalid_code_challenge"),
    ];
    for (parameters, code) in faulty {
        let page = harness.authorize(&parameters).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{code}");
        assert!(page.text.contains(code), "{code}: {}", page.text);
        assert!(page.text.contains("Simulated Slack"));
        assert!(!page.headers.contains_key("location"));
    }
}

#[tokio::test]
async fn scopes_may_be_separated_by_spaces_and_the_team_pinned() {
    let harness = Harness::with_app(|_| {});
    let mut parameters = changed("user_scope", "channels:read groups:read");
    parameters.push(("team", "T0SIMACME1"));
    let page = harness.authorize(&parameters).await;
    assert!(page.text.contains("groups:read"), "{}", page.text);
}

#[tokio::test]
async fn every_page_says_that_it_is_simulated() {
    let harness = Harness::with_app(|_| {});
    for path in ["/slack/", "/slack/archives/C0SIMGENRL/p1700000000000100", "/slack/archives/C/p"] {
        let page = harness.get(path).await;
        assert!(page.text.contains("Simulated Slack – nothing leaves this machine"), "{path}");
    }
}

#[tokio::test]
async fn an_app_with_pkce_must_use_it_on_this_device_and_gets_no_bot_scopes_there() {
    let local = ["http://127.0.0.1:9/callback", "https://localhost/callback"];
    let harness = Harness::with_app(|app| {
        app.pkce = true;
        app.redirect_uris = local.map(str::to_owned).to_vec();
    });
    let pkce = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let cases = [
        (vec![("user_scope", "channels:read")], "invalid_code_challenge"),
        ([&[("scope", "chat:write")], &pkce[..]].concat(), "invalid_scope"),
        ([&[("user_scope", "channels:read")], &pkce[..]].concat(), "Allow"),
    ];
    for redirect_uri in local {
        let plain = [("client_id", CLIENT), ("redirect_uri", redirect_uri)];
        for (parameters, shown) in &cases {
            let page = harness.authorize(&[&plain, &parameters[..]].concat()).await;
            assert!(page.text.contains(shown), "{redirect_uri} {shown}: {}", page.text);
        }
    }
}
