use astralform_domain::{Actor, ConnectionId, HostSet, Timestamp};
use astralform_storage::{connections, project_connectors, tokens};
use astralform_testkit::TestServer;
use serde_json::json;

const TOOL: &str = "slack_list_channels";

async fn connect(server: &TestServer, end_user: &str) -> ConnectionId {
    let agent = server.agent(end_user);
    let asked = agent.call(TOOL, json!({})).await;
    server.browser().connect(asked.link(), "Allow").await;
    let ended = agent.get(&format!("/v1/auth-requests/{}", asked.auth_request())).await;
    ended.body["connection_id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn v1_a_token_moved_to_another_users_connection_is_not_sent() {
    let server = TestServer::start().await;
    let alice = connect(&server, "alice").await;
    let bob = connect(&server, "bob").await;
    let stolen = tokens::of(&server.db, alice).await.unwrap().remove(0);
    let bob = connections::find(&server.db, server.tenant, bob).await.unwrap().unwrap();
    let mut tx = server.db.begin(Actor::Product).await.unwrap();
    tokens::put(&mut tx, &bob, &stolen).await.unwrap();
    tx.commit().await.unwrap();

    let refused = server.agent("bob").call(TOOL, json!({})).await;
    assert_eq!((refused.status, refused.code()), (500, "internal_error"));
    let counted = server.app.engine().metrics().exposition();
    assert!(counted.contains("astralform_integrity_failures_total 1"), "{counted}");
    assert_eq!(server.slack_requests("conversations.list"), 0);
    assert_eq!(server.agent("alice").call(TOOL, json!({})).await.outcome(), "completed");
}

#[tokio::test]
async fn v1_a_refresh_token_in_the_place_of_an_access_token_is_not_sent() {
    let setup = astralform_testkit::Setup { token_rotation: true, ..Default::default() };
    let server = TestServer::with(setup).await;
    let alice = connect(&server, "alice").await;
    let mut token = tokens::of(&server.db, alice).await.unwrap().remove(0);
    token.access_token = token.refresh_token.clone().unwrap();
    token.expires_at = Some(Timestamp::from_secs(4_000_000_000));
    let alice = connections::find(&server.db, server.tenant, alice).await.unwrap().unwrap();
    let mut tx = server.db.begin(Actor::Product).await.unwrap();
    tokens::put(&mut tx, &alice, &token).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(server.agent("alice").call(TOOL, json!({})).await.status, 500);
    assert_eq!(server.slack_requests("conversations.list"), 0);
}

#[tokio::test]
async fn v1_an_edited_destination_host_makes_a_token_unusable() {
    let server = TestServer::start().await;
    let alice = connect(&server, "alice").await;
    let mut stored = connections::find(&server.db, server.tenant, alice).await.unwrap().unwrap();
    let more = ["evil.example.com".to_owned()];
    stored.hosts = stored.hosts.iter().map(ToOwned::to_owned).chain(more).collect::<HostSet>();
    let mut tx = server.db.begin(Actor::Product).await.unwrap();
    connections::update(&mut tx, &stored).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(server.agent("alice").call(TOOL, json!({})).await.outcome(), "auth_required");
    assert_eq!(server.slack_requests("conversations.list"), 0);
}

#[tokio::test]
async fn v1_an_app_secret_moved_to_another_project_does_not_open() {
    let server = TestServer::start().await;
    let stored = project_connectors::find(&server.db, server.tenant, server.connector);
    let mut copy = stored.await.unwrap().unwrap();
    let made = server.app.management().provisioning.provision("Thief", "Thief").await.unwrap();
    copy.tenant.project = made.project;
    copy.id = "pcon_01JAAAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
    let mut tx = server.db.begin(Actor::Product).await.unwrap();
    project_connectors::create(&mut tx, &copy).await.unwrap();
    tx.commit().await.unwrap();

    let key = server.app.management().provisioning.create_api_key(copy.tenant, None).await.unwrap();
    let thief = server.agent_with_key(key.expose(), "mallory");
    let asked = thief.call(TOOL, json!({})).await;
    let page = server.browser().connect(asked.link(), "Allow").await;
    assert_eq!(page.status, 500);
    assert_eq!(server.exchanges(), 0);
}
