//! What a session may do, for whom, and for how long.

use std::time::Duration;

use astralform_testkit::{Agent, Reply, TestServer};
use serde_json::{Value, json};

const LIST: &str = "slack_list_channels";
const SEND: &str = "slack_send_message";
const SESSIONS: &str = "/v1/sessions";
const PROMPTS: &str = "/v1/auth-requests";

async fn open(server: &TestServer, wanted: Value) -> Reply {
    let mut body = json!({"end_user_id": "alice"});
    body.as_object_mut().unwrap().extend(wanted.as_object().unwrap().clone());
    server.backend().post(SESSIONS, body).await
}

/// Returns whoever holds the token of an opened session, and names nobody.
fn holder(server: &TestServer, opened: &Reply) -> Agent {
    server.agent_with_key(token(opened), "").naming(None)
}

fn token(opened: &Reply) -> &str {
    opened.body["token"].as_str().unwrap_or_else(|| panic!("no token in {opened:?}"))
}

fn refusal(reply: &Reply) -> (u16, &str) {
    (reply.status, reply.code())
}

fn hello() -> Value {
    json!({"channel": "C0SIMGENRL", "text": "Hello."})
}

#[tokio::test]
async fn a_session_acts_for_its_end_user_without_saying_so() {
    let server = TestServer::start().await;
    let id = server.connect("alice", LIST).await;
    let opened = open(&server, json!({})).await;
    assert_eq!(opened.status, 201);
    assert!(token(&opened).starts_with("ut_"));
    let session = holder(&server, &opened);
    assert_eq!(session.call(LIST, json!({})).await.outcome(), "completed");
    assert_eq!(session.get("/v1/connections").await.body["data"][0]["id"], json!(id));
    assert_eq!(session.naming(Some("alice")).get("/v1/connections").await.status, 200);

    for path in ["/v1/connections", "/v1/tools"] {
        let refused = session.naming(Some("bob")).get(path).await;
        assert_eq!(refusal(&refused), (403, "other_end_user"), "{path}");
    }
    let refused = session.naming(Some("bob")).call(LIST, json!({})).await;
    assert_eq!(refusal(&refused), (403, "other_end_user"));
}

#[tokio::test]
async fn a_session_acts_as_its_agent_and_no_other() {
    let server = TestServer::start().await;
    let bare = server.add_agent("bare", Some(Vec::new())).await.to_string();
    server.add_agent("other", None).await;
    for named in ["bare", &bare] {
        let session = holder(&server, &open(&server, json!({"agent": named})).await);
        assert_eq!(session.get("/v1/tools").await.body["tools"], json!([]));
        assert_eq!(refusal(&session.call(LIST, json!({})).await), (404, "unknown_tool"));
        assert_eq!(session.acting_as("bare").get("/v1/tools").await.status, 200);
        for other in ["other", "default"] {
            let refused = session.acting_as(other).call(LIST, json!({})).await;
            assert_eq!(refusal(&refused), (403, "other_agent"), "{other}");
        }
    }
    let unknown = open(&server, json!({"agent": "nobody"})).await;
    assert_eq!(refusal(&unknown), (404, "unknown_agent"));
}

#[tokio::test]
async fn a_key_that_acts_as_one_agent_opens_sessions_of_that_one() {
    let server = TestServer::start().await;
    let bare = server.add_agent("bare", Some(Vec::new())).await;
    let key = server
        .app
        .management()
        .provisioning
        .create_api_key(server.tenant, Some(bare))
        .await
        .unwrap();
    let bound = server.agent_with_key(key.expose(), "").naming(None);
    let opened = bound.post(SESSIONS, json!({"end_user_id": "alice"})).await;
    assert_eq!(holder(&server, &opened).get("/v1/tools").await.body["tools"], json!([]));
    let body = json!({"end_user_id": "alice", "agent": "default"});
    assert_eq!(refusal(&bound.post(SESSIONS, body).await), (403, "other_agent"));
}

