//! Agents, and the connectors that are assigned to them.

use astralform_testkit::{Agent, Reply, TestServer};
use serde_json::{Value, json};

const LIST: &str = "slack_list_channels";
const SEND: &str = "slack_send_message";

async fn create(server: &TestServer, agent: Value) -> Reply {
    server.admin().post(&server.project("/agents"), agent).await
}

fn refusal(reply: &Reply) -> (u16, &str) {
    (reply.status, reply.code())
}

fn hello() -> Value {
    json!({"channel": "C0SIMGENRL", "text": "Hello."})
}

async fn tools(agent: &Agent) -> Vec<String> {
    let listed = agent.get("/v1/tools").await;
    let tools = listed.body["tools"].as_array().unwrap().iter();
    tools.map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn t2_what_is_assigned_to_an_agent_is_all_that_it_lists_and_calls() {
    let server = TestServer::start().await;
    server.connect("alice", LIST).await;
    let made = create(&server, json!({"name": "writer"})).await;
    assert_eq!((made.status, &made.body["connectors"]), (201, &json!([])));
    let writer = server.agent("alice").acting_as("writer");
    assert_eq!(tools(&writer).await, [""; 0]);
    let refused = writer.call(LIST, json!({})).await;
    assert_eq!(refusal(&refused), (404, "not_assigned"));

    let path = server.project("/agents/writer/connectors");
    for (assigned, listed) in [
        (json!([{"connector": "slack", "tools": [LIST]}]), vec![LIST]),
        (json!([{"connector": "slack", "read_only": true}]), vec![LIST, "slack_search_messages"]),
    ] {
        let done = server.admin().put(&path, assigned).await;
        assert_eq!(done.status, 200, "{done:?}");
        assert_eq!(tools(&writer).await, listed);
        assert_eq!(writer.call(LIST, json!({})).await.outcome(), "completed");
        let refused = writer.call(SEND, hello()).await;
        assert_eq!(refusal(&refused), (404, "not_assigned"));
        assert!(refused.body["detail"].as_str().unwrap().contains("writer"), "{refused:?}");
    }
    assert_eq!(server.slack_requests("chat.postMessage"), 0);
    server.admin().put(&path, json!([{"connector": "slack"}])).await;
    assert_eq!(writer.call(SEND, hello()).await.outcome(), "completed");
    server.admin().put(&path, json!([])).await;
    assert_eq!(refusal(&writer.call(LIST, json!({})).await), (404, "not_assigned"));
}

#[tokio::test]
async fn an_assignment_of_what_there_is_not_is_answered_with_what_there_is() {
    let server = TestServer::start().await;
    create(&server, json!({"name": "writer"})).await;
    let path = server.project("/agents/writer/connectors");
    for (assigned, code, named) in [
        (json!([{"connector": "slak"}]), "unknown_connector", "`slack`"),
        (
            json!([{"connector": "slack", "tools": ["slack_sing"]}]),
            "unknown_tool",
            "`slack_send_message`",
        ),
        (json!([{"connector": "slack"}, {"connector": "slack"}]), "invalid_connectors", "once"),
        (json!([{"connector": "slack", "tools": []}]), "invalid_tools", "slack"),
        (
            json!([{"connector": "slack", "tools": [LIST], "read_only": true}]),
            "invalid_tools",
            "read_only",
        ),
    ] {
        let refused = server.admin().put(&path, assigned).await;
        assert_eq!(refusal(&refused), (422, code), "{refused:?}");
        assert!(refused.body["detail"].as_str().unwrap().contains(named), "{refused:?}");
    }
    for (body, status) in [(json!({}), 400), (json!(["slack"]), 400), (json!([{}]), 400)] {
        assert_eq!(server.admin().put(&path, body).await.status, status);
    }
    let shown = server.admin().get(&server.project("/agents/writer")).await;
    assert_eq!((&shown.body["connectors"], &shown.body["version"]), (&json!([]), &json!(1)));
}

#[tokio::test]
async fn an_agent_is_changed_by_whoever_has_seen_it_last() {
    let server = TestServer::start().await;
    let admin = server.admin();
    create(&server, json!({"name": "writer"})).await;
    let path = server.project("/agents/writer");
    let stale = admin.patch_if(&path, 7, json!({"is_enabled": false})).await;
    assert_eq!(refusal(&stale), (412, "version_changed"));
    let changed = admin.patch_if(&path, 1, json!({"is_enabled": false})).await;
    assert_eq!((changed.status, &changed.body["version"]), (200, &json!(2)));
    let again = admin.patch_if(&path, 1, json!({"is_enabled": true})).await;
    assert_eq!(refusal(&again), (412, "version_changed"));
    let writer = server.agent("alice").acting_as("writer");
    assert_eq!(refusal(&writer.call(LIST, json!({})).await), (403, "agent_disabled"));
    let renamed = admin.patch(&path, json!({"name": "editor", "connectors": null})).await;
    assert_eq!(
        (&renamed.body["name"], &renamed.body["connectors"]),
        (&json!("editor"), &Value::Null)
    );
    assert_eq!(refusal(&admin.get(&path).await), (404, "unknown_agent"));
}

#[tokio::test]
async fn the_default_agent_and_the_last_enabled_one_stay() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let default = server.project("/agents/default");
    assert_eq!(refusal(&admin.delete(&default).await), (409, "default_agent"));
    let off = json!({"is_enabled": false});
    assert_eq!(refusal(&admin.patch(&default, off.clone()).await), (409, "last_enabled_agent"));
    create(&server, json!({"name": "writer"})).await;
    assert_eq!(admin.patch(&default, off.clone()).await.status, 200);
    let writer = server.project("/agents/writer");
    assert_eq!(refusal(&admin.patch(&writer, off).await), (409, "last_enabled_agent"));
    assert_eq!(refusal(&admin.delete(&writer).await), (409, "last_enabled_agent"));
    for name in ["Writer", "w r", "", "-x", &"x".repeat(41)] {
        assert_eq!(create(&server, json!({"name": name})).await.status, 400, "{name}");
    }
    assert_eq!(refusal(&create(&server, json!({"name": "writer"})).await), (409, "name_taken"));
}

#[tokio::test]
async fn deleting_an_agent_says_what_depends_on_it_and_how_many() {
    let server = TestServer::start().await;
    let admin = server.admin();
    create(&server, json!({"name": "writer", "connectors": [{"connector": "slack"}]})).await;
    let key = json!({"environment": "test", "name": "Writer", "agent": "writer"});
    let key = admin.post(&server.project("/api-keys"), key).await;
    let bound = server.agent_with_key(key.body["api_key"].as_str().unwrap(), "alice");
    assert_eq!(bound.post("/v1/sessions", json!({"end_user_id": "alice"})).await.status, 201);
    let path = server.project("/agents/writer");
    let refused = admin.delete(&path).await;
    assert_eq!(refusal(&refused), (409, "has_dependents"));
    assert!(refused.body["detail"].as_str().unwrap().starts_with("1 API keys and 1 sessions"));
    assert_eq!(bound.get("/v1/tools").await.status, 200, "nothing has ended");
    let deleted = admin.delete(&format!("{path}?end_dependents=true")).await;
    let expected = json!({"revoked_api_keys": 1, "ended_sessions": 1});
    assert_eq!((deleted.status, &deleted.body), (200, &expected));
    assert_eq!(bound.get("/v1/tools").await.status, 401);
    assert_eq!(create(&server, json!({"name": "writer"})).await.status, 201, "its name is free");
}
