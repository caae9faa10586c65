//! What somebody can do who writes to the database and has no key.

use astralform_domain::{
    Actor, AdminTokenId, ApiKeyId, ConnectionState, ConnectionStatus, Environment,
    EnvironmentSettings, SessionId, Tenant, Timestamp, VerifyEndUser,
};
use astralform_storage::{
    admin_tokens, api_keys, auth_requests, connections, members, oauth_states, projects, sessions,
    tokens,
};
use astralform_testkit::{Setup, TestServer};
use serde_json::json;
use sha2::{Digest as _, Sha256};

const TOOL: &str = "slack_list_channels";
const RETURN: &str = "https://app.example.com/done";
const SECRET: &str = "00000000000000000000000000000000000000000000000000000000000000ff";

/// Returns the text of a token that opens a row with the hash of [`SECRET`].
fn token(prefix: &str, id: &impl ToString) -> String {
    let id = id.to_string();
    let (_, bare) = id.split_once('_').unwrap();
    let body = format!("{prefix}_{}_{SECRET}", bare.to_lowercase());
    format!("{body}_{:08x}", crc32fast::hash(body.as_bytes()))
}

fn secret_hash() -> [u8; 32] {
    Sha256::digest(SECRET.as_bytes()).into()
}

fn id_of(token: &str, kind: &str) -> String {
    format!("{kind}_{}", token.rsplit('_').nth(2).unwrap().to_uppercase())
}

async fn status(server: &TestServer, key: &str, end_user: &str) -> u16 {
    server.agent_with_key(key, end_user).get("/v1/connections").await.status
}

fn integrity_failures(server: &TestServer) -> bool {
    let counted = server.app.engine().metrics().exposition();
    !counted.contains("astralform_integrity_failures_total 0")
}

