//! What end users see of their connections, and what they can change.

use astralform_domain::{Environment, Tenant};
use astralform_testkit::{Agent, Setup, TestServer};
use serde_json::{Value, json};

const TOOL: &str = "slack_list_channels";
const ALL: &str = "/v1/connections";

fn one(id: &str) -> String {
    format!("{ALL}/{id}")
}

/// Connects three accounts for Alice.
async fn three(server: &TestServer) -> Vec<String> {
    let mut ids = vec![server.connect("alice", TOOL).await];
    for person in ["Grace Hopper", "Alan Turing"] {
        ids.push(server.add_account("alice", person).await);
    }
    ids
}

fn ids(listed: &Value) -> Vec<&str> {
    let listed = listed["data"].as_array().unwrap();
    listed.iter().map(|one| one["id"].as_str().unwrap()).collect()
}

/// Returns what every verb says of a connection.
async fn on_every_verb(agent: &Agent, id: &str) -> Vec<(u16, String)> {
    let path = one(id);
    let mut said = Vec::new();
    for reply in [
        agent.get(&path).await,
        agent.patch(&path, json!({"label": "Mine now", "is_default": true})).await,
        agent.delete(&path).await,
    ] {
        said.push((reply.status, reply.code().to_owned()));
    }
    said
}

#[tokio::test]
async fn a_connection_is_shown_with_its_account_and_what_was_granted() {
    let server = TestServer::start().await;
    let id = server.connect("alice", TOOL).await;
    let shown = server.agent("alice").get(&one(&id)).await;
    assert_eq!(
        shown.body,
        json!({
            "id": id,
            "connector": "slack",
            "account": {"id": "T0SIMACME1/U0SIMADA01", "label": "ada in Acme (simulated)"},
            "label": null,
            "is_default": true,
            "status": "active",
            "reason": null,
            "scopes": ["channels:read", "chat:write", "search:read"],
            "created_at": "2027-01-15T08:00:00Z",
        })
    );
}