#[tokio::test]
async fn a_session_has_the_tools_it_was_given() {
    let server = TestServer::start().await;
    server.connect("alice", LIST).await;
    let session = holder(&server, &open(&server, json!({"tools": [LIST]})).await);
    let listed = session.get("/v1/tools").await.body;
    assert_eq!(listed["tools"].as_array().unwrap().len(), 1);
    assert_eq!(listed["tools"][0]["name"], LIST);
    assert_eq!(session.call(LIST, json!({})).await.outcome(), "completed");
    assert_eq!(refusal(&session.call(SEND, hello()).await), (404, "unknown_tool"));
    assert_eq!(server.slack_requests("chat.postMessage"), 0);

    let none = holder(&server, &open(&server, json!({"tools": []})).await);
    assert_eq!(none.get("/v1/tools").await.body["tools"], json!([]));
    let unknown = open(&server, json!({"tools": [LIST, "slack_delete_workspace"]})).await;
    assert_eq!(refusal(&unknown), (422, "unknown_tool"));
}

#[tokio::test]
async fn t2_a_session_does_not_get_the_kept_answer_of_a_tool_it_lacks() {
    let server = TestServer::start().await;
    server.connect("alice", LIST).await;
    let call = format!("/v1/tools/{SEND}/call");
    let body = json!({"arguments": hello()});
    let sent = server.agent("alice").post_keyed(&call, body.clone(), "known").await;
    assert_eq!(sent.outcome(), "completed");
    let session = holder(&server, &open(&server, json!({"tools": [LIST]})).await);
    let refused = session.post_keyed(&call, body, "known").await;
    assert_eq!(refusal(&refused), (404, "unknown_tool"));
}

#[tokio::test]
async fn a_session_ends_when_it_was_said_to() {
    let server = TestServer::start().await;
    let short = holder(&server, &open(&server, json!({"expires_in": 60})).await);
    let usual = holder(&server, &open(&server, json!({})).await);
    server.clock.advance(Duration::from_secs(59));
    assert_eq!(short.get("/v1/tools").await.status, 200);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(refusal(&short.get("/v1/tools").await), (401, "unauthorized"));
    server.clock.advance(Duration::from_secs(3_539));
    assert_eq!(usual.get("/v1/tools").await.status, 200);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(refusal(&usual.get("/v1/tools").await), (401, "unauthorized"));
}

#[tokio::test]
async fn a_session_lives_for_a_minute_to_twelve_hours() {
    let server = TestServer::start().await;
    for (life, status) in [(59, 422), (60, 201), (43_200, 201), (43_201, 422)] {
        assert_eq!(open(&server, json!({"expires_in": life})).await.status, status, "{life}");
    }
    for body in [json!({"end_user_id": ""}), json!({"end_user_id": "x".repeat(256)}), json!({})] {
        assert_eq!(server.backend().post(SESSIONS, body.clone()).await.status, 400, "{body}");
    }
}

#[tokio::test]
async fn k1_an_altered_or_unknown_token_gets_the_same_answer_as_one_that_is_over() {
    let server = TestServer::start().await;
    let opened = open(&server, json!({"expires_in": 60})).await;
    let right = token(&opened);
    let other = open(&server, json!({})).await;
    let [head, id, secret, sum] = right.split('_').collect::<Vec<_>>()[..] else { panic!() };
    let others = token(&other).split('_').collect::<Vec<_>>();
    let altered = [
        format!("{head}_{id}_{}_{sum}", "0".repeat(secret.len())),
        checked(&format!("{head}_{id}_{}", "0".repeat(secret.len()))),
        checked(&format!("{head}_{id}_{}", others[2])),
        checked(&format!("{head}_{}_{secret}", others[1])),
        checked(&format!("{head}_{}_{secret}", "0".repeat(id.len()))),
        format!("{right}0"),
        head.to_owned() + "_",
    ];
    server.clock.advance(Duration::from_mins(1));
    let over = said(&holder(&server, &opened).get("/v1/tools").await);
    assert_eq!(over["code"], "unauthorized");
    for altered in altered {
        let refused = server.agent_with_key(&altered, "").naming(None).get("/v1/tools").await;
        assert_eq!((refused.status, said(&refused)), (401, over.clone()), "{altered}");
    }
    assert_eq!(holder(&server, &other).get("/v1/tools").await.status, 200);
}

/// Returns a token's text with the checksum that goes with it, so that nothing but the secret is
/// wrong.
fn checked(body: &str) -> String {
    let mut sum = u32::MAX;
    for byte in body.bytes() {
        sum ^= u32::from(byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xedb8_8320 * (sum & 1));
        }
    }
    format!("{body}_{:08x}", !sum)
}

