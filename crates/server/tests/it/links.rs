//! A link that one person passes to another: what it shows, what it is good for, and that whoever
//! clicked is the one who comes back.

use std::time::Duration;

use astralform_domain::{
    Environment, EnvironmentSettings, Patch, ScopeSet, SettingsPatch, VerifyEndUser,
};
use astralform_testkit::{Browser, Page, Reply, Setup, TestServer, with_parameter};
use serde_json::json;
use url::Url;

const TOOL: &str = "slack_list_channels";

async fn asked(server: &TestServer, end_user: &str) -> Reply {
    server.agent(end_user).call(TOOL, json!({})).await
}

/// Checks that nothing was connected, and nobody can finish what Alice began.
async fn assert_burned(server: &TestServer, began: &Reply) {
    let path = format!("/v1/auth-requests/{}", began.auth_request());
    let ended = server.backend().get(&path).await;
    let why = (ended.outcome(), ended.body["failure"].as_str());
    assert_eq!(why, ("failed", Some("foreign_browser")));
    assert_eq!(server.exchanges(), 0);
    assert!(server.slack().grants().is_empty());
    for end_user in ["alice", "bob"] {
        assert_eq!(asked(server, end_user).await.outcome(), "auth_required");
    }
}

#[tokio::test]
async fn o4_bob_cannot_finish_what_alice_clicked_and_then_neither_can_alice() {
    let server = TestServer::start().await;
    let alice = server.browser();
    let bob = server.browser();
    let link = asked(&server, "alice").await;
    let callback = alice.callback(link.link(), "Allow").await;
    let second = alice.callback(link.link(), "Allow").await;
    bob.to_provider(link.link()).await;

    assert_eq!(bob.open(callback.as_str()).await.status, 403);
    assert_eq!(alice.open(callback.as_str()).await.status, 400, "the state is used up");
    assert_eq!(alice.visit(second.as_str()).await.outcome(), "failed");
    assert_burned(&server, &link).await;
}

/// The address that Alice's click leads to, opened by Bob, who trusts the provider's page.
#[tokio::test]
async fn o4_bob_cannot_be_sent_to_the_provider_by_alices_click() {
    let server = TestServer::start().await;
    let link = asked(&server, "alice").await;
    let alice = server.browser();
    let page = alice.visit(link.link()).await;
    let provider = alice.submit(&page, "Connect").await.leads_to().unwrap();

    let bob = server.browser();
    let consent = bob.visit(provider.as_str()).await;
    assert_eq!(bob.click(&consent, "Allow").await.status, 403);
    assert_burned(&server, &link).await;
}

fn cookie(clicked: &Page) -> String {
    let set = clicked.headers["set-cookie"].to_str().unwrap();
    set.split_once(';').unwrap().0.to_owned()
}

#[tokio::test]
async fn o4_a_cookie_opens_no_flow_but_its_own() {
    let server = TestServer::start().await;
    let mallory = server.browser();
    let page = mallory.visit(asked(&server, "mallory").await.link()).await;
    let own = cookie(&mallory.submit(&page, "Connect").await);
    let name = own.split_once('=').unwrap().0;
    for carried in [own.clone(), format!("{name}="), format!("{name}=; {own}"), "x=y".to_owned()] {
        let link = asked(&server, "alice").await;
        let callback = server.browser().callback(link.link(), "Allow").await;
        let request = reqwest::Client::new().get(callback).header("cookie", &carried);
        assert_eq!(request.send().await.unwrap().status().as_u16(), 403, "{carried}");
        assert_burned(&server, &link).await;
    }
}

#[tokio::test]
async fn o4_opening_the_link_consumes_nothing() {
    let server = TestServer::start().await;
    let link = asked(&server, "alice").await;
    for _ in 0..50 {
        let page = Browser::new().visit(link.link()).await;
        assert_eq!(page.status, 200);
        assert!(page.headers.get("set-cookie").is_none(), "no cookie before the click");
    }
    assert_eq!(asked(&server, "alice").await.link(), link.link());
    assert_eq!(server.browser().connect(link.link(), "Allow").await.outcome(), "completed");
}

#[tokio::test]
async fn o4_the_page_says_to_whom_the_account_will_belong() {
    let server = TestServer::start().await;
    let says = |page: &Page, name: &str, value: &str| {
        let row = format!("<dt>{name}</dt><dd>{value}</dd>");
        assert!(page.html.contains(&row), "{row} in {}", page.html);
    };
    let page = server.browser().visit(asked(&server, "alice-4711").await.link()).await;
    says(&page, "Application", "Test project");
    says(&page, "Agent", "default");
    says(&page, "Your user there", "alice-4711");

    server.connect("alice-4711", TOOL).await;
    server.slack().revoke_all();
    let renewal = asked(&server, "alice-4711").await;
    let account = renewal.body["auth_request"]["account_hint"].as_str().unwrap();
    let page = server.browser().visit(renewal.link()).await;
    says(&page, "Your user there", "alice-4711");
    says(&page, "Account to use", account);
}

