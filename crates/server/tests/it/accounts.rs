//! Which accounts an end user has connected, and what they granted.

use astralform_testkit::{Agent, Reply, TestServer};
use serde_json::{Value, json};

const TOOL: &str = "slack_list_channels";
const CALL: &str = "/v1/tools/slack_list_channels/call";
const ADA: (&str, &str) = ("Ada Lovelace", "U0SIMADA01");
const GRACE: (&str, &str) = ("Grace Hopper", "U0SIMGRACE");

/// Consents to `scopes` in place of those that were asked for.
async fn grant(server: &TestServer, asked: &Reply, scopes: &str) -> Reply {
    let browser = server.browser();
    let mut authorize = browser.authorize_url(asked.link()).await;
    authorize.query_pairs_mut().append_pair("user_scope", scopes); // the last one counts
    let page = browser.visit(authorize.as_str()).await;
    browser.click(&page, "Allow").await;
    server.ended(asked).await
}

async fn shown(agent: &Agent, connection: &str) -> Value {
    agent.get(&format!("/v1/connections/{connection}")).await.body
}

/// Returns whose eyes a call sees with: only Grace is in #design.
async fn seen_by_grace(agent: &Agent, connection: Option<&str>) -> bool {
    let seen = agent.post(CALL, json!({"connection_id": connection})).await;
    let channels = seen.body["data"]["channels"].as_array().unwrap_or_else(|| panic!("{seen:?}"));
    channels.iter().any(|channel| channel["name"] == "design" && channel["member"] == true)
}

fn is_granted_to(server: &TestServer, user: &str) -> bool {
    server.slack().grants().iter().any(|grant| grant.user_id == user)
}

#[tokio::test]
async fn o12_what_was_not_granted_is_asked_for_all_at_once() {
    let server = TestServer::start().await;
    let alice = server.agent("alice");
    let asked = alice.call(TOOL, json!({})).await;
    let ended = grant(&server, &asked, "chat:write").await;
    assert_eq!(shown(&alice, ended.connection()).await["scopes"], json!(["chat:write"]));

    let asked = alice.call(TOOL, json!({})).await;
    let request = &asked.body["auth_request"];
    assert_eq!(request["reason"], "missing_scopes", "{asked:?}");
    assert_eq!(request["granted_scopes"], json!(["chat:write"]));
    assert_eq!(request["missing_scopes"], json!(["channels:read", "search:read"]));
    let all = json!(["channels:read", "chat:write", "search:read"]);
    assert_eq!(request["required_scopes"], all);
    assert_eq!(server.slack_requests("conversations.list"), 0);

    let message = json!({"channel": "C0SIMGENRL", "text": "Hello."});
    assert_eq!(alice.call("slack_send_message", message).await.outcome(), "completed");
}

#[tokio::test]
async fn o12_a_consent_to_nothing_that_was_asked_connects_nothing() {
    let server = TestServer::start().await;
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    let ended = grant(&server, &asked, "users:read").await;
    assert_eq!((ended.outcome(), &ended.body["failure"]), ("failed", &json!("nothing_granted")));
    assert!(server.slack().grants().is_empty(), "the provider has taken the token back");
}

#[tokio::test]
async fn o12_more_than_was_asked_is_stored_and_asked_for_again_when_renewed() {
    let server = TestServer::start().await;
    let alice = server.agent("alice");
    let asked = alice.call(TOOL, json!({})).await;
    let granted = "channels:read,chat:write,search:read,users:read";
    let ended = grant(&server, &asked, granted).await;
    let stored = json!(["channels:read", "chat:write", "search:read", "users:read"]);
    assert_eq!(shown(&alice, ended.connection()).await["scopes"], stored);

    let asked = alice.call(TOOL, json!({"include_private": true})).await;
    let union = json!(["channels:read", "chat:write", "groups:read", "search:read", "users:read"]);
    assert_eq!(asked.body["auth_request"]["required_scopes"], union);
    let authorize = server.browser().authorize_url(asked.link()).await;
    let sent = authorize.query_pairs().find(|(name, _)| name == "user_scope").unwrap().1;
    assert_eq!(sent, "channels:read,chat:write,groups:read,search:read,users:read");

    server.slack().revoke_all();
    let asked = alice.call(TOOL, json!({})).await;
    assert_eq!(asked.body["auth_request"]["reason"], "needs_reauth");
    assert_eq!(asked.body["auth_request"]["required_scopes"], stored);
}

#[tokio::test]
async fn o12_less_than_before_is_stored_as_granted() {
    let server = TestServer::start().await;
    let alice = server.agent("alice");
    let connection = server.connect("alice", TOOL).await;
    server.slack().revoke_all();
    let asked = alice.call(TOOL, json!({})).await;
    let ended = grant(&server, &asked, "channels:read").await;
    assert_eq!(ended.connection(), connection);
    assert_eq!(shown(&alice, &connection).await["scopes"], json!(["channels:read"]));
}

