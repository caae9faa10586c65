//! What somebody who administers does with connectors.

use std::time::Duration;

use astralform_domain::{Actor, Environment, EnvironmentSettings, Tenant};
use astralform_storage::projects;
use astralform_testkit::{Reply, TestServer};
use serde_json::{Value, json};

const TOOL: &str = "slack_list_channels";

fn connectors(server: &TestServer) -> String {
    format!("/v1/projects/{}/connectors", server.tenant.project)
}

/// Makes room for enabling anew.
async fn disabled(server: &TestServer) -> Reply {
    server.admin().delete(&server.managed("")).await
}

async fn enable(server: &TestServer, more: Value) -> Reply {
    let mut wanted = json!({"connector": "slack", "environment": "test"});
    wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.admin().post(&connectors(server), wanted).await
}

fn app() -> Value {
    json!({"client_id": "my-app", "client_secret": "CANARY-secret-ab12"})
}

#[tokio::test]
async fn a_connector_is_enabled_with_an_app_of_ones_own() {
    let server = TestServer::start().await;
    assert_eq!(disabled(&server).await.body["revoked_connections"], 0);
    let enabled = enable(&server, json!({"credentials": app()})).await;
    assert_eq!((enabled.status, &enabled.body["status"]), (201, &json!("ready")), "{enabled:?}");
    let body = &enabled.body;
    assert!(body["id"].as_str().unwrap().starts_with("pcon_"));
    let callback = server.base.join("/v1/connectors/oauth/callback").unwrap();
    assert_eq!(body["redirect_uri"], callback.as_str());
    assert_eq!(body["credentials"]["client_id"], "my-app");
    assert_eq!(body["credentials"]["client_secret_hint"], "…ab12");
    assert!(body["credentials"]["client_secret_set_at"].is_string());
    assert!(!format!("{enabled:?}").contains("CANARY"), "the secret does not come out");
    assert_eq!((&body["require_auth"], &body["allow_end_user_auth"]), (&json!(true), &json!(true)));
    assert_eq!(body["tools"].as_array().unwrap().len(), 3);

    let again = enable(&server, json!({"credentials": app()})).await;
    assert_eq!((again.status, again.code()), (409, "already_enabled"));
    let shown = server.admin().get(&server.managed("")).await;
    assert_eq!(shown.body, *body);
}

