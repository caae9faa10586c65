//! Addresses that may not be called are named, with the setting that allows them, wherever somebody
//! learns of it who can change that.

use std::time::Duration;

use astralform_testkit::{Receiver, Reply, TestServer};
use serde_json::{Value, json};

use crate::explaining::code;
use crate::scripted::{CLIENT, LIST, Scripted, call, connected};

const SETTING: &str = "ASTRALFORM_ALLOW_PRIVATE_NETWORKS";

/// Enables the connector in `live` too, with other addresses than the catalogue's.
async fn enable(server: &TestServer, endpoints: Value) -> Reply {
    let wanted = json!({
        "connector": "notes",
        "environment": "live",
        "credentials": {"client_id": CLIENT.0, "client_secret": CLIENT.1},
        "endpoints": endpoints,
    });
    server.admin().post(&server.project("/connectors"), wanted).await
}

async fn check(server: &TestServer) -> Value {
    let checked = server.admin().post(&server.managed("/check"), json!({})).await;
    assert_eq!(checked.status, 200, "{checked:?}");
    checked.body
}

/// Checks that a text names the address, and what its reader can do, and does not put them off.
fn assert_names(text: &str, address: &str) {
    assert!(text.contains(address) && text.contains(SETTING), "{text}");
    assert!(!text.to_lowercase().contains("try again later"), "{text}");
}

#[tokio::test]
async fn an_address_that_may_not_be_called_is_named_at_enabling() {
    let (provider, server) = connected().await;
    for (field, address, named) in [
        ("token_url", "http://10.1.2.3:8080/token", "http://10.1.2.3:8080"),
        ("token_url", "https://10.1.2.3/token", "https://10.1.2.3"),
        ("revoke_url", "https://[fd00::7]/revoke", "https://[fd00::7]"),
        ("api_base_url", "http://93.184.215.14/api", "http://93.184.215.14"),
        ("authorize_url", "http://93.184.215.14/authorize", "http://93.184.215.14"),
        ("api_base_url", "http://no-such-name.invalid/api", "http://no-such-name.invalid"),
    ] {
        let refused = enable(&server, json!({field: address})).await;
        assert_eq!((refused.status, refused.code()), (422, "invalid_endpoints"), "{refused:?}");
        let detail = refused.body["detail"].as_str().unwrap();
        assert_names(detail, named);
        assert!(detail.contains(field), "{detail}");
    }
    let metadata = enable(&server, json!({"api_base_url": "http://169.254.169.254/"})).await;
    assert_eq!(metadata.code(), "invalid_endpoints", "{metadata:?}");
    assert!(metadata.body["detail"].as_str().unwrap().contains("never"), "{metadata:?}");
    let listed = server.admin().get(&server.project("/connectors?environment=live")).await;
    assert_eq!(listed.body["data"], json!([]), "nothing was enabled");

    let at = |path| provider.base.join(path).unwrap().to_string();
    let allowed = enable(&server, json!({"token_url": at("token"), "api_base_url": at("")})).await;
    assert_eq!(allowed.status, 201, "{allowed:?}");
}

#[tokio::test]
async fn an_address_that_may_not_be_called_is_named_when_it_is_changed_to() {
    let (_provider, server) = connected().await;
    let change = json!({
        "endpoints": {"api_base_url": "http://10.1.2.3/"},
        "credentials": {"client_secret": CLIENT.1},
        "confirm_reconnects": 1,
    });
    let refused = server.admin().patch(&server.managed(""), change).await;
    assert_eq!((refused.status, refused.code()), (422, "invalid_endpoints"), "{refused:?}");
    assert_names(refused.body["detail"].as_str().unwrap(), "http://10.1.2.3");
    assert_eq!(call(&server, LIST, json!({})).await.outcome(), "completed");
}

#[tokio::test]
async fn an_address_of_the_catalogue_that_may_not_be_called_is_named_at_enabling() {
    let provider = Scripted::start().await;
    let closed = TestServer::with(provider.setup()).await.closed_node().await;
    let refused = enable(&closed, json!({})).await;
    assert_eq!((refused.status, refused.code()), (422, "invalid_endpoints"), "{refused:?}");
    let address = provider.base.as_str().trim_end_matches('/');
    assert_names(refused.body["detail"].as_str().unwrap(), address);
}

#[tokio::test]
async fn an_address_that_may_not_be_called_any_more_is_named_by_a_check_and_by_a_call() {
    let (provider, server) = connected().await;
    let closed = server.closed_node().await;
    let address = provider.base.as_str().trim_end_matches('/');
    let checked = check(&closed).await;
    assert_eq!(checked["credentials"], "unknown");
    assert_names(checked["reason"].as_str().unwrap(), address);
    let explained = code(&closed, &format!("tool={LIST}&end_user=alice")).await;
    assert_eq!(explained, "address_not_allowed");

    let called = call(&closed, LIST, json!({})).await;
    let error = &called.body["error"];
    assert_eq!((&error["kind"], &error["retryable"]), (&json!("misconfigured"), &json!(false)));
    assert_names(error["message"].as_str().unwrap(), address);
}

