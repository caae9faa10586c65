use astralform_testkit::TestServer;
use serde_json::json;

const TOOL: &str = "slack_list_channels";

#[tokio::test]
async fn a_call_prompts_the_user_and_answers_once_they_consented() {
    let server = TestServer::start().await;
    let agent = server.agent("alice");

    let asked = agent.call(TOOL, json!({})).await;
    assert_eq!((asked.status, asked.outcome()), (200, "auth_required"));
    assert_eq!(asked.body["auth_request"]["reason"], "not_connected");
    let scopes = json!(["channels:read", "chat:write", "search:read"]);
    assert_eq!(asked.body["auth_request"]["required_scopes"], scopes);

    let page = server.browser().connect(asked.link(), "Allow").await;
    assert_eq!((page.status, page.outcome().as_str()), (200, "completed"));

    let answered = agent.call(TOOL, json!({"limit": 5})).await;
    assert_eq!((answered.status, answered.outcome()), (200, "completed"), "{answered:?}");
    assert_eq!(answered.body["data"]["channels"][0]["name"], "general");
    let text = answered.body["text"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(text).unwrap(), answered.body["data"]);
    assert!(answered.body["call_id"].as_str().unwrap().starts_with("call_"));
}

#[tokio::test]
async fn calling_again_before_consent_gives_the_same_link() {
    let server = TestServer::start().await;
    let alice = server.agent("alice");
    let bob = server.agent("bob");
    let first = alice.call(TOOL, json!({})).await;
    assert_eq!(first.link(), alice.call(TOOL, json!({"limit": 3})).await.link());
    assert_ne!(first.link(), bob.call(TOOL, json!({})).await.link());
}

#[tokio::test]
async fn one_users_connection_is_of_no_use_to_another() {
    let server = TestServer::start().await;
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    server.browser().connect(asked.link(), "Allow").await;
    assert_eq!(server.agent("bob").call(TOOL, json!({})).await.outcome(), "auth_required");
    assert_eq!(server.slack_requests("conversations.list"), 0);
}

#[tokio::test]
async fn a_call_that_waits_goes_through_when_the_user_consents_meanwhile() {
    let server = TestServer::start().await;
    let agent = server.agent("alice");
    let link = agent.call(TOOL, json!({})).await.link().to_owned();
    let waiting = tokio::spawn(async move {
        agent.post("/v1/tools/slack_list_channels/call", json!({"wait_seconds": 50})).await
    });
    server.browser().connect(&link, "Allow").await;
    let answered = waiting.await.unwrap();
    assert_eq!(answered.outcome(), "completed", "{answered:?}");
    assert_eq!(server.slack_requests("conversations.list"), 1);
}

#[tokio::test]
async fn a_long_poll_returns_when_the_request_is_no_longer_pending() {
    let server = TestServer::start().await;
    let agent = server.agent("alice");
    let asked = agent.call(TOOL, json!({})).await;
    let path = format!("/v1/auth-requests/{}", asked.auth_request());
    assert_eq!(agent.get(&path).await.outcome(), "pending");

    let poller = server.backend();
    let watched = format!("{path}?wait=50");
    let polling = tokio::spawn(async move { poller.get(&watched).await });
    server.browser().connect(asked.link(), "Allow").await;
    let answered = polling.await.unwrap();
    assert_eq!(answered.outcome(), "completed");
    assert!(answered.body["connection_id"].as_str().unwrap().starts_with("conn_"));
}

#[tokio::test]
async fn pages_of_channels_follow_one_another() {
    let server = TestServer::start().await;
    let agent = server.agent("alice");
    let asked = agent.call(TOOL, json!({})).await;
    server.browser().connect(asked.link(), "Allow").await;

    let whole = agent.call(TOOL, json!({})).await;
    let whole = whole.body["data"]["channels"].as_array().unwrap().clone();
    let mut paged = Vec::new();
    let mut arguments = json!({"limit": 3});
    for _ in 0..20 {
        let page = agent.call(TOOL, arguments.clone()).await;
        paged.extend(page.body["data"]["channels"].as_array().unwrap().clone());
        match page.body["data"].get("next_cursor") {
            Some(next) => arguments["cursor"] = next.clone(),
            None => break,
        }
    }
    assert!(whole.len() > 3);
    assert_eq!(paged, whole);
}

