use astralform_testkit::TestServer;
use serde_json::json;

const TOOL: &str = "slack_list_channels";
const CALL: &str = "/v1/tools/slack_list_channels/call";

#[tokio::test]
async fn wrong_arguments_are_refused_with_pointers_and_nothing_is_sent() {
    let server = TestServer::start().await;
    let agent = server.agent("alice");
    let asked = agent.call(TOOL, json!({})).await;
    server.browser().connect(asked.link(), "Allow").await;

    let refused = agent.call(TOOL, json!({"limit": "many", "colour": "red"})).await;
    assert_eq!((refused.status, refused.code()), (422, "invalid_arguments"));
    let mut pointers: Vec<_> = refused.body["errors"].as_array().unwrap().iter().collect();
    pointers.sort_by_key(|error| error["pointer"].as_str().unwrap().to_owned());
    assert_eq!(
        json!(pointers),
        json!([
            {"pointer": "/colour", "detail": "is not an argument of this tool"},
            {"pointer": "/limit", "detail": "must be of type integer"},
        ])
    );
    assert_eq!(server.slack_requests("conversations.list"), 0);
}

#[tokio::test]
async fn wrong_arguments_are_refused_before_anybody_is_asked() {
    let server = TestServer::start().await;
    let agent = server.agent("alice");
    assert_eq!(agent.call(TOOL, json!({"limit": 0})).await.status, 422);
    assert_eq!(agent.call(TOOL, json!([])).await.status, 422);
}

#[tokio::test]
async fn a_body_that_is_not_as_expected_is_refused_with_the_place() {
    let server = TestServer::start().await;
    let agent = server.agent("alice");
    for (body, status) in [
        ("{\"arguments\": ", 400),
        ("[]", 400),
        ("{\"argumnts\": {}}", 400),
        ("{\"wait_seconds\": -1}", 400),
        ("{\"connection_id\": \"user_1\"}", 400),
        ("", 400),
    ] {
        let refused = agent.post_text(CALL, body.to_owned()).await;
        assert_eq!((refused.status, refused.code()), (status, "invalid_body"), "{body}");
    }
    let broken = agent.post_text(CALL, "{\n  \"arguments\": nothing\n}".to_owned()).await;
    assert!(broken.body["detail"].as_str().unwrap().contains("line 2"), "{broken:?}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let server = TestServer::start().await;
    let body = json!({"arguments": {"cursor": "x".repeat(5 * 1024 * 1024)}}).to_string();
    let refused = server.agent("alice").post_text(CALL, body).await;
    assert_eq!(refused.status, 413);
}

#[tokio::test]
async fn what_is_not_there_is_404_with_a_problem() {
    let server = TestServer::start().await;
    let agent = server.agent("alice");
    let unknown = agent.call("slack_delete_workspace", json!({})).await;
    assert_eq!((unknown.status, unknown.code()), (404, "unknown_tool"));
    for path in ["/v1/nothing", "/v1/auth-requests/areq_01", "/v1/auth-requests/x"] {
        let missing = agent.get(path).await;
        assert_eq!((missing.status, missing.code()), (404, "not_found"), "{path}");
        assert!(missing.body["request_id"].as_str().unwrap().starts_with("req_"));
    }
    assert_eq!(agent.get(CALL).await.status, 405);
}

#[tokio::test]
async fn a_call_for_nobody_says_how_to_name_somebody() {
    let server = TestServer::start().await;
    let refused = server.backend().call(TOOL, json!({})).await;
    assert_eq!((refused.status, refused.code()), (400, "end_user_required"));
    assert!(refused.body["detail"].as_str().unwrap().contains("X-End-User-ID"));
    let long = server.agent(&"x".repeat(256)).call(TOOL, json!({})).await;
    assert_eq!((long.status, long.code()), (400, "invalid_end_user"));
}

#[tokio::test]
async fn a_connection_of_somebody_else_is_not_there() {
    let server = TestServer::start().await;
    let alice = server.agent("alice");
    let asked = alice.call(TOOL, json!({})).await;
    server.browser().connect(asked.link(), "Allow").await;
    let request = alice.get(&format!("/v1/auth-requests/{}", asked.auth_request())).await;
    let connection = &request.body["connection_id"];
    let body = json!({"connection_id": connection});
    assert_eq!(alice.post(CALL, body.clone()).await.outcome(), "completed");
    let refused = server.agent("bob").post(CALL, body).await;
    assert_eq!((refused.status, refused.code()), (404, "unknown_connection"));
}