#[tokio::test]
async fn f14_an_api_key_that_was_written_into_the_database_opens_nothing() {
    let server = TestServer::start().await;
    let real: ApiKeyId = id_of(server.key(), "key").parse().unwrap();
    let real = api_keys::find(&server.db, real).await.unwrap().unwrap();
    let id: ApiKeyId = "key_01MCC5RM0057CRQEQV3TS85WNJ".parse().unwrap();
    let forged = api_keys::ApiKey { id, secret_hash: secret_hash(), ..real };
    let mut tx = server.db.begin(Actor::Product).await.unwrap();
    api_keys::create(&mut tx, &forged, Timestamp::from_secs(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(status(&server, &token("sk_test", &id), "alice").await, 401);
    assert!(integrity_failures(&server));
    assert_eq!(status(&server, server.key(), "alice").await, 200);
}

#[tokio::test]
async fn f14_a_key_that_was_revoked_keeps_no_tag_to_be_brought_back_by() {
    let server = TestServer::start().await;
    let id: ApiKeyId = id_of(server.key(), "key").parse().unwrap();
    let mut tx = server.db.begin(Actor::Product).await.unwrap();
    api_keys::revoke(&mut tx, id, Timestamp::from_secs(1)).await.unwrap();
    tx.commit().await.unwrap();
    let ended = api_keys::find(&server.db, id).await.unwrap().unwrap();
    assert_eq!(ended.tag, None);
    assert_eq!(status(&server, server.key(), "alice").await, 401);
}

#[tokio::test]
async fn f14_a_session_that_was_altered_or_prolonged_opens_nothing() {
    let server = TestServer::start().await;
    let body = json!({"end_user_id": "mallory", "tools": [TOOL]});
    let opened = server.backend().post("/v1/sessions", body).await;
    let held = opened.body["token"].as_str().unwrap();
    let real: SessionId = id_of(held, "sess").parse().unwrap();
    let real = sessions::find(&server.db, real).await.unwrap().unwrap();
    let altered = [
        sessions::Session { end_user: "alice".parse().unwrap(), ..real.clone() },
        sessions::Session { tools: None, ..real.clone() },
        sessions::Session { expires_at: Timestamp::from_secs(4_000_000_000), ..real.clone() },
    ];
    for altered in altered {
        let mut tx = server.db.begin(Actor::Product).await.unwrap();
        sessions::end_environment(&mut tx, real.tenant).await.unwrap();
        sessions::create(&mut tx, &altered, Timestamp::from_secs(1)).await.unwrap();
        tx.commit().await.unwrap();
        let holder = server.agent_with_key(held, "").naming(None);
        assert_eq!(holder.get("/v1/connections").await.status, 401, "{altered:?}");
    }
}

#[tokio::test]
async fn f14_an_admin_token_that_was_written_into_the_database_opens_nothing() {
    let server = TestServer::start().await;
    let owner = members::list(&server.db).await.unwrap().remove(0);
    let listed = admin_tokens::list(&server.db, None).await.unwrap().remove(0);
    let real = admin_tokens::find(&server.db, listed.token.id).await.unwrap().unwrap();
    let id: AdminTokenId = "admt_01MCC5RM0057CRQEQV3TS85WNJ".parse().unwrap();
    let forged =
        admin_tokens::AdminToken { id, member: owner.id, secret_hash: secret_hash(), ..real };
    let mut tx = server.db.begin(Actor::Product).await.unwrap();
    admin_tokens::create(&mut tx, &forged, Timestamp::from_secs(1)).await.unwrap();
    tx.commit().await.unwrap();
    let path = server.project("/environments/test");
    let whoever = server.agent_with_key(&token("pat", &id), "").naming(None);
    assert_eq!(whoever.get(&path).await.status, 401);
    assert_eq!(server.admin().get(&path).await.status, 200);
}

async fn confirming() -> TestServer {
    let settings = EnvironmentSettings {
        verify_end_user: VerifyEndUser::Confirm,
        return_urls: vec![RETURN.to_owned()],
        allowed_origins: Vec::new(),
    };
    TestServer::with(Setup { settings: Some(settings), ..Setup::default() }).await
}

#[tokio::test]
async fn f14_an_unconfirmed_connection_that_was_made_active_sends_no_token() {
    let server = confirming().await;
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    let browser = server.browser();
    let callback = browser.callback(asked.link(), "Allow").await;
    browser.open(callback.as_str()).await;
    let request = asked.auth_request().parse().unwrap();
    let found = auth_requests::find(&server.db, server.tenant, request).await.unwrap().unwrap();
    let waiting = connections::find(&server.db, server.tenant, found.state.connection().unwrap());
    let mut waiting = waiting.await.unwrap().unwrap();
    assert_eq!(waiting.status(), ConnectionStatus::AwaitingConfirmation);
    waiting.state = ConnectionState::ACTIVE;
    let mut tx = server.db.begin(Actor::Product).await.unwrap();
    connections::update(&mut tx, &waiting).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(server.agent("alice").call(TOOL, json!({})).await.status, 500);

    // Nor does another generation in the row help.
    let mut token = tokens::of(&server.db, waiting.id).await.unwrap().remove(0);
    token.generation = 1;
    let mut tx = server.db.begin(Actor::Product).await.unwrap();
    tokens::put(&mut tx, &waiting, &token).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(server.agent("alice").call(TOOL, json!({})).await.status, 500);
    assert_eq!(server.slack_requests("conversations.list"), 0);
    assert!(integrity_failures(&server));
}

#[tokio::test]
async fn f14_verification_that_was_switched_off_in_the_database_connects_nobody() {
    let server = confirming().await;
    let stored = projects::environment(&server.db, server.tenant).await.unwrap().unwrap();
    let settings =
        EnvironmentSettings { verify_end_user: VerifyEndUser::Off, ..stored.settings.clone() };
    let other = EnvironmentSettings {
        return_urls: vec!["https://evil.example.com/".to_owned()],
        ..stored.settings
    };
    for settings in [settings, other] {
        let forged = projects::StoredSettings { settings, version: 1, tag: stored.tag };
        let mut tx = server.db.begin(Actor::Product).await.unwrap();
        projects::set_environment(&mut tx, server.tenant, &forged).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(server.agent("alice").call(TOOL, json!({})).await.status, 500, "{forged:?}");
        let shown = server.admin().get(&server.project("/environments/test")).await;
        assert_eq!(shown.status, 500, "{forged:?}");
    }
}

#[tokio::test]
async fn f14_what_live_begins_with_needs_no_tag_and_other_settings_do() {
    let server = TestServer::start().await;
    let live = Tenant { environment: Environment::Live, ..server.tenant };
    let engine = server.app.engine();
    assert!(engine.row_tags.environment_settings(live).await.is_ok());
    let settings = EnvironmentSettings::default_for(Environment::Test);
    let mut tx = server.db.begin(Actor::Product).await.unwrap();
    let forged = projects::StoredSettings { settings, version: 1, tag: None };
    projects::set_environment(&mut tx, live, &forged).await.unwrap();
    tx.commit().await.unwrap();
    assert!(engine.row_tags.environment_settings(live).await.is_err());
}

#[tokio::test]
async fn f14_a_state_that_was_turned_to_another_request_finishes_nothing() {
    let server = TestServer::start().await;
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    let other = server.agent("mallory").call(TOOL, json!({})).await;
    let browser = server.browser();
    let callback = browser.callback(asked.link(), "Allow").await;
    let state = callback.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let hash: [u8; 32] = Sha256::digest(state.as_bytes()).into();
    let mut row = oauth_states::find(&server.db, &hash).await.unwrap().unwrap();
    oauth_states::forget(&server.db, &hash).await.unwrap();
    row.auth_request = other.auth_request().parse().unwrap();
    let mut tx = server.db.begin(Actor::Product).await.unwrap();
    oauth_states::create(&mut tx, &row).await.unwrap();
    tx.commit().await.unwrap();
    let page = browser.visit(callback.as_str()).await;
    assert_eq!(page.status, 500, "{page:?}");
    assert_eq!(server.exchanges(), 0);
    assert_eq!(server.agent("mallory").call(TOOL, json!({})).await.outcome(), "auth_required");
}