#[tokio::test]
async fn o12_another_account_does_not_take_the_place_of_the_one_to_be_renewed() {
    let server = TestServer::start().await;
    let alice = server.agent("alice");
    let connection = server.connect("alice", TOOL).await;
    let before = shown(&alice, &connection).await;

    let asked = alice.call(TOOL, json!({"include_private": true})).await;
    let ended = server.consent_as(GRACE.0, &asked).await;
    assert_eq!((ended.outcome(), &ended.body["failure"]), ("failed", &json!("other_account")));
    assert_eq!(shown(&alice, &connection).await, before);
    assert!(!is_granted_to(&server, GRACE.1), "the provider has taken the token back");
    assert!(is_granted_to(&server, ADA.1));
    assert!(!seen_by_grace(&alice, None).await);

    server.slack().revoke_all();
    let asked = alice.call(TOOL, json!({})).await;
    let ended = server.consent_as(GRACE.0, &asked).await;
    assert_eq!(ended.body["failure"], "other_account");
    assert_eq!(alice.get("/v1/connections").await.body["data"].as_array().unwrap().len(), 1);
    assert_eq!(shown(&alice, &connection).await["status"], "needs_reauth");
    assert!(server.slack().grants().is_empty());
}

#[tokio::test]
async fn o12_an_account_connected_besides_survives_being_chosen_by_mistake() {
    let server = TestServer::start().await;
    let alice = server.agent("alice");
    server.connect("alice", TOOL).await;
    let grace = server.add_account("alice", GRACE.0).await;
    let asked = alice.call(TOOL, json!({"include_private": true})).await;
    let ended = server.consent_as(GRACE.0, &asked).await;
    assert_eq!(ended.body["failure"], "other_account");
    assert!(seen_by_grace(&alice, Some(&grace)).await);
    assert!(!seen_by_grace(&alice, None).await);
}

#[tokio::test]
async fn o12_an_account_that_reconnects_keeps_its_id_and_label() {
    let server = TestServer::start().await;
    let alice = server.agent("alice");
    let connection = server.connect("alice", TOOL).await;
    let path = format!("/v1/connections/{connection}");
    alice.patch(&path, json!({"label": "Work"})).await;
    let before = alice.get(&path).await.body;

    server.slack().revoke_all();
    let asked = alice.call(TOOL, json!({})).await;
    assert_eq!(alice.get(&path).await.body["reason"], "token_rejected");
    assert_eq!(server.consent_as(ADA.0, &asked).await.connection(), connection);
    assert_eq!(alice.get(&path).await.body, before);
    assert_eq!(
        server.add_account("alice", ADA.0).await,
        connection,
        "a known account is not a new one"
    );
    assert_eq!(alice.get(&path).await.body, before);
}

#[tokio::test]
async fn calls_use_the_default_account_or_the_one_they_name() {
    let server = TestServer::start().await;
    let alice = server.agent("alice");
    let ada = server.connect("alice", TOOL).await;
    let grace = server.add_account("alice", GRACE.0).await;
    assert_ne!(ada, grace);
    assert!(!seen_by_grace(&alice, None).await, "the first one is the default");
    assert!(seen_by_grace(&alice, Some(&grace)).await);

    let path = format!("/v1/connections/{grace}");
    assert_eq!(alice.patch(&path, json!({"is_default": true})).await.body["is_default"], true);
    assert_eq!(shown(&alice, &ada).await["is_default"], false);
    assert!(seen_by_grace(&alice, None).await);
    assert!(!seen_by_grace(&alice, Some(&ada)).await);
}

#[tokio::test]
async fn the_oldest_other_account_follows_a_default_that_is_disconnected() {
    let server = TestServer::start().await;
    let alice = server.agent("alice");
    let mut accounts = vec![server.connect("alice", TOOL).await];
    for person in ["Alan Turing", GRACE.0] {
        accounts.push(server.add_account("alice", person).await);
    }
    let default = async || {
        let listed = alice.get("/v1/connections").await.body["data"].clone();
        let defaults = listed.as_array().unwrap().iter().filter(|one| one["is_default"] == true);
        defaults.map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    alice.delete(&format!("/v1/connections/{}", accounts[0])).await;
    assert_eq!(default().await, accounts[1..2]);
    alice.delete(&format!("/v1/connections/{}", accounts[2])).await;
    assert_eq!(default().await, accounts[1..2]);
    alice.delete(&format!("/v1/connections/{}", accounts[1])).await;
    let anew = server.connect("alice", TOOL).await;
    assert_eq!(default().await, [anew]);
}