#[tokio::test]
async fn connections_are_listed_oldest_first_in_pages() {
    let server = TestServer::start().await;
    server.connect("bob", TOOL).await;
    let made = three(&server).await;
    let alice = server.agent("alice");
    let whole = alice.get(ALL).await.body;
    assert_eq!(
        (ids(&whole), &whole["next_cursor"]),
        (made.iter().map(|id| &**id).collect(), &Value::Null)
    );

    let first = alice.get(&format!("{ALL}?limit=2")).await.body;
    assert_eq!(ids(&first), made[..2]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = alice.get(&format!("{ALL}?limit=2&cursor={cursor}")).await.body;
    assert_eq!((ids(&second), &second["next_cursor"]), (vec![&*made[2]], &Value::Null));
    let exact = alice.get(&format!("{ALL}?limit=3")).await.body;
    assert_eq!(exact["next_cursor"], Value::Null);
    assert_eq!(alice.get(&format!("{ALL}?cursor=conn_x")).await.status, 400);
}

#[tokio::test]
async fn a_label_is_set_kept_and_cleared() {
    let server = TestServer::start().await;
    let path = one(&server.connect("alice", TOOL).await);
    let alice = server.agent("alice");
    for (change, label) in [
        (json!({"label": "Büro 東京"}), json!("Büro 東京")),
        (json!({"is_default": true}), json!("Büro 東京")),
        (json!({}), json!("Büro 東京")),
        (json!({"label": null}), Value::Null),
        (json!({"label": "é".repeat(100)}), json!("é".repeat(100))),
    ] {
        assert_eq!(alice.patch(&path, change.clone()).await.body["label"], label, "{change}");
        assert_eq!(alice.get(&path).await.body["label"], label, "{change}");
    }
}

#[tokio::test]
async fn a_change_that_cannot_be_changes_nothing() {
    let server = TestServer::start().await;
    let path = one(&server.connect("alice", TOOL).await);
    let alice = server.agent("alice");
    alice.patch(&path, json!({"label": "Work"})).await;
    let before = alice.get(&path).await.body;
    for (change, status, code) in [
        (json!({"label": ""}), 422, "invalid_label"),
        (json!({"label": " Work"}), 422, "invalid_label"),
        (json!({"label": "a\nb"}), 422, "invalid_label"),
        (json!({"label": "x".repeat(101), "is_default": true}), 422, "invalid_label"),
        (json!({"label": "Home", "is_default": false}), 422, "invalid_is_default"),
        (json!({"status": "active"}), 400, "invalid_body"),
        (json!({"label": 7}), 400, "invalid_body"),
    ] {
        let refused = alice.patch(&path, change.clone()).await;
        assert_eq!((refused.status, refused.code()), (status, code), "{change}");
    }
    assert_eq!(alice.get(&path).await.body, before);
}

#[tokio::test]
async fn a_disconnected_account_is_revoked_and_asked_for_anew() {
    let server = TestServer::start().await;
    let id = server.connect("alice", TOOL).await;
    let alice = server.agent("alice");
    let gone = alice.delete(&one(&id)).await;
    assert_eq!((gone.status, gone.body), (204, json!("")));
    assert_eq!(server.slack_requests("auth.revoke"), 1);
    assert!(server.slack().grants().is_empty());

    let unknown = (404, "unknown_connection".to_owned());
    assert_eq!(on_every_verb(&alice, &id).await, vec![unknown; 3]);
    assert_eq!(alice.get(ALL).await.body["data"], json!([]));
    let asked = alice.call(TOOL, json!({})).await;
    assert_eq!(asked.body["auth_request"]["reason"], "not_connected");
    let named = json!({"connection_id": id});
    let refused = alice.post("/v1/tools/slack_list_channels/call", named).await;
    assert_eq!((refused.status, refused.code()), (404, "unknown_connection"));
    assert_ne!(server.consent_as("Ada Lovelace", &asked).await.connection(), id);
}

#[tokio::test]
async fn disconnecting_works_while_the_connector_is_paused_or_the_provider_is_down() {
    let server = TestServer::start().await;
    let ids = three(&server).await;
    server.set_enabled(false).await;
    assert_eq!(server.agent("alice").delete(&one(&ids[0])).await.status, 204);
    assert_eq!(server.slack().grants().len(), 2);
    let down = astralform_simulator::Fault::Status(503);
    server.slack().inject("*", down, astralform_simulator::Times::Always).unwrap();
    assert_eq!(server.agent("alice").delete(&one(&ids[1])).await.status, 204);
    assert_eq!(server.agent("alice").get(&one(&ids[1])).await.status, 404);
}

#[tokio::test]
async fn another_end_users_connection_is_not_there() {
    let server = TestServer::start().await;
    let id = server.connect("alice", TOOL).await;
    let before = server.agent("alice").get(&one(&id)).await.body;
    let unknown = (404, "unknown_connection".to_owned());
    assert_eq!(on_every_verb(&server.agent("bob"), &id).await, vec![unknown; 3]);
    assert_eq!(server.agent("bob").get(ALL).await.body["data"], json!([]));
    assert_eq!(server.agent("alice").get(&one(&id)).await.body, before);
}

#[tokio::test]
async fn whoever_names_no_end_user_has_no_connections() {
    let server = TestServer::start().await;
    let id = server.connect("alice", TOOL).await;
    let required = (400, "end_user_required".to_owned());
    assert_eq!(on_every_verb(&server.backend(), &id).await, vec![required; 3]);
    assert_eq!(server.backend().get(ALL).await.code(), "end_user_required");
}

#[tokio::test]
async fn a_connection_is_not_there_in_another_project_or_environment() {
    let server = TestServer::start().await;
    let id = server.connect("alice", TOOL).await;
    let live = Tenant { environment: Environment::Live, ..server.tenant };
    let live = server.app.management().provisioning.create_api_key(live, None).await.unwrap();
    for key in [server.foreign_key().await.as_str(), live.expose()] {
        let stranger = server.agent_with_key(key, "alice");
        let unknown = (404, "unknown_connection".to_owned());
        assert_eq!(on_every_verb(&stranger, &id).await, vec![unknown; 3]);
        assert_eq!(stranger.get(ALL).await.body["data"], json!([]));
    }
    assert_eq!(server.agent("alice").call(TOOL, json!({})).await.outcome(), "completed");
}

#[tokio::test]
async fn with_rotation_disconnecting_ends_the_refresh_token_too() {
    let server = TestServer::with(Setup { token_rotation: true, ..Setup::default() }).await;
    let id = server.connect("alice", TOOL).await;
    let alive = || -> usize {
        let grants = server.slack().grants().into_iter();
        grants.map(|grant| grant.live_access_tokens + grant.live_refresh_tokens).sum()
    };
    assert_eq!(alive(), 2);
    server.agent("alice").delete(&one(&id)).await;
    assert_eq!(alive(), 0);
}
