use astralform_simulator::{Fault, Times};
use astralform_testkit::{Reply, TestServer};
use serde_json::{Value, json};

const TOOL: &str = "slack_list_channels";

async fn connected() -> TestServer {
    let server = TestServer::start().await;
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    server.browser().connect(asked.link(), "Allow").await;
    server
}

async fn call_with(server: &TestServer, fault: Fault) -> Reply {
    server.slack().inject("conversations.list", fault, Times::Always).ok().unwrap();
    let reply = server.agent("alice").call(TOOL, json!({})).await;
    server.slack().clear_faults();
    reply
}

#[tokio::test]
async fn each_fault_of_a_provider_has_its_kind() {
    let server = connected().await;
    for (fault, kind, retryable) in [
        (Fault::Status(500), "provider_unavailable", true),
        (Fault::Status(503), "provider_unavailable", true),
        (Fault::Status(400), "provider_rejected", false),
        (Fault::RateLimited { retry_after_s: 7 }, "rate_limited", true),
        (Fault::DropAnswer, "provider_unavailable", true),
        (Fault::Html, "provider_unavailable", true),
        (Fault::EmptyBody, "provider_unavailable", true),
        (Fault::HugeBody(64 * 1024 * 1024), "response_too_large", false),
        (Fault::Refused("channel_not_found".to_owned()), "not_found", false),
        (Fault::Refused("not_in_channel".to_owned()), "permission_denied", false),
        (Fault::Refused("invalid_cursor".to_owned()), "provider_rejected", false),
        (Fault::Refused("internal_error".to_owned()), "provider_unavailable", true),
    ] {
        let shown = format!("{fault:?}");
        let reply = call_with(&server, fault).await;
        assert_eq!((reply.status, reply.outcome()), (200, "failed"), "{shown}: {reply:?}");
        assert_eq!(reply.body["error"]["kind"], kind, "{shown}: {reply:?}");
        assert_eq!(reply.body["error"]["retryable"], retryable, "{shown}");
    }
    assert_eq!(server.agent("alice").call(TOOL, json!({})).await.outcome(), "completed");
}

#[tokio::test]
async fn a_throttle_says_when_to_come_back() {
    let server = connected().await;
    let reply = call_with(&server, Fault::RateLimited { retry_after_s: 7 }).await;
    assert_eq!(reply.body["error"]["retry_after_ms"], 7_000);
    assert_eq!(reply.body["error"]["provider_status"], 429);
}

#[tokio::test]
async fn a_blip_does_not_cost_the_user_a_reconnect() {
    let server = connected().await;
    for fault in [Fault::Status(502), Fault::DropAnswer, Fault::Html] {
        call_with(&server, fault).await;
    }
    assert_eq!(server.agent("alice").call(TOOL, json!({})).await.outcome(), "completed");
}

/// Returns what became of a request whose token exchange met `fault`.
async fn exchange_with(fault: Fault) -> (TestServer, Value) {
    let server = TestServer::start().await;
    let agent = server.agent("alice");
    let asked = agent.call(TOOL, json!({})).await;
    server.slack().inject("oauth.v2.access", fault, Times::Next(1)).ok().unwrap();
    let page = server.browser().connect(asked.link(), "Allow").await;
    assert_eq!(page.outcome(), "failed");
    let ended = agent.get(&format!("/v1/auth-requests/{}", asked.auth_request())).await;
    (server, ended.body)
}

#[tokio::test]
async fn a_failed_exchange_ends_the_request_with_the_reason_and_stores_nothing() {
    for (fault, failure) in [
        (Fault::Status(500), "provider_unavailable"),
        (Fault::DropAnswer, "provider_unavailable"),
        (Fault::Html, "provider_unavailable"),
        (Fault::EmptyBody, "provider_unavailable"),
        (Fault::HugeBody(64 * 1024 * 1024), "provider_unavailable"),
        (Fault::Refused("invalid_code".to_owned()), "code_rejected"),
        (Fault::Refused("bad_client_secret".to_owned()), "client_rejected"),
    ] {
        let shown = format!("{fault:?}");
        let (server, ended) = exchange_with(fault).await;
        assert_eq!(
            (&ended["status"], &ended["failure"]),
            (&json!("failed"), &json!(failure)),
            "{shown}"
        );
        assert_eq!(ended["connection_id"], Value::Null);
        assert!(ended["message"].as_str().unwrap().contains("could not be connected"));
        assert_eq!(server.agent("alice").call(TOOL, json!({})).await.outcome(), "auth_required");
        let shown_to_the_developer = server.admin().get(&server.managed("")).await.body;
        let wanted = if failure == "client_rejected" { "misconfigured" } else { "ready" };
        assert_eq!(shown_to_the_developer["status"], wanted, "{shown}");
    }
}

#[tokio::test]
async fn an_account_that_cannot_be_recognised_is_not_kept_and_its_token_is_revoked() {
    let server = TestServer::start().await;
    let agent = server.agent("alice");
    let asked = agent.call(TOOL, json!({})).await;
    server.slack().inject("auth.test", Fault::Html, Times::Next(1)).ok().unwrap();
    let page = server.browser().connect(asked.link(), "Allow").await;
    assert_eq!(page.outcome(), "failed");
    assert_eq!(server.slack_requests("auth.revoke"), 1);
    assert_eq!(agent.call(TOOL, json!({})).await.outcome(), "auth_required");
}