#[tokio::test]
async fn a_revoked_token_leads_to_a_new_prompt_and_reconnecting_keeps_the_connection() {
    let server = TestServer::start().await;
    let agent = server.agent("alice");
    let asked = agent.call(TOOL, json!({})).await;
    server.browser().connect(asked.link(), "Allow").await;
    let connection = async |asked: &str| {
        agent.get(&format!("/v1/auth-requests/{asked}")).await.body["connection_id"].clone()
    };
    let first = connection(asked.auth_request()).await;

    server.slack().revoke_all();
    let asked = agent.call(TOOL, json!({})).await;
    assert_eq!(asked.outcome(), "auth_required");
    assert_eq!(asked.body["auth_request"]["reason"], "needs_reauth");
    assert!(asked.body["auth_request"]["account_hint"].is_string());

    server.browser().connect(asked.link(), "Allow").await;
    assert_eq!(agent.call(TOOL, json!({})).await.outcome(), "completed");
    assert_eq!(connection(asked.auth_request()).await, first);
}

#[tokio::test]
async fn a_missing_scope_is_asked_for_together_with_those_there_are() {
    let server = TestServer::start().await;
    let agent = server.agent("alice");
    let asked = agent.call(TOOL, json!({})).await;
    server.browser().connect(asked.link(), "Allow").await;

    let private = json!({"include_private": true});
    let asked = agent.call(TOOL, private.clone()).await;
    assert_eq!(asked.outcome(), "auth_required", "{asked:?}");
    let request = &asked.body["auth_request"];
    assert_eq!(request["reason"], "missing_scopes");
    assert_eq!(request["missing_scopes"], json!(["groups:read"]));
    let all = json!(["channels:read", "chat:write", "groups:read", "search:read"]);
    assert_eq!(request["required_scopes"], all);

    server.browser().connect(asked.link(), "Allow").await;
    assert_eq!(agent.call(TOOL, private).await.outcome(), "completed");
}

#[tokio::test]
async fn scopes_that_were_granted_are_not_asked_for_again() {
    let server = TestServer::start().await;
    let agent = server.agent("alice");
    let asked = agent.call(TOOL, json!({})).await;
    server.browser().connect(asked.link(), "Allow").await;
    let fault = astralform_simulator::Fault::Refused("no_permission".to_owned());
    let once = astralform_simulator::Times::Next(1);
    server.slack().inject("conversations.list", fault, once).ok().unwrap();
    let refused = agent.call(TOOL, json!({})).await;
    assert_eq!(refused.body["error"]["kind"], "permission_denied", "{refused:?}");
}

#[tokio::test]
async fn a_token_that_has_run_out_is_refreshed_before_it_is_sent() {
    let setup = astralform_testkit::Setup { token_rotation: true, ..Default::default() };
    let server = TestServer::with(setup).await;
    let agent = server.agent("alice");
    let asked = agent.call(TOOL, json!({})).await;
    server.browser().connect(asked.link(), "Allow").await;
    assert_eq!(agent.call(TOOL, json!({})).await.outcome(), "completed");

    server.clock.advance(std::time::Duration::from_hours(13));
    assert_eq!(agent.call(TOOL, json!({})).await.outcome(), "completed");
    assert_eq!(server.slack_requests("conversations.list"), 2, "none was sent in vain");
    assert_eq!(server.exchanges(), 2, "the code and one refresh");
}

#[tokio::test]
async fn tools_are_listed_for_each_framework_with_what_a_call_would_meet() {
    let server = TestServer::start().await;
    let agent = server.agent("alice");
    let listed = agent.get("/v1/tools").await;
    assert_eq!(listed.body["tools"][0]["name"], TOOL);
    assert_eq!(listed.body["tools"][0]["annotations"]["readOnlyHint"], true);
    assert_eq!(listed.body["availability"][TOOL]["state"], "auth_required");

    let openai = agent.get("/v1/tools?format=openai").await;
    assert_eq!(openai.body["tools"][0]["function"]["name"], TOOL);
    let anthropic = agent.get("/v1/tools?format=anthropic").await;
    assert_eq!(anthropic.body["tools"][0]["input_schema"]["type"], "object");
    let backend = server.backend().get("/v1/tools").await;
    assert_eq!(backend.body["availability"][TOOL]["state"], "unavailable");

    let asked = agent.call(TOOL, json!({})).await;
    server.browser().connect(asked.link(), "Allow").await;
    let listed = agent.get("/v1/tools").await;
    assert_eq!(listed.body["availability"][TOOL]["state"], "ready");
}

#[tokio::test]
async fn a_paused_connector_refuses_calls_and_keeps_connections() {
    let server = TestServer::start().await;
    let agent = server.agent("alice");
    let asked = agent.call(TOOL, json!({})).await;
    server.browser().connect(asked.link(), "Allow").await;
    for (is_enabled, status) in [(false, 409), (true, 200)] {
        server.set_enabled(is_enabled).await;
        let reply = agent.call(TOOL, json!({})).await;
        assert_eq!(reply.status, status, "{reply:?}");
    }
}