#[tokio::test]
async fn a_refresh_that_may_not_be_sent_is_not_for_later() {
    let (provider, server) = connected().await;
    let closed = server.closed_node().await;
    server.clock.advance(Duration::from_hours(2));
    for _ in 0..2 {
        let called = call(&closed, LIST, json!({})).await;
        let error = &called.body["error"];
        assert_eq!((&error["kind"], &error["retryable"]), (&json!("misconfigured"), &json!(false)));
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("may not be called"), "{message}");
        assert!(!message.to_lowercase().contains("try again later"), "{message}");
    }
    assert_eq!(provider.asked("/token").len(), 1, "the code's");
}

#[tokio::test]
async fn a_consent_whose_code_may_not_be_sent_says_whose_fault_it_is() {
    let (provider, server) = connected().await;
    let closed = server.closed_node().await;
    let asked = closed.agent("bob").call(LIST, json!({})).await;
    let browser = closed.browser();
    let leaving = browser.authorize_url(asked.link()).await;
    let callback = browser.open(leaving.as_str()).await.leads_to().unwrap();
    browser.open(closed.here(&callback).as_str()).await;
    let path = format!("/v1/auth-requests/{}", asked.auth_request());
    let ended = closed.backend().get(&path).await;
    assert_eq!(
        (ended.outcome(), &ended.body["failure"]),
        ("failed", &json!("connector_misconfigured"))
    );
    let message = ended.body["message"].as_str().unwrap();
    assert!(!message.contains("try again later"), "{message}");
    assert_eq!(provider.asked("/token").len(), 1, "alice's");
}

#[tokio::test]
async fn a_webhook_that_may_not_be_called_is_named() {
    let (_provider, server) = connected().await;
    let hooks = server.project("/webhooks?environment=test");
    for (url, named) in [
        ("https://10.1.2.3/hook", "https://10.1.2.3"),
        ("http://93.184.215.14/hook", "http://93.184.215.14"),
    ] {
        let refused = server.admin().post(&hooks, json!({"url": url})).await;
        assert_eq!((refused.status, refused.code()), (422, "invalid_url"), "{refused:?}");
        assert_names(refused.body["detail"].as_str().unwrap(), named);
    }
    let receiver = Receiver::start().await;
    let made = server.admin().post(&hooks, json!({"url": receiver.url})).await;
    let id = made.body["webhook"]["id"].as_str().unwrap();
    let closed = server.closed_node().await;
    let test = closed.project(&format!("/webhooks/{id}/test?environment=test"));
    let tried = closed.admin().post(&test, json!({})).await;
    let address = receiver.url.trim_end_matches("/hook");
    assert_names(
        tried.body["last_failure"].as_str().unwrap_or_else(|| panic!("{tried:?}")),
        address,
    );
}

#[tokio::test]
async fn a_check_always_has_a_reason() {
    let (provider, server) = connected().await;
    let said = async |status, body: &'static str| {
        provider.answer("/token", (status, &[], body));
        let checked = check(&server).await;
        let reason = checked["reason"].as_str().unwrap_or_else(|| panic!("{checked}"));
        (checked["credentials"].as_str().unwrap().to_owned(), reason.to_owned())
    };
    for (status, body, credentials, reason) in [
        (400, r#"{"error":"invalid_grant"}"#, "accepted", "invalid_grant"),
        (401, r#"{"error":"invalid_client"}"#, "rejected", "invalid_client"),
        (503, "", "unknown", "status 503"),
        (404, "<html></html>", "unknown", "status 404"),
        (302, "", "unknown", "redirect"),
        (200, r#"{"access_token":"t","token_type":"bearer"}"#, "unknown", "made-up code"),
    ] {
        let (found, why) = said(status, body).await;
        assert_eq!(found, credentials, "{status} {body}: {why}");
        assert!(why.contains(reason), "{status} {body}: {why}");
    }
    drop(provider);
    // Its port is closed as soon as its task has ended.
    loop {
        let reason = check(&server).await["reason"].as_str().unwrap().to_owned();
        if reason.contains("no connection") {
            assert!(reason.contains("refused"), "{reason}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_connector_may_use_plain_http_within_networks_that_the_operator_allows() {
    let provider = Scripted::at("127.0.0.7:0").await;
    let server = TestServer::with(provider.setup()).await;
    let asked = call(&server, LIST, json!({})).await;
    server.browser().to_provider(asked.link()).await;
    assert_eq!(call(&server, LIST, json!({})).await.outcome(), "completed");
}
