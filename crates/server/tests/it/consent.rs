use std::time::Duration;

use astralform_testkit::{Browser, TestServer, with_parameter};
use serde_json::json;

const TOOL: &str = "slack_list_channels";

async fn asked(server: &TestServer) -> (String, String) {
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    (asked.link().to_owned(), format!("/v1/auth-requests/{}", asked.auth_request()))
}

async fn outcome(server: &TestServer, path: &str) -> String {
    server.backend().get(path).await.outcome().to_owned()
}

#[tokio::test]
async fn o1_an_absent_or_altered_state_exchanges_nothing() {
    let server = TestServer::start().await;
    let (link, path) = asked(&server).await;
    let browser = server.browser();
    let callback = browser.callback(&link, "Allow").await;
    for state in [None, Some(""), Some("forged"), Some("A".repeat(43)).as_deref()] {
        let refused = browser.open(with_parameter(&callback, "state", state).as_str()).await;
        assert_eq!(refused.status, 400, "{state:?}");
    }
    assert_eq!(server.exchanges(), 0);
    assert_eq!(outcome(&server, &path).await, "pending");
    assert_eq!(browser.visit(callback.as_str()).await.outcome(), "completed");
}

#[tokio::test]
async fn o1_a_state_works_once() {
    let server = TestServer::start().await;
    let (link, path) = asked(&server).await;
    let browser = server.browser();
    let callback = browser.callback(&link, "Allow").await;
    assert_eq!(browser.visit(callback.as_str()).await.outcome(), "completed");
    let again = browser.visit(callback.as_str()).await;
    assert_eq!((again.status, again.outcome().as_str()), (200, "completed"));
    assert_eq!(server.exchanges(), 1);
    assert_eq!(outcome(&server, &path).await, "completed");
}

#[tokio::test]
async fn o1_a_browser_without_the_cookie_finishes_nothing() {
    let server = TestServer::start().await;
    let (link, _) = asked(&server).await;
    let callback = server.browser().callback(&link, "Allow").await;
    assert_eq!(Browser::new().open(callback.as_str()).await.status, 403);
    assert_eq!(server.exchanges(), 0);
}

#[tokio::test]
async fn o1_a_state_ends_after_ten_minutes() {
    let server = TestServer::start().await;
    let (link, path) = asked(&server).await;
    let browser = server.browser();
    let callback = browser.callback(&link, "Allow").await;
    server.clock.advance(Duration::from_mins(10));
    assert_eq!(browser.visit(callback.as_str()).await.status, 400);
    assert_eq!(server.exchanges(), 0);
    assert_eq!(outcome(&server, &path).await, "expired");
}

#[tokio::test]
async fn o1_a_later_click_does_not_prolong_an_earlier_state() {
    let server = TestServer::start().await;
    let (link, _) = asked(&server).await;
    let browser = server.browser();
    let old = browser.callback(&link, "Allow").await;
    server.clock.advance(Duration::from_mins(9));
    let fresh = browser.callback(&link, "Allow").await;
    server.clock.advance(Duration::from_mins(2));
    assert_eq!(browser.open(old.as_str()).await.status, 400);
    assert_eq!(server.exchanges(), 0);
    assert_eq!(browser.visit(fresh.as_str()).await.outcome(), "completed");
}

#[tokio::test]
async fn o1_of_fifty_callbacks_at_once_one_exchanges_the_code() {
    let server = TestServer::start().await;
    let (link, _) = asked(&server).await;
    let browser = server.browser();
    let callback = browser.callback(&link, "Allow").await;
    let racing: Vec<_> = (0..50)
        .map(|_| {
            let browser = browser.clone();
            let callback = callback.clone();
            tokio::spawn(async move { browser.open(callback.as_str()).await.status })
        })
        .collect();
    let mut redirected = 0;
    for race in racing {
        redirected += usize::from(race.await.unwrap() == 303);
    }
    assert_eq!((redirected, server.exchanges()), (50, 1), "all of them are one browser's");
    let called = server.agent("alice").call(TOOL, json!({})).await;
    assert_eq!(called.outcome(), "completed");
}

