//! API keys that members make, roll and revoke, and what they are bound to.

use std::time::Duration;

use astralform_testkit::{Agent, Reply, TestServer};
use serde_json::{Value, json};

const LIST: &str = "slack_list_channels";

async fn create(server: &TestServer, wanted: Value) -> Reply {
    let mut body = json!({"environment": "test", "name": "Backend"});
    body.as_object_mut().unwrap().extend(wanted.as_object().unwrap().clone());
    server.admin().post(&server.project("/api-keys"), body).await
}

fn holder(server: &TestServer, made: &Reply) -> Agent {
    let key = made.body["api_key"].as_str().unwrap_or_else(|| panic!("no key in {made:?}"));
    server.agent_with_key(key, "alice")
}

fn path(server: &TestServer, made: &Reply) -> String {
    server.project(&format!("/api-keys/{}", made.body["id"].as_str().unwrap()))
}

fn refusal(reply: &Reply) -> (u16, &str) {
    (reply.status, reply.code())
}

#[tokio::test]
async fn k1_a_key_is_shown_once_and_listed_with_who_made_it_and_when_it_was_used() {
    let server = TestServer::start().await;
    let made = create(&server, json!({})).await;
    assert_eq!(made.status, 201);
    let text = made.body["api_key"].as_str().unwrap();
    assert!(text.starts_with("sk_test_"));
    let shown = server.admin().get(&path(&server, &made)).await;
    assert!(!shown.body.to_string().contains(text), "{shown:?}");
    assert_eq!(shown.body["created_by_email"], "owner@example.com");
    assert_eq!(
        (&shown.body["name"], &shown.body["last_used_at"]),
        (&json!("Backend"), &Value::Null)
    );
    assert_eq!(holder(&server, &made).get("/v1/tools").await.status, 200);
    server.app.engine().recent_uses.write_uses(false).await.unwrap();
    let used = server.admin().get(&path(&server, &made)).await.body["last_used_at"].clone();
    assert_eq!(used, json!(server.clock.now()));
    if let Some(bytes) = server.database_bytes() {
        let secret = text.as_bytes();
        assert!(!bytes.windows(secret.len()).any(|part| part == secret), "it is stored hashed");
    }
}

#[tokio::test]
async fn k1_a_key_ends_by_itself_and_when_it_is_revoked() {
    let server = TestServer::start().await;
    let soon = server.clock.now().after(Duration::from_mins(10));
    let ending = create(&server, json!({"expires_at": soon})).await;
    let revoked = create(&server, json!({})).await;
    assert_eq!(holder(&server, &ending).get("/v1/tools").await.status, 200);
    assert_eq!(holder(&server, &revoked).get("/v1/tools").await.status, 200);
    assert_eq!(server.admin().delete(&path(&server, &revoked)).await.status, 204);
    let refused = holder(&server, &revoked).get("/v1/tools").await;
    assert_eq!(refusal(&refused), (401, "unauthorized"));
    server.clock.advance(Duration::from_mins(10));
    let over = holder(&server, &ending).get("/v1/tools").await;
    assert_eq!(refusal(&over), (401, "unauthorized"));
    assert_eq!(over.body["detail"], refused.body["detail"], "nobody learns which");
    let past = create(&server, json!({"expires_at": server.clock.now()})).await;
    assert_eq!(refusal(&past), (422, "invalid_expires_at"));
}

#[tokio::test]
async fn k1_a_rolled_key_lives_on_for_the_overlap_and_the_new_one_opens_the_same() {
    let server = TestServer::start().await;
    create(&server, json!({})).await;
    let old = create(&server, json!({"connectors": ["slack"]})).await;
    let roll = format!("{}/roll", path(&server, &old));
    let too_long = server.admin().post(&roll, json!({"overlap_seconds": 604_801})).await;
    assert_eq!(too_long.status, 400);
    let new = server.admin().post(&roll, json!({"overlap_seconds": 60})).await;
    assert_eq!(new.status, 201, "{new:?}");
    for key in [&old, &new] {
        assert_eq!(holder(&server, key).get("/v1/tools").await.status, 200);
    }
    let shown = server.admin().get(&path(&server, &new)).await;
    assert_eq!(shown.body["connectors"], json!(["slack"]));
    server.clock.advance(Duration::from_mins(1));
    assert_eq!(holder(&server, &old).get("/v1/tools").await.status, 401);
    assert_eq!(holder(&server, &new).get("/v1/tools").await.status, 200);
    let over = server.admin().post(&roll, json!({})).await;
    assert_eq!(refusal(&over), (409, "api_key_over"));
}

