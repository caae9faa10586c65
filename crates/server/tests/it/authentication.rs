use astralform_testkit::TestServer;
use serde_json::json;

const TOOL: &str = "slack_list_channels";

#[tokio::test]
async fn only_a_valid_key_opens_the_api() {
    let server = TestServer::start().await;
    for key in ["", "sk_test_nonsense", "xoxp-not-ours", &"x".repeat(5_000)] {
        let refused = server.agent_with_key(key, "alice").call(TOOL, json!({})).await;
        assert_eq!((refused.status, refused.code()), (401, "unauthorized"), "{key}");
    }
}

#[tokio::test]
async fn a_key_of_another_project_sees_nothing_of_this_one() {
    let server = TestServer::start().await;
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    let foreign = server.agent_with_key(&server.foreign_key().await, "alice");
    let path = format!("/v1/auth-requests/{}", asked.auth_request());
    assert_eq!(foreign.get(&path).await.status, 404);
    assert_eq!(foreign.call(TOOL, json!({})).await.code(), "not_enabled");
    assert_eq!(foreign.get("/v1/tools").await.body["tools"], json!([]));
}

#[tokio::test]
async fn another_end_users_auth_request_is_not_there() {
    let server = TestServer::start().await;
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    let path = format!("/v1/auth-requests/{}", asked.auth_request());
    assert_eq!(server.agent("alice").get(&path).await.status, 200);
    assert_eq!(server.agent("bob").get(&path).await.status, 404);
}

#[tokio::test]
async fn health_is_open_to_everybody_and_readiness_ends_with_draining() {
    let server = TestServer::start().await;
    let anybody = server.agent_with_key("", "nobody");
    assert_eq!(anybody.get("/healthz").await.status, 200);
    assert_eq!(anybody.get("/readyz").await.status, 200);
    server.app.drain();
    assert_eq!(anybody.get("/healthz").await.status, 200);
    assert_eq!(anybody.get("/readyz").await.status, 503);
}
