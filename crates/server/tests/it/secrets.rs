use astralform_testkit::{Setup, TestServer};
use serde_json::json;

const TOOL: &str = "slack_list_channels";
const CLIENT_SECRET: &str = "CANARY-client-secret-0123456789";

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[tokio::test]
async fn v1_no_secret_lies_in_the_database_in_plain_text() {
    let server = TestServer::with(Setup { token_rotation: true, ..Setup::default() }).await;
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    let browser = server.browser();
    let callback = browser.callback(asked.link(), "Allow").await;
    let state = callback.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let Some(stored) = server.database_bytes() else { return };
    assert!(!contains(&stored, &state), "a state under way");
    browser.visit(callback.as_str()).await;
    let called = server.agent("alice").call(TOOL, json!({})).await;
    assert_eq!(called.outcome(), "completed", "the token arrives where it belongs");

    let stored = server.database_bytes().unwrap();
    assert!(contains(&stored, "areq_"), "the database is what is looked at");
    for secret in [CLIENT_SECRET, "xoxe.xoxp-", "xoxp-", "xoxe-1-", &state] {
        assert!(!contains(&stored, secret), "{secret}");
    }
    let link = asked.link().rsplit('/').next().unwrap();
    assert!(!contains(&stored, link), "the link's token");
}

#[tokio::test]
async fn no_answer_carries_a_secret() {
    let server = TestServer::start().await;
    let agent = server.agent("alice");
    let asked = agent.call(TOOL, json!({})).await;
    let page = server.browser().connect(asked.link(), "Allow").await;
    let called = agent.call(TOOL, json!({})).await;
    let request = agent.get(&format!("/v1/auth-requests/{}", asked.auth_request())).await;
    let listed = agent.get("/v1/tools").await;
    let said = format!("{asked:?}{}{called:?}{request:?}{listed:?}", page.html);
    for secret in [CLIENT_SECRET, "xoxp-", "xoxe"] {
        assert!(!said.contains(secret), "{secret}");
    }
}
