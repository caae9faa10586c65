//! Why a tool is missing, or is not called: each cause is named, with what to do.

use std::time::Duration;

use astralform_domain::{EnvironmentSettings, VerifyEndUser};
use astralform_simulator::{Fault, Times};
use astralform_testkit::{Agent, Reply, Setup, TestServer};
use serde_json::{Value, json};

const LIST: &str = "slack_list_channels";
const SEND: &str = "slack_send_message";

/// Returns the explanation that a member gets, with more in its query.
async fn explained(server: &TestServer, query: &str) -> Value {
    let environment = server.tenant.environment;
    let path = server.project(&format!("/explain?environment={environment}&{query}"));
    let reply = server.admin().get(&path).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.body
}

/// Returns the cause that a member is told; `none` where the tool can be called.
pub(crate) async fn code(server: &TestServer, query: &str) -> String {
    let explained = explained(server, query).await;
    let cause = &explained["cause"];
    assert_eq!(explained["is_available"], json!(cause.is_null()));
    if cause.is_null() {
        return "none".to_owned();
    }
    for text in ["why", "fix"] {
        let words = cause[text].as_str().unwrap();
        assert!(words.len() > 10 && !words.contains("{{"), "{words}");
    }
    let failed = explained["steps"].as_array().unwrap().iter();
    let failed: Vec<_> = failed.filter(|step| step["state"] == "failed").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["step"], cause["step"]);
    cause["code"].as_str().unwrap().to_owned()
}

fn of_alice(tool: &str) -> String {
    format!("tool={tool}&end_user=alice")
}

