use astralform_testkit::{Setup, TestServer};
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
            {"pointer": "/limit", "detail": "is a string, must be of type integer"},
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
async fn f3_x3_arguments_with_very_many_faults_are_refused_with_a_short_answer() {
    let server = TestServer::with(Setup { sandboxed: "github", ..Setup::default() }).await;
    let agent = server.agent("alice");
    let names: serde_json::Map<_, _> = (0..10_000).map(|n| (format!("n{n}"), json!(n))).collect();
    for arguments in [
        json!({"affiliation": vec![0; 100_000]}),
        json!({"page": vec![0; 100_000]}),
        json!(names),
        json!({"n".repeat(200_000): 1}),
    ] {
        let refused = agent.call("github_list_repos", arguments).await;
        assert_eq!((refused.status, refused.code()), (422, "invalid_arguments"));
        let faults = refused.body["errors"].as_array().unwrap().len();
        assert!((1..=20).contains(&faults), "{faults} faults");
        let length = refused.body.to_string().len();
        assert!(length < 30_000, "the answer has {length} bytes");
    }
}

#[tokio::test]
async fn f3_x3_arguments_have_256_kib_at_most() {
    let server = TestServer::start().await;
    let agent = server.agent("alice");
    let filled = |length: usize| json!({"cursor": "x".repeat(length - r#"{"cursor":""}"#.len())});
    assert_eq!(agent.call(TOOL, filled(262_144)).await.code(), "invalid_arguments");
    let refused = agent.call(TOOL, filled(262_145)).await;
    assert_eq!((refused.status, refused.code()), (413, "arguments_too_large"));
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("262145") && detail.contains("262144"), "{detail}");
    let refused = agent.call(TOOL, filled(300_000)).await;
    assert_eq!((refused.status, refused.code()), (413, "invalid_body"));
    assert!(refused.body["detail"].as_str().unwrap().contains("294912"), "{refused:?}");
}

#[tokio::test]
async fn f3_what_a_refusal_repeats_is_cut() {
    let server = TestServer::start().await;
    let long = "x".repeat(60_000);
    let scope = format!("\u{202e}{long}");
    let path = format!("/v1/projects/{}/connectors", server.tenant.project);
    let enable =
        json!({"connector": "github", "sandbox": true, "environment": "test", "scopes": [scope]});
    let refused = server.admin().post(&path, enable).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.to_string().len() < 2_000);
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
