//! The `iss` of an authorization response (RFC 9207): compared letter by letter, before anything
//! else in it is believed.

use astralform_testkit::{Browser, Page, Setup, TestServer, with_parameter};

use super::{ISSUER, Value, enable, ended, json, start};
use crate::provider::{Honest, Provider};

/// What is not the issuer, however near.
const OTHERS: [Option<&str>; 14] = [
    None,
    Some(""),
    Some("https://id.example.com/realms/Main/"),
    Some("https://id.example.com/realms/main"),
    Some("https://ID.example.com/realms/Main"),
    Some("HTTPS://id.example.com/realms/Main"),
    Some("http://id.example.com/realms/Main"),
    Some("https://id.example.com:443/realms/Main"),
    Some("https://id.example.com./realms/Main"),
    Some("https://id.example.com/realms/%4Dain"),
    Some("https://id.example.com/realms/../realms/Main"),
    Some("https://id.example.com/realms/Main "),
    Some("https://id.example.com"),
    Some("https://evil.example.com/realms/Main"),
];

async fn provider(
    issuer: Option<&str>,
    endpoints: fn(&Provider) -> Value,
) -> (TestServer, Provider) {
    let known = Honest::default();
    let provider = Provider::honest(known.clone()).await;
    let catalogue = vec![provider.yaml("honest", issuer)];
    let server = TestServer::with(Setup { catalogue, ..Setup::default() }).await;
    let redirect_uri = enable(&server, "honest", endpoints(&provider)).await;
    known.redirect_uris.lock().unwrap().push(redirect_uri.into());
    (server, provider)
}

/// Returns what becomes of an answer to an end user with those parameters besides its state.
async fn answered(
    server: &TestServer,
    end_user: &str,
    parameters: &[(&str, Option<&str>)],
) -> (Page, (String, Option<String>)) {
    let browser = Browser::new();
    let flow = start(server, &browser, end_user, "honest").await;
    let back = browser.open(flow.sent_to.as_str()).await.leads_to().unwrap();
    let set = |url, (name, value): &(&str, Option<&str>)| with_parameter(&url, name, *value);
    let page = browser.visit(parameters.iter().fold(back, set).as_str()).await;
    let ended = ended(server, &flow).await;
    (page, ended)
}

#[tokio::test]
async fn o3_a_code_of_any_but_the_known_issuer_is_not_sent_anywhere() {
    let (server, provider) = provider(Some(ISSUER), |_| json!({})).await;
    let mismatch = ("failed".to_owned(), Some("issuer_mismatch".to_owned()));
    for iss in OTHERS {
        let (page, ended) = answered(&server, "alice", &[("iss", iss)]).await;
        assert_eq!((page.outcome().as_str(), &ended), ("failed", &mismatch), "{iss:?}");
    }
    assert_eq!(provider.codes(), [""; 0]);
    let (page, _) = answered(&server, "alice", &[("iss", Some(ISSUER))]).await;
    assert_eq!((page.outcome().as_str(), provider.codes().len()), ("completed", 1));
}

#[tokio::test]
async fn o3_an_issuer_that_is_said_twice_is_none() {
    let (server, provider) = provider(Some(ISSUER), |_| json!({})).await;
    for second in [ISSUER, "https://evil.example.com"] {
        let browser = Browser::new();
        let flow = start(&server, &browser, "alice", "honest").await;
        let mut back = browser.open(flow.sent_to.as_str()).await.leads_to().unwrap();
        back.query_pairs_mut().append_pair("iss", ISSUER).append_pair("iss", second);
        assert_eq!(browser.visit(back.as_str()).await.status, 400, "{second}");
    }
    assert_eq!(provider.codes(), [""; 0]);
}

#[tokio::test]
async fn o3_errors_of_any_but_the_known_issuer_are_neither_believed_nor_shown() {
    let (server, _provider) = provider(Some(ISSUER), |_| json!({})).await;
    let said = "CANARY: call 555-0100 to restore your account";
    let answer = |iss, error| {
        [("iss", iss), ("code", None), ("error", Some(error)), ("error_description", Some(said))]
    };
    for iss in OTHERS {
        for error in ["access_denied", "server_error", said] {
            let (page, ended) = answered(&server, "alice", &answer(iss, error)).await;
            assert_eq!(ended.1.as_deref(), Some("issuer_mismatch"), "{iss:?} {error}");
            assert!(!page.html.contains("555-0100"), "{}", page.html);
        }
    }
    let (_, ended) = answered(&server, "alice", &answer(Some(ISSUER), "access_denied")).await;
    assert_eq!(ended.0, "declined");
    let (page, ended) = answered(&server, "alice", &answer(Some(ISSUER), said)).await;
    assert_eq!(ended.1.as_deref(), Some("authorization_error"));
    assert!(!page.html.contains("555-0100"), "{}", page.html);
}

#[tokio::test]
async fn o3_where_no_issuer_is_known_none_is_compared() {
    let at_home: fn(&Provider) -> Value = |_| json!({});
    for (issuer, endpoints) in [(None, at_home), (Some(ISSUER), Provider::endpoints)] {
        let (server, _provider) = provider(issuer, endpoints).await;
        for iss in [None, Some("x"), Some("https://elsewhere.example.com")] {
            let end_user = format!("alice-{}", iss.map_or(0, str::len));
            let (page, _) = answered(&server, &end_user, &[("iss", iss)]).await;
            assert_eq!(page.outcome(), "completed", "{issuer:?} {iss:?}");
        }
    }
}