async fn agent(server: &TestServer, body: Value) -> Reply {
    let made = server.admin().post(&server.project("/agents"), body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made
}

#[tokio::test]
async fn a_tool_that_can_be_called_has_every_step_in_order() {
    let server = TestServer::start().await;
    server.connect("alice", LIST).await;
    let explained = explained(&server, &of_alice(LIST)).await;
    let steps = explained["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["state"] == "ok"), "{explained}");
    assert_eq!((&steps[0]["step"], &steps[10]["step"]), (&json!("known"), &json!("provider")));
    assert_eq!(
        (&explained["agent"], &explained["connector"]),
        (&json!("default"), &json!("slack"))
    );
    let own = server.agent("alice").get(&format!("/v1/explain?tool={LIST}")).await;
    assert_eq!((own.status, &own.body["is_available"]), (200, &json!(true)));
}

#[tokio::test]
async fn what_is_not_there_or_not_enabled_is_named() {
    let server = TestServer::start().await;
    assert_eq!(code(&server, "tool=slack_list_chanels").await, "unknown_tool");
    let explained = explained(&server, "tool=slack_list_chanels").await;
    assert!(explained["cause"]["why"].as_str().unwrap().contains("slack_list_channels"));
    assert_eq!(code(&server, "tool=notion_search").await, "not_enabled");
    let enabled = json!({"connector": "notion", "environment": "live"});
    let enabled = server.admin().post(&server.project("/connectors"), enabled).await;
    assert_eq!(enabled.status, 201, "{enabled:?}");
    assert_eq!(code(&server, "tool=notion_search").await, "other_environment");
}

#[tokio::test]
async fn a_connector_that_cannot_be_used_is_named_with_what_keeps_it() {
    let server = TestServer::start().await;
    server.set_enabled(false).await;
    assert_eq!(code(&server, &of_alice(LIST)).await, "connector_paused");
    server.set_enabled(true).await;
    let github = json!({"connector": "github", "environment": "test"});
    let github = server.admin().post(&server.project("/connectors"), github).await;
    assert_eq!(github.status, 201, "{github:?}");
    assert_eq!(code(&server, &of_alice("github_list_repos")).await, "credentials_missing");
    crate::freezing::freeze(&server, true).await;
    server.catch_up().await;
    assert_eq!(code(&server, &of_alice(LIST)).await, "frozen");
}

#[tokio::test]
async fn what_agents_have_not_been_given_is_named() {
    let server = TestServer::start().await;
    agent(&server, json!({"name": "none"})).await;
    let some = json!([{"connector": "slack", "tools": [LIST]}]);
    agent(&server, json!({"name": "some", "connectors": some})).await;
    agent(&server, json!({"name": "off", "is_enabled": false, "connectors": some})).await;
    for (agent, tool, expected) in [
        ("nobody", LIST, "unknown_agent"),
        ("off", LIST, "agent_disabled"),
        ("none", LIST, "not_assigned"),
        ("some", SEND, "tool_not_assigned"),
        ("some", LIST, "not_connected"),
    ] {
        let query = format!("{}&agent={agent}", of_alice(tool));
        assert_eq!(code(&server, &query).await, expected, "{agent}");
    }
    server.admin().patch(&server.managed(""), json!({"tools": [LIST]})).await;
    assert_eq!(code(&server, &of_alice(SEND)).await, "tool_not_offered");
}

#[tokio::test]
async fn what_a_key_is_bound_to_is_named() {
    let server = TestServer::start().await;
    server.connect("alice", LIST).await;
    agent(&server, json!({"name": "some", "connectors": [{"connector": "slack"}]})).await;
    let key = async |wanted: Value| {
        let mut body = json!({"environment": "test", "name": "Backend"});
        body.as_object_mut().unwrap().extend(wanted.as_object().unwrap().clone());
        let made = server.admin().post(&server.project("/api-keys"), body).await;
        made.body["id"].as_str().unwrap().to_owned()
    };
    let bound = key(json!({"agent": "some"})).await;
    let narrow = key(json!({"connectors": ["notion"]})).await;
    let over = key(json!({})).await;
    server.admin().delete(&server.project(&format!("/api-keys/{over}"))).await;
    for (key, agent, expected) in [
        (&bound, "&agent=default", "bound_to_other_agent"),
        (&bound, "", "none"),
        (&narrow, "", "key_limited"),
        (&over, "", "credential_over"),
    ] {
        let query = format!("{}&api_key={key}{agent}", of_alice(LIST));
        assert_eq!(code(&server, &query).await, expected, "{key}");
    }
    let foreign = "key_00000000000000000000000001";
    let path = server.project(&format!("/explain?environment=test&tool={LIST}&api_key={foreign}"));
    assert_eq!(server.admin().get(&path).await.code(), "unknown_api_key");
}

#[tokio::test]
async fn a_session_learns_what_its_end_user_can_mend_and_nothing_else() {
    let server = TestServer::start().await;
    let open = json!({"end_user_id": "alice", "tools": [LIST]});
    let opened = server.backend().post("/v1/sessions", open).await;
    let token = opened.body["token"].as_str().unwrap();
    let session: Agent = server.agent_with_key(token, "alice").naming(None);
    let asked = session.get(&format!("/v1/explain?tool={LIST}")).await;
    assert_eq!(asked.body["cause"]["code"], "not_connected");
    for tool in [SEND, "notion_search", "nothing"] {
        let refused = session.get(&format!("/v1/explain?tool={tool}")).await;
        assert_eq!((refused.status, refused.code()), (404, "unknown_tool"), "{tool}");
    }
    server.set_enabled(false).await;
    let refused = session.get(&format!("/v1/explain?tool={LIST}")).await;
    assert_eq!((refused.status, refused.code()), (404, "unknown_tool"));
    let told = server.agent("alice").get(&format!("/v1/explain?tool={LIST}")).await;
    assert_eq!(told.body["cause"]["code"], "connector_paused", "a key of the project is told");
}

#[tokio::test]
async fn what_the_account_lacks_is_named() {
    let server = TestServer::start().await;
    assert_eq!(code(&server, &format!("tool={LIST}")).await, "end_user_required");
    assert_eq!(code(&server, &of_alice(LIST)).await, "not_connected");
    server.admin().patch(&server.managed(""), json!({"scopes": ["channels:read"]})).await;
    server.connect("alice", LIST).await;
    assert_eq!(code(&server, &of_alice(LIST)).await, "none");
    assert_eq!(code(&server, &of_alice(SEND)).await, "scopes_missing");
    server.admin().patch(&server.managed(""), json!({"allow_end_user_auth": false})).await;
    assert_eq!(code(&server, &of_alice(LIST)).await, "nothing_shared");
}

#[tokio::test]
async fn a_connection_that_awaits_its_confirmation_and_a_missing_return_url_are_named() {
    let settings = |return_urls: &[&str]| EnvironmentSettings {
        verify_end_user: VerifyEndUser::Confirm,
        return_urls: return_urls.iter().map(|url| (*url).to_owned()).collect(),
        allowed_origins: Vec::new(),
    };
    let without = Setup { settings: Some(settings(&[])), ..Setup::default() };
    let server = TestServer::with(without).await;
    assert_eq!(code(&server, &of_alice(LIST)).await, "no_return_url");

    let with = settings(&["https://app.example.com/done"]);
    let server = TestServer::with(Setup { settings: Some(with), ..Setup::default() }).await;
    let asked = server.agent("alice").call(LIST, json!({})).await;
    let browser = server.browser();
    let callback = browser.callback(asked.link(), "Allow").await;
    browser.open(callback.as_str()).await;
    assert_eq!(code(&server, &of_alice(LIST)).await, "awaiting_confirmation");
}

#[tokio::test]
async fn a_connection_that_ended_at_the_provider_is_named() {
    let server = TestServer::with(Setup { token_rotation: true, ..Setup::default() }).await;
    server.connect("alice", LIST).await;
    server.slack().revoke_all();
    server.clock.advance(Duration::from_hours(13));
    server.agent("alice").call(LIST, json!({})).await;
    assert_eq!(code(&server, &of_alice(LIST)).await, "refresh_rejected");

    let server = TestServer::start().await;
    server.connect("alice", LIST).await;
    server.slack().revoke_all();
    server.agent("alice").call(LIST, json!({})).await;
    assert_eq!(code(&server, &of_alice(LIST)).await, "token_rejected");
}

#[tokio::test]
async fn a_refresh_that_fails_is_named() {
    let server = TestServer::with(Setup { token_rotation: true, ..Setup::default() }).await;
    server.connect("alice", LIST).await;
    server.clock.advance(Duration::from_hours(13));
    server.slack().inject("oauth.v2.access", Fault::Status(503), Times::Always).unwrap();
    server.agent("alice").call(LIST, json!({})).await;
    assert_eq!(code(&server, &of_alice(LIST)).await, "refresh_failing");
}

/// Returns what a check finds: the verdict, and each finding's code.
async fn checked(server: &TestServer) -> (String, Vec<String>) {
    let checked = server.admin().post(&server.managed("/check"), json!({})).await;
    assert_eq!(checked.status, 200, "{checked:?}");
    let redirect_uri = checked.body["redirect_uri"].as_str().unwrap();
    assert!(redirect_uri.ends_with("/v1/connectors/oauth/callback"), "{redirect_uri}");
    let found = checked.body["findings"].as_array().unwrap().iter();
    let found = found.map(|finding| finding["code"].as_str().unwrap().to_owned());
    (checked.body["credentials"].as_str().unwrap().to_owned(), found.collect())
}

#[tokio::test]
async fn a_check_finds_that_nobody_comes_back_from_the_provider() {
    let server = TestServer::start().await;
    assert_eq!(checked(&server).await, ("accepted".to_owned(), Vec::new()));
    for end_user in ["alice", "bob"] {
        let asked = server.agent(end_user).call(LIST, json!({})).await;
        server.browser().authorize_url(asked.link()).await;
    }
    assert_eq!(checked(&server).await.1, <[&str; 0]>::default(), "they are still there");
    server.clock.advance(Duration::from_mins(30));
    assert_eq!(checked(&server).await.1, ["redirect_never_returned"]);
    server.connect("carol", LIST).await;
    assert_eq!(checked(&server).await.1, <[&str; 0]>::default());
}

#[tokio::test]
async fn a_check_finds_a_wrong_secret_and_a_clock_that_is_off() {
    // The provider goes by this machine's clock, the product by one that stands still.
    let (provider, server) = crate::scripted::connected().await;
    assert_eq!(checked(&server).await.1, ["clock_off"]);
    let json = [("content-type", "application/json")];
    provider.answer("/token", (401, &json, r#"{"error": "invalid_client"}"#));
    assert_eq!(checked(&server).await.0, "rejected");
}
