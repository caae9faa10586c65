//! What is stored has a limit, whoever sends it: a caller, a member or a provider.

use astralform_domain::{Patch, VerifyEndUser};
use astralform_engine::project_connectors::ConnectorChange;
use astralform_testkit::{Reply, TestServer};
use serde_json::{Value, json};

use crate::provider::{NOTES, Provider, callback};

const NEW: &str = "/v1/auth-requests";

fn refusal(reply: &Reply) -> (u16, &str) {
    (reply.status, reply.code())
}

/// Returns scopes that nobody knows, so many and with so many bytes each.
fn scopes(mark: &str, count: usize, length: usize) -> Vec<String> {
    (0..count).map(|n| format!("{mark}{n:05}{}", "x".repeat(length - mark.len() - 5))).collect()
}

/// Returns the product with a provider that lets everybody in.
async fn notes() -> (Provider, TestServer) {
    let (provider, honest, setup) = Provider::with_setup(VerifyEndUser::Off).await;
    let server = TestServer::with(setup).await;
    honest.register(&server);
    (provider, server)
}

async fn ask(server: &TestServer, wanted: Value) -> Reply {
    let mut body = json!({"connector": "notes"});
    body.as_object_mut().unwrap().extend(wanted.as_object().unwrap().clone());
    server.agent("alice").post(NEW, body).await
}

async fn consent(server: &TestServer, asked: &Reply) -> Reply {
    let browser = server.browser();
    let back = callback(&browser, asked.link()).await;
    browser.open(back.as_str()).await;
    server.ended(asked).await
}

/// Has the project ask for these scopes besides the usual ones.
async fn list(server: &TestServer, scopes: &[String]) {
    let usual = ["openid", "offline_access", "notes:read"].map(ToOwned::to_owned);
    let listed = usual.iter().chain(scopes).cloned().collect();
    server
        .change(ConnectorChange { scopes: Patch::Set(listed), ..ConnectorChange::default() })
        .await;
}

/// Returns the scopes that Alice's connection has.
async fn granted(server: &TestServer) -> Vec<String> {
    let listed = server.agent("alice").get("/v1/connections").await;
    let scopes = listed.body["data"][0]["scopes"].as_array().unwrap().iter();
    scopes.map(|scope| scope.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn f4_an_auth_request_asks_for_100_scopes_and_4_kib_at_most() {
    let (_provider, server) = notes().await;
    for too_much in [scopes("s", 98, 20), scopes("s", 40, 120), scopes("s", 200, 207)] {
        let refused = ask(&server, json!({"scopes": too_much})).await;
        assert_eq!(refusal(&refused), (422, "invalid_scopes"));
        assert!(refused.body["detail"].as_str().unwrap().contains("100"), "{refused:?}");
    }
    let larger = ask(&server, json!({"scopes": scopes("s", 1_000, 207)})).await;
    assert_eq!(refusal(&larger), (413, "invalid_body"));
    list(&server, &scopes("s", 97, 20)).await;
    let asked = ask(&server, json!({"scopes": scopes("s", 97, 20)})).await;
    assert_eq!(asked.body["required_scopes"].as_array().unwrap().len(), 100, "{asked:?}");
}

#[tokio::test]
async fn f4_a_connection_does_not_grow_with_every_consent() {
    let (_provider, server) = notes().await;
    for mark in ["a", "b", "c", "d"] {
        list(&server, &scopes(mark, 60, 30)).await;
        let asked = ask(&server, json!({"scopes": scopes(mark, 60, 30)})).await;
        assert_eq!(asked.outcome(), "pending", "{asked:?}");
        assert!(asked.body["required_scopes"].as_array().unwrap().len() <= 100);
        assert_eq!(consent(&server, &asked).await.outcome(), "completed");
        let granted = granted(&server).await;
        assert!(granted.len() <= 100, "{} scopes", granted.len());
        assert!(scopes(mark, 60, 30).iter().all(|scope| granted.contains(scope)), "{granted:?}");
    }
    assert_eq!(server.agent("alice").call(NOTES, json!({})).await.outcome(), "completed");
}

#[tokio::test]
async fn f4_what_a_provider_grants_beyond_the_limits_is_not_stored() {
    let (provider, server) = notes().await;
    let flood = scopes("a", 5_000, 40).join(" ");
    provider.also_says(json!({"scope": format!("{flood} openid notes:read offline_access")}));
    let asked = ask(&server, json!({})).await;
    assert_eq!(consent(&server, &asked).await.outcome(), "completed");
    let granted = granted(&server).await;
    let weight: usize = granted.iter().map(String::len).sum();
    assert!(granted.len() <= 100 && weight <= 4_096, "{} scopes, {weight} bytes", granted.len());
    for asked in ["openid", "notes:read", "offline_access"] {
        assert!(granted.iter().any(|scope| scope == asked), "{asked} is not in {granted:?}");
    }
    assert_eq!(server.agent("alice").call(NOTES, json!({})).await.outcome(), "completed");
}

#[tokio::test]
async fn f4_a_token_that_is_larger_than_16_kib_is_not_stored() {
    let (provider, server) = notes().await;
    for large in ["access_token", "refresh_token"] {
        provider.also_says(json!({large: "t".repeat(16_385)}));
        let asked = ask(&server, json!({})).await;
        assert_eq!(consent(&server, &asked).await.body["failure"], "provider_unavailable");
    }
    provider.also_says(json!({"refresh_token": "t".repeat(16_384)}));
    let asked = ask(&server, json!({})).await;
    assert_eq!(consent(&server, &asked).await.outcome(), "completed");
}

#[tokio::test]
async fn f4_the_settings_of_a_connector_have_limits() {
    let server = TestServer::start().await;
    let tools =
        |count: usize| -> Vec<String> { (0..count).map(|n| format!("slack_tool_{n}")).collect() };
    let long = format!("https://chat.example.com/{}", "a".repeat(2_000));
    for (change, code) in [
        (json!({"scopes": scopes("s", 101, 20)}), "invalid_scopes"),
        (json!({"scopes": scopes("s", 40, 120)}), "invalid_scopes"),
        (json!({"tools": ["slack_list_channels", "slack_list_channels"]}), "invalid_tools"),
        (json!({"tools": tools(201)}), "invalid_tools"),
        (json!({"tools": tools(200)}), "unknown_tool"),
        (
            json!({"sandbox": false, "endpoints": {"api_base_url": long},
                   "credentials": {"client_secret": "s"}}),
            "invalid_endpoints",
        ),
        (json!({"credentials": {"client_secret": "s".repeat(4_097)}}), "invalid_credentials"),
    ] {
        let refused = server.admin().patch(&server.managed(""), change).await;
        assert_eq!(refusal(&refused), (422, code), "{refused:?}");
    }
}

#[tokio::test]
async fn f7_a_session_is_limited_to_200_tools_each_of_them_once() {
    let server = TestServer::start().await;
    let open = async |tools: Value| {
        server.backend().post("/v1/sessions", json!({"end_user_id": "alice", "tools": tools})).await
    };
    let repeated = vec!["slack_list_channels"; 2];
    assert_eq!(refusal(&open(json!(repeated)).await), (422, "invalid_tools"));
    let many: Vec<_> = (0..201).map(|n| format!("slack_tool_{n}")).collect();
    assert_eq!(refusal(&open(json!(many)).await), (422, "invalid_tools"));
    assert_eq!(refusal(&open(json!(many[..200])).await), (422, "unknown_tool"));
    assert_eq!(open(json!(["slack_list_channels"])).await.status, 201);
}
