//! A sandboxed connector that takes API keys: a key of the simulator's pays, until it does not.

use astralform_simulator::{Fault, Times, tavily::NewKey};
use astralform_testkit::{Browser, Page, Reply, TestServer};
use serde_json::{Value, json};

const TOOL: &str = "tavily_search";

fn managed(server: &TestServer) -> String {
    server.project("/connectors/tavily?environment=test")
}

/// Returns a server on which somebody enabled the connector, without any key.
async fn sandboxed() -> (TestServer, Reply) {
    let server = TestServer::start().await;
    let wanted = json!({"connector": "tavily", "environment": "test", "sandbox": true});
    let enabled = server.admin().post(&server.project("/connectors"), wanted).await;
    assert_eq!(enabled.status, 201, "{enabled:?}");
    (server, enabled)
}

async fn change(server: &TestServer, change: Value) -> Reply {
    server.admin().patch(&managed(server), change).await
}

async fn search(server: &TestServer, end_user: Option<&str>) -> Reply {
    server.backend().naming(end_user).call(TOOL, json!({"query": "red pandas"})).await
}

async fn enter(link: &str, key: &str) -> Page {
    let browser = Browser::new();
    let page = browser.open(link).await.fill("api_key", key);
    browser.click(&page, "Connect").await
}

fn searches(server: &TestServer, key: &str) -> u64 {
    server.tavily().usage_of(key).unwrap().search
}

#[tokio::test]
async fn a_sandboxed_connector_needs_no_key_and_works_at_once_for_everybody() {
    let (server, enabled) = sandboxed().await;
    assert_eq!(enabled.body["status"], "ready", "{enabled:?}");
    assert_eq!(enabled.body["allow_end_user_auth"], false);
    let keys = server.tavily().keys();
    let hint = enabled.body["credentials"]["api_key_hint"].as_str().unwrap();
    assert!(keys[0].ends_with(hint.trim_start_matches('…')), "{hint}");
    for end_user in [None, Some("alice"), Some("bob")] {
        let found = search(&server, end_user).await;
        assert_eq!(found.outcome(), "completed", "{found:?}");
        let results = found.body["data"]["results"].as_array().unwrap();
        assert_eq!(results.len(), 5);
        assert!(results[0]["title"].as_str().unwrap().contains("red pandas"), "{found:?}");
    }
    assert_eq!(searches(&server, &keys[0]), 3);
    let read = json!({"urls": ["https://docs.example/red-pandas", "https://elsewhere.example/x"]});
    let read = server.backend().call("tavily_extract", read).await;
    assert_eq!(read.outcome(), "completed", "{read:?}");
    assert_eq!(read.body["data"]["failed"][0]["url"], "https://elsewhere.example/x");
    let used = server.backend().call("tavily_usage", json!({})).await;
    assert_eq!(used.body["data"]["plan"]["used"], 3, "{used:?}");
}

#[tokio::test]
async fn a_revoked_key_is_noticed_at_the_first_call_and_replaced_by_the_developer() {
    let (server, _) = sandboxed().await;
    assert_eq!(search(&server, None).await.outcome(), "completed");
    let key = server.tavily().keys().remove(0);
    assert!(server.tavily().revoke_key(&key));

    let refused = search(&server, Some("alice")).await;
    assert_eq!((refused.status, refused.code()), (409, "shared_connection_unusable"));
    let shown = server.admin().get(&managed(&server)).await;
    assert_eq!(shown.body["status"], "needs_credentials", "{shown:?}");
    assert_eq!(shown.body["connections"]["needs_reauth"], 1, "{shown:?}");
    let before = server.tavily().requests().len();
    assert_eq!(search(&server, None).await.status, 409);
    assert_eq!(server.tavily().requests().len(), before, "a dead key is not sent again");

    let fresh = server.tavily().create_key(NewKey::default()).unwrap();
    let bad = change(&server, json!({"credentials": {"api_key": key}})).await;
    assert_eq!((bad.status, bad.code()), (422, "credentials_rejected"));
    assert!(bad.body["detail"].as_str().unwrap().contains("invalid API key"), "{bad:?}");
    let changed = change(&server, json!({"credentials": {"api_key": fresh}})).await;
    assert_eq!((changed.status, &changed.body["status"]), (200, &json!("ready")), "{changed:?}");
    assert_eq!(search(&server, None).await.outcome(), "completed");
    assert_eq!(searches(&server, &fresh), 1);
}

#[tokio::test]
async fn where_end_users_enter_keys_of_their_own_each_pays_for_themselves() {
    let (server, _) = sandboxed().await;
    let projects = server.tavily().keys().remove(0);
    let changed = change(&server, json!({"allow_end_user_auth": true})).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let key = server.tavily().create_key(NewKey::default()).unwrap();

    let asked = search(&server, Some("alice")).await;
    assert_eq!(asked.outcome(), "auth_required", "{asked:?}");
    let refused = enter(asked.link(), "tvly-wrong").await;
    assert_eq!(refused.status, 422);
    assert!(refused.html.contains("missing or invalid API key"), "{}", refused.html);
    let entered = enter(asked.link(), &key).await;
    assert_eq!(entered.outcome(), "completed", "{}", entered.html);
    assert_eq!(search(&server, Some("alice")).await.outcome(), "completed");
    assert_eq!((searches(&server, &key), searches(&server, &projects)), (1, 0));
    assert_eq!(search(&server, Some("bob")).await.outcome(), "auth_required");
    let nobody = search(&server, None).await;
    assert_eq!((nobody.status, nobody.code()), (400, "end_user_required"));
}

#[tokio::test]
async fn used_up_credits_and_throttles_are_told_apart() {
    let (server, _) = sandboxed().await;
    server.tavily().set_plan_limit(1);
    assert_eq!(search(&server, None).await.outcome(), "completed");
    let spent = search(&server, None).await;
    assert_eq!(spent.body["error"]["kind"], "permission_denied", "{spent:?}");
    assert!(spent.body["error"]["message"].as_str().unwrap().contains("used up its credits"));
    assert_eq!(spent.body["error"]["retryable"], false);

    let busy = Fault::RateLimited { retry_after_s: 20 };
    server.tavily().inject("search", busy, Times::Next(1)).unwrap();
    let busy = search(&server, None).await;
    assert_eq!(busy.body["error"]["kind"], "rate_limited", "{busy:?}");
    assert_eq!(busy.body["error"]["retry_after_ms"], 20_000);
    let shown = server.admin().get(&managed(&server)).await;
    assert_eq!(shown.body["status"], "ready", "the key is good all the while");
}