fn said(reply: &Reply) -> Value {
    let mut body = reply.body.clone();
    body.as_object_mut().unwrap().remove("request_id");
    body
}

#[tokio::test]
async fn a_session_is_no_backend() {
    let server = TestServer::start().await;
    let asked = server.agent("alice").call(LIST, json!({})).await;
    let session = holder(&server, &open(&server, json!({})).await);
    let confirm = format!("/v1/auth-requests/{}/confirm", asked.auth_request());
    let body = json!({"end_user_id": "alice", "confirmation": "x"});
    assert_eq!(refusal(&session.post(&confirm, body).await), (403, "backend_only"));
    let another = session.post(SESSIONS, json!({"end_user_id": "alice"})).await;
    assert_eq!(refusal(&another), (403, "backend_only"));
    assert_eq!(session.get("/v1/me").await.status, 401);
    let bobs = server.agent("bob").call(LIST, json!({})).await;
    let path = format!("/v1/auth-requests/{}", bobs.auth_request());
    assert_eq!(session.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_session_is_of_its_project_and_environment() {
    let server = TestServer::start().await;
    let foreign = server.agent_with_key(&server.foreign_key().await, "").naming(None);
    let opened = foreign.post(SESSIONS, json!({"end_user_id": "alice"})).await;
    assert_eq!(holder(&server, &opened).get("/v1/tools").await.body["tools"], json!([]));
}

#[tokio::test]
async fn a_sessions_token_is_not_stored_in_the_clear() {
    let server = TestServer::start().await;
    let plain = open(&server, json!({})).await;
    let body = json!({"end_user_id": "alice"});
    let keyed = server.backend().post_keyed(SESSIONS, body, "once").await;
    let Some(stored) = server.database_bytes() else { return };
    let holds = |text: &str| stored.windows(text.len()).any(|found| found == text.as_bytes());
    assert!(holds("sess_"), "the database is what is looked at");
    for opened in [plain, keyed] {
        let secret = token(&opened).split('_').nth(2).unwrap();
        assert!(!holds(secret));
    }
}

#[tokio::test]
async fn f24_a_session_has_nothing_to_do_with_connectors_whose_tools_it_lacks() {
    let server = TestServer::start().await;
    let id = server.connect("alice", LIST).await;
    let notion = json!({"connector": "notion", "environment": "test", "sandbox": true});
    let enabled = server.admin().post(&server.project("/connectors"), notion).await;
    assert_eq!(enabled.status, 201, "{enabled:?}");
    let own = format!("/v1/connections/{id}");
    let wanted = json!({"connector": "slack", "account": "new"});
    let asked = server.agent("alice").post(PROMPTS, wanted).await;
    let asked = format!("{PROMPTS}/{}", asked.body["id"].as_str().unwrap());

    let session = holder(&server, &open(&server, json!({"tools": ["notion_search"]})).await);
    let prompt = session.post(PROMPTS, json!({"connector": "slack"})).await;
    assert_eq!(refusal(&prompt), (404, "unknown_connector"));
    assert_eq!(session.get("/v1/connections").await.body["data"], json!([]));
    for refused in [
        session.get(&own).await,
        session.patch(&own, json!({"label": "mine"})).await,
        session.delete(&own).await,
    ] {
        assert_eq!(refusal(&refused), (404, "unknown_connection"));
    }
    assert_eq!(session.get(&asked).await.status, 404);
    let prompt = session.post(PROMPTS, json!({"connector": "notion"})).await;
    assert_eq!(prompt.outcome(), "pending", "of its own connector it may ask");
    let prompt = format!("{PROMPTS}/{}", prompt.body["id"].as_str().unwrap());
    assert_eq!(session.get(&prompt).await.outcome(), "pending");

    let session = holder(&server, &open(&server, json!({"tools": [LIST]})).await);
    assert_eq!(session.get("/v1/connections").await.body["data"][0]["id"], json!(id));
    assert_eq!(session.get(&asked).await.outcome(), "pending");
    assert_eq!(session.patch(&own, json!({"label": "mine"})).await.status, 200);
    assert_eq!(session.delete(&own).await.status, 204);
}