#[tokio::test]
async fn o1_the_cookie_is_set_by_the_click_and_kept_from_scripts() {
    let server = TestServer::start().await;
    let (link, _) = asked(&server).await;
    let browser = server.browser();
    let page = browser.visit(&link).await;
    let leaving = browser.submit(&page, "Connect").await;
    let cookie = leaving.headers["set-cookie"].to_str().unwrap();
    for wanted in ["Path=/", "HttpOnly", "SameSite=Lax", "Max-Age="] {
        assert!(cookie.contains(wanted), "{cookie}");
    }
}

#[tokio::test]
async fn o1_a_click_from_another_site_starts_nothing() {
    let server = TestServer::start().await;
    let (link, path) = asked(&server).await;
    let http = reqwest::Client::new();
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "none"),
        ("origin", "https://evil.example.com"),
        ("origin", "null"),
        ("x-nothing", "said"),
    ] {
        let refused = http.post(&link).header(name, value).send().await.unwrap();
        assert_eq!(refused.status().as_u16(), 403, "{name}: {value}");
        assert!(refused.headers().get("set-cookie").is_none());
    }
    assert_eq!(outcome(&server, &path).await, "pending");
    let ours = server.base.origin().ascii_serialization();
    let taken = http.post(&link).header("origin", ours).send().await.unwrap();
    assert_eq!(taken.status().as_u16(), 200, "an older browser says only Origin");
}

#[tokio::test]
async fn a_refused_consent_ends_the_request_and_says_so() {
    let server = TestServer::start().await;
    let (link, path) = asked(&server).await;
    assert_eq!(server.browser().connect(&link, "Cancel").await.outcome(), "declined");
    assert_eq!(outcome(&server, &path).await, "declined");
    assert_eq!(server.exchanges(), 0);
    let again = server.agent("alice").call(TOOL, json!({})).await;
    assert_ne!(again.link(), link, "the next call asks anew");
}

#[tokio::test]
async fn a_link_ends_after_ten_minutes_without_a_click() {
    let server = TestServer::start().await;
    let (link, path) = asked(&server).await;
    server.clock.advance(Duration::from_mins(10));
    assert_eq!(server.browser().visit(&link).await.outcome(), "expired");
    assert_eq!(outcome(&server, &path).await, "expired");
    assert_ne!(server.agent("alice").call(TOOL, json!({})).await.link(), link);
}

#[tokio::test]
async fn a_click_gives_ten_more_minutes() {
    let server = TestServer::start().await;
    let (link, _) = asked(&server).await;
    server.clock.advance(Duration::from_mins(9));
    let browser = server.browser();
    let callback = browser.callback(&link, "Allow").await;
    server.clock.advance(Duration::from_mins(9));
    assert_eq!(browser.visit(callback.as_str()).await.outcome(), "completed");
}

#[tokio::test]
async fn a_link_that_is_not_ours_or_altered_is_not_valid() {
    let server = TestServer::start().await;
    let (link, _) = asked(&server).await;
    let last = if link.ends_with('A') { 'E' } else { 'A' };
    let altered = format!("{}{last}", &link[..link.len() - 1]);
    let short = &link[..link.len() - 4];
    let foreign = server.base.join("/connect/x").unwrap();
    for bad in [altered.as_str(), short, foreign.as_str(), &format!("{link}AAAA")] {
        assert_eq!(server.browser().visit(bad).await.status, 404, "{bad}");
    }
}

#[tokio::test]
async fn a_used_link_shows_how_it_ended_and_starts_nothing() {
    let server = TestServer::start().await;
    let (link, _) = asked(&server).await;
    let browser = server.browser();
    let page = browser.visit(&link).await;
    browser.connect(&link, "Allow").await;
    assert_eq!(browser.visit(&link).await.outcome(), "completed");
    assert_eq!(browser.submit(&page, "Connect").await.outcome(), "completed");
    assert_eq!(server.exchanges(), 1);
}

#[tokio::test]
async fn a_pause_between_click_and_return_connects_nothing() {
    let server = TestServer::start().await;
    let (link, path) = asked(&server).await;
    let browser = server.browser();
    let callback = browser.callback(&link, "Allow").await;
    server.set_enabled(false).await;
    assert_eq!(browser.visit(callback.as_str()).await.outcome(), "failed");
    let ended = server.backend().get(&path).await;
    assert_eq!(ended.body["failure"], "settings_changed");
}