#[tokio::test]
async fn an_enabled_connector_without_an_app_waits_for_one() {
    let server = TestServer::start().await;
    disabled(&server).await;
    let enabled = enable(&server, json!({})).await;
    assert_eq!((enabled.status, &enabled.body["status"]), (201, &json!("needs_credentials")));
    let refused = server.agent("alice").call(TOOL, json!({})).await;
    assert_eq!((refused.status, refused.code()), (409, "connector_needs_credentials"));

    let secret = json!({"credentials": {"client_secret": "of no app"}});
    let refused = server.admin().patch(&server.managed(""), secret).await;
    assert_eq!((refused.status, refused.code()), (422, "invalid_credentials"), "{refused:?}");
    assert!(refused.body["detail"].as_str().unwrap().contains("`credentials.client_id`"));

    let changed = server.admin().patch(&server.managed(""), json!({"credentials": app()})).await;
    assert_eq!(changed.body["status"], "ready", "{changed:?}");
    assert_eq!(server.agent("alice").call(TOOL, json!({})).await.outcome(), "auth_required");
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused_and_nothing_is_stored() {
    let server = TestServer::start().await;
    disabled(&server).await;
    for (settings, code) in [
        (json!({"credentials": {"client_secret": "s"}}), "invalid_credentials"),
        (json!({"credentials": {"client_id": "", "client_secret": "s"}}), "invalid_credentials"),
        (
            json!({"credentials": {"client_id": "a\nb", "client_secret": "s"}}),
            "invalid_credentials",
        ),
        (json!({"scopes": ["two words"]}), "invalid_scopes"),
        (json!({"tools": ["slack_delete_everything"]}), "unknown_tool"),
        (json!({"endpoints": {"token_url": "ftp://example.com"}}), "invalid_endpoints"),
        (json!({"endpoints": {"token_url": "https://u:p@example.com"}}), "invalid_endpoints"),
        (
            json!({"sandbox": true, "endpoints": {"token_url": "https://example.com"}}),
            "sandbox_unavailable",
        ),
    ] {
        let refused = enable(&server, settings.clone()).await;
        assert_eq!((refused.status, refused.code()), (422, code), "{settings} {refused:?}");
    }
    let live = json!({"environment": "live", "sandbox": true});
    assert_eq!(enable(&server, live).await.code(), "sandbox_unavailable");
    let unknown = json!({"connector": "fax"});
    assert_eq!(enable(&server, unknown).await.code(), "unknown_connector");
    assert_eq!(enable(&server, json!({"sandbocks": true})).await.code(), "invalid_body");
    let listed = server.admin().get(&connectors(&server)).await;
    assert_eq!(listed.body["data"], json!([]));
}

#[tokio::test]
async fn the_sandbox_needs_no_app_of_ones_own() {
    let server = TestServer::start().await;
    disabled(&server).await;
    let enabled = enable(&server, json!({"sandbox": true})).await;
    assert_eq!(enabled.body["status"], "ready", "{enabled:?}");
    server.connect("alice", TOOL).await;
    assert_eq!(server.agent("alice").call(TOOL, json!({})).await.outcome(), "completed");
}

#[tokio::test]
async fn connectors_are_listed_with_their_status_and_counts() {
    let server = TestServer::start().await;
    server.connect("alice", TOOL).await;
    server.connect("bob", TOOL).await;
    enable(&server, json!({"environment": "live"})).await;
    let all = server.admin().get(&connectors(&server)).await;
    let row = |at: usize, name: &str| all.body["data"][at][name].clone();
    assert_eq!(
        (row(0, "environment"), row(0, "status")),
        (json!("live"), json!("needs_credentials"))
    );
    assert_eq!((row(1, "environment"), row(1, "status")), (json!("test"), json!("ready")));
    assert_eq!(row(1, "connections")["active"], 2);
    let test = server.admin().get(&format!("{}?environment=test", connectors(&server))).await;
    assert_eq!(test.body["data"], json!([all.body["data"][1]]));

    let unnamed = server.admin().get(&format!("{}/slack", connectors(&server))).await;
    assert_eq!((unnamed.status, unnamed.code()), (400, "environment_required"));
}

#[tokio::test]
async fn a_connector_is_paused_and_resumed_over_the_api() {
    let server = TestServer::start().await;
    server.connect("alice", TOOL).await;
    for (is_enabled, status, outcome) in [(false, "paused", 409), (true, "ready", 200)] {
        let change = json!({"is_enabled": is_enabled});
        let changed = server.admin().patch(&server.managed(""), change).await;
        assert_eq!(changed.body["status"], status, "{changed:?}");
        assert_eq!(server.agent("alice").call(TOOL, json!({})).await.status, outcome);
    }
}

#[tokio::test]
async fn only_the_tools_that_are_offered_can_be_called() {
    let server = TestServer::start().await;
    let change = json!({"tools": ["slack_send_message"]});
    let changed = server.admin().patch(&server.managed(""), change).await;
    assert_eq!(changed.body["tools"], json!(["slack_send_message"]));
    assert_eq!(server.agent("alice").call(TOOL, json!({})).await.code(), "tool_not_offered");
    let changed = server.admin().patch(&server.managed(""), json!({"tools": null})).await;
    assert_eq!(changed.body["tools"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn disabling_a_connector_ends_its_connections_and_prompts_at_once() {
    let server = TestServer::start().await;
    server.connect("alice", TOOL).await;
    server.connect("bob", TOOL).await;
    let asked = server.agent("carol").call(TOOL, json!({})).await;
    let browser = server.browser();
    let link = asked.link().to_owned();
    let callback = browser.callback(&link, "Allow").await;

    assert_eq!(disabled(&server).await.body["revoked_connections"], 2);
    assert_eq!(server.agent("alice").call(TOOL, json!({})).await.code(), "not_enabled");
    assert_eq!(disabled(&server).await.code(), "not_enabled");
    assert_eq!(server.ended(&asked).await.body["failure"], "settings_changed");
    let late = browser.visit(callback.as_str()).await;
    assert_eq!(late.outcome(), "failed", "{late:?}");

    server.app.engine().revocations.work_off_all().await.unwrap();
    let alive: usize = server.slack().grants().iter().map(|grant| grant.live_access_tokens).sum();
    assert_eq!(alive, usize::from(server.exchanges() == 3), "what was connected is withdrawn");

    let enabled = enable(&server, json!({"sandbox": true})).await;
    assert_eq!(enabled.body["connections"]["active"], 0);
    assert_eq!(server.agent("alice").call(TOOL, json!({})).await.outcome(), "auth_required");
}

#[tokio::test]
async fn the_catalogue_says_what_to_do_at_the_provider() {
    let server = TestServer::start().await;
    let shown = server.admin().get("/v1/connectors/slack").await;
    let setup = &shown.body["setup"];
    assert_eq!(setup["console_url"], "https://api.slack.com/apps");
    assert!(setup["guide"].as_str().unwrap().contains("Create New App"));
    let link: url::Url = setup["new_app_url"].as_str().unwrap().parse().unwrap();
    let manifest = link.query_pairs().find(|(name, _)| name == "manifest_json").unwrap().1;
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["oauth_config"]["redirect_urls"], json!([setup["redirect_uri"]]));
    let scopes = json!(["channels:read", "chat:write", "search:read"]);
    assert_eq!(manifest["oauth_config"]["scopes"]["user"], scopes);

    let listed = server.admin().get("/v1/connectors").await;
    let listed = listed.body["data"].as_array().unwrap();
    assert!(listed.contains(&shown.body));
    let guide = |slug: &str| {
        let found = listed.iter().find(|connector| connector["slug"] == slug).unwrap();
        found["setup"]["guide"].as_str().unwrap()
    };
    for word in ["notion.so/my-integrations", "Public", "OAuth client ID", "redirect URI"] {
        assert!(guide("notion").contains(word), "{word}");
    }
    assert_eq!(server.admin().get("/v1/connectors/fax").await.code(), "unknown_connector");
}

#[tokio::test]
async fn an_environment_says_where_browsers_go_and_who_vouches() {
    let server = TestServer::start().await;
    enable(&server, json!({"environment": "live", "credentials": app()})).await;
    let connector = format!("{}/slack?environment=live", connectors(&server));
    let path = format!("/v1/projects/{}/environments/live", server.tenant.project);
    let admin = server.admin();
    assert_eq!(admin.get(&path).await.body["verify_end_user"], "confirm");
    let shown = admin.get(&connector).await;
    assert_eq!(shown.body["status"], "misconfigured", "{shown:?}");
    for bad in ["http://app.example.com", "javascript:alert(1)", "https://a.example.com/#x"] {
        let refused = admin.patch(&path, json!({"return_urls": [bad]})).await;
        assert_eq!((refused.status, refused.code()), (422, "invalid_return_urls"), "{bad}");
    }
    let urls = json!(["https://app.example.com/done"]);
    let changed = admin.patch(&path, json!({"return_urls": urls})).await;
    assert_eq!(
        (&changed.body["return_urls"], &changed.body["verify_end_user"]),
        (&urls, &json!("confirm"))
    );
    assert_eq!(admin.get(&connector).await.body["status"], "ready");
    let off = admin.patch(&path, json!({"verify_end_user": "off"})).await;
    assert_eq!((&off.body["return_urls"], &off.body["verify_end_user"]), (&urls, &json!("off")));
}

// F29
#[tokio::test]
async fn a_change_of_return_urls_does_not_undo_what_an_owner_decides_at_the_same_time() {
    let server = TestServer::start().await;
    let tenant = Tenant { environment: Environment::Live, ..server.tenant };
    let path = format!("/v1/projects/{}/environments/live", tenant.project);
    let owner = server.admin();
    let off = owner.patch(&path, json!({"verify_end_user": "off"})).await;
    assert_eq!(off.status, 200, "{off:?}");
    let member = server.member("admin").await;
    let mut tx = server.db.begin(Actor::Product).await.unwrap();
    let settings = EnvironmentSettings::default_for(Environment::Live);
    let decided = projects::StoredSettings { settings, version: 1, tag: None };
    projects::set_environment(&mut tx, tenant, &decided).await.unwrap();
    let urls = json!(["https://app.example.com/done"]);
    let changing = tokio::spawn({
        let path = path.clone();
        let change = json!({"return_urls": urls});
        async move { member.patch(&path, change).await }
    });
    // Long enough to read the settings, were they read before the decision is committed.
    tokio::time::sleep(Duration::from_millis(300)).await;
    tx.commit().await.unwrap();
    let changed = changing.await.unwrap();
    assert_eq!(changed.status, 200, "{changed:?}");
    let shown = owner.get(&path).await.body;
    assert_eq!((&shown["verify_end_user"], &shown["return_urls"]), (&json!("confirm"), &urls));
}