#[tokio::test]
async fn o4_the_link_tells_nothing_and_opens_nothing_else() {
    let server = TestServer::start().await;
    let link = asked(&server, "alice").await;
    let url: Url = link.link().parse().unwrap();
    let token = url.path().strip_prefix("/connect/").unwrap();
    assert_eq!((url.query(), url.fragment(), token.len()), (None, None, 43));
    let other = asked(&server, "somebody-else").await.link().to_owned();
    assert_eq!(other.len(), link.link().len(), "whoever it is for");

    let holder = server.agent_with_key(token, "alice");
    let request = format!("/v1/auth-requests/{}", link.auth_request());
    for path in ["/v1/tools", "/v1/connections", "/v1/me", "/v1/projects", &request] {
        assert_eq!(holder.get(path).await.status, 401, "{path}");
    }
    assert_eq!(holder.call(TOOL, json!({})).await.status, 401);
    let callback = server.base.join("/v1/connectors/oauth/callback?code=x").unwrap();
    let callback = with_parameter(&callback, "state", Some(token));
    assert_eq!(server.browser().open(callback.as_str()).await.status, 400);
    assert_eq!(server.exchanges(), 0);
}

#[tokio::test]
async fn o4_a_return_url_tells_no_more_than_the_request() {
    let settings = EnvironmentSettings {
        verify_end_user: VerifyEndUser::Off,
        return_urls: vec!["https://app.example.com/connected".to_owned()],
        allowed_origins: Vec::new(),
    };
    let environment = Environment::Test;
    let setup = Setup { environment, settings: Some(settings), ..Setup::default() };
    let server = TestServer::with(setup).await;
    let link = asked(&server, "alice").await;
    let browser = server.browser();
    let callback = browser.callback(link.link(), "Allow").await;
    let back = browser.open(callback.as_str()).await.leads_to().unwrap();
    let wanted = format!("https://app.example.com/connected?auth_request={}", link.auth_request());
    assert_eq!(back.as_str(), wanted);
}

#[tokio::test]
async fn f15_a_link_lives_twenty_minutes_however_often_it_is_clicked() {
    let server = TestServer::start().await;
    let link = asked(&server, "alice").await;
    let browser = server.browser();
    for _ in 0..2 {
        server.clock.advance(Duration::from_mins(9));
        assert_eq!(browser.visit(link.link()).await.status, 200);
        browser.authorize_url(link.link()).await;
    }
    let path = format!("/v1/auth-requests/{}", link.auth_request());
    server.clock.advance(Duration::from_secs(119));
    assert_eq!(server.backend().get(&path).await.outcome(), "pending");
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(server.backend().get(&path).await.outcome(), "expired");
}

#[tokio::test]
async fn f15_the_eleventh_click_on_a_link_ends_it_and_says_what_to_do() {
    let server = TestServer::start().await;
    let link = asked(&server, "alice").await;
    let browser = server.browser();
    let page = browser.visit(link.link()).await;
    for click in 1..=10 {
        assert_eq!(browser.submit(&page, "Connect").await.status, 200, "click {click}");
    }
    let refused = browser.submit(&page, "Connect").await;
    assert_eq!(refused.status, 429);
    assert!(refused.html.contains("ask for a new one"), "{}", refused.html);
    let path = format!("/v1/auth-requests/{}", link.auth_request());
    let ended = server.backend().get(&path).await;
    assert_eq!((ended.outcome(), &ended.body["failure"]), ("failed", &json!("too_many_attempts")));
    assert!(browser.visit(link.link()).await.html.contains("tried too often"));
    let fresh = asked(&server, "alice").await;
    assert_ne!(fresh.link(), link.link(), "a new question makes a new link");
    assert_eq!(server.browser().connect(fresh.link(), "Allow").await.outcome(), "completed");
}

#[tokio::test]
async fn f15_an_end_user_is_asked_for_100_things_at_once_at_most() {
    let server = TestServer::start().await;
    let ask = async |end_user: &str, scope: String| {
        let listed = ScopeSet::from_iter(["channels:read", &scope]);
        server
            .change(SettingsPatch { scopes: Patch::Set(listed), ..SettingsPatch::default() })
            .await;
        let body = json!({"connector": "slack", "scopes": [scope]});
        server.agent(end_user).post("/v1/auth-requests", body).await
    };
    for number in 0..100 {
        let asked = ask("alice", format!("scope-{number}")).await;
        assert_eq!(asked.outcome(), "pending", "{asked:?}");
    }
    let refused = ask("alice", "one-more".to_owned()).await;
    assert_eq!((refused.status, refused.code()), (429, "too_many_auth_requests"));
    assert_eq!(asked(&server, "alice").await.code(), "too_many_auth_requests");
    assert_eq!(ask("alice", "scope-7".to_owned()).await.outcome(), "pending", "the same again");
    assert_eq!(ask("bob", "one-more".to_owned()).await.outcome(), "pending");
    server.clock.advance(Duration::from_mins(10));
    server.app.engine().janitor.sweep().await.unwrap();
    assert_eq!(ask("alice", "one-more".to_owned()).await.outcome(), "pending");
}