#[tokio::test]
async fn a_key_is_rolled_once_however_often_the_request_comes() {
    let server = TestServer::start().await;
    let [one, other] = [create(&server, json!({})).await, create(&server, json!({})).await];
    let roll = |key: &Reply| format!("{}/roll", path(&server, key));
    let first = server.admin().post_keyed(&roll(&one), json!({}), "k").await;
    let again = server.admin().post_keyed(&roll(&one), json!({}), "k").await;
    assert_eq!((first.status, again.is_replayed), (201, true));
    assert_eq!(again.body, first.body);
    let others = server.admin().post_keyed(&roll(&other), json!({}), "k").await;
    assert_eq!((others.status, others.is_replayed), (201, false), "it is about another key");
    let keys = server.admin().get(&server.project("/api-keys")).await;
    let made = keys.body["data"].as_array().unwrap().iter();
    assert_eq!(made.filter(|key| key["name"] == "Backend").count(), 4);
}

#[tokio::test]
async fn t2_a_key_of_some_connectors_and_its_sessions_reach_nothing_else() {
    let server = TestServer::start().await;
    let connection = server.connect("alice", LIST).await;
    let prompt =
        server.agent("alice").post("/v1/auth-requests", json!({"connector": "slack"})).await;
    let made = create(&server, json!({"connectors": ["notion"]})).await;
    let key = holder(&server, &made);
    let opened = key.naming(None).post("/v1/sessions", json!({"end_user_id": "alice"})).await;
    let token = opened.body["token"].as_str().unwrap();
    let session = server.agent_with_key(token, "alice").naming(None);
    for limited in [&key, &session] {
        assert_eq!(limited.get("/v1/tools").await.body["tools"], json!([]));
        assert_eq!(refusal(&limited.call(LIST, json!({})).await), (404, "unknown_tool"));
        assert_eq!(limited.get("/v1/connections").await.body["data"], json!([]));
        let one = limited.get(&format!("/v1/connections/{connection}")).await;
        assert_eq!(refusal(&one), (404, "unknown_connection"));
        let seen = limited.get(&format!("/v1/auth-requests/{}", prompt.auth_request())).await;
        assert_eq!(refusal(&seen), (404, "not_found"));
        let asked = limited.post("/v1/auth-requests", json!({"connector": "slack"})).await;
        assert_eq!(refusal(&asked), (404, "unknown_connector"));
        let ended = limited.delete(&format!("/v1/connections/{connection}")).await;
        assert_eq!(ended.status, 404);
    }
    let wide = create(&server, json!({"connectors": ["slack"]})).await;
    assert_eq!(holder(&server, &wide).call(LIST, json!({})).await.outcome(), "completed");
}

#[tokio::test]
async fn t3_what_is_remembered_for_one_key_is_not_given_to_another() {
    let server = TestServer::start().await;
    server.connect("alice", LIST).await;
    let admin = server.admin();
    let agents = server.project("/agents");
    admin.post(&agents, json!({"name": "idle"})).await;
    let free = holder(&server, &create(&server, json!({})).await);
    let limited = holder(&server, &create(&server, json!({"connectors": ["notion"]})).await);
    let bound = holder(&server, &create(&server, json!({"agent": "idle"})).await);
    for _ in 0..3 {
        assert_eq!(free.call(LIST, json!({})).await.outcome(), "completed");
        for other in [&limited, &bound] {
            assert_eq!(refusal(&other.call(LIST, json!({})).await), (404, "unknown_tool"));
            assert_eq!(other.get("/v1/connections").await.body["data"], json!([]));
        }
        let bob = free.naming(Some("bob")).call(LIST, json!({})).await;
        assert_eq!(bob.outcome(), "auth_required");
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_made_so_is_refused_with_what_can() {
    let server = TestServer::start().await;
    for (wanted, status, code) in [
        (json!({"name": ""}), 422, "invalid_name"),
        (json!({"name": "a\nb"}), 422, "invalid_name"),
        (json!({"agent": "nobody"}), 404, "unknown_agent"),
        (json!({"connectors": ["slak"]}), 422, "unknown_connector"),
        (json!({"connectors": ["slack", "slack"]}), 422, "invalid_connectors"),
        (json!({"environment": "prod"}), 400, "invalid_body"),
    ] {
        let refused = create(&server, wanted.clone()).await;
        assert_eq!(refusal(&refused), (status, code), "{wanted}: {refused:?}");
    }
    let listed = server.admin().get(&server.project("/api-keys?environment=live")).await;
    assert_eq!(listed.body["data"], json!([]));
}
