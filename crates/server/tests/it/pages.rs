use astralform_testkit::{Browser, TestServer};
use serde_json::json;

const TOOL: &str = "slack_list_channels";

#[tokio::test]
async fn o9_pages_are_neither_kept_nor_framed_and_tell_nobody_where_they_are() {
    let server = TestServer::start().await;
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    let base = &server.base;
    for address in [
        asked.link().to_owned(),
        base.join("/connect/unknown").unwrap().into(),
        base.join("/v1/connectors/oauth/callback?state=x").unwrap().into(),
        base.join("/v1/nothing").unwrap().into(),
    ] {
        let page = Browser::new().visit(&address).await;
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(page.headers[name], value, "{address}");
        }
        let referrer = page.headers["referrer-policy"].to_str().unwrap();
        assert!(["no-referrer", "same-origin"].contains(&referrer), "{referrer}");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    }
}

#[tokio::test]
async fn what_users_and_developers_wrote_is_shown_as_text() {
    let server = TestServer::start().await;
    let markup = "<script>alert(1)</script>\"'&";
    let asked = server.agent(markup).call(TOOL, json!({})).await;
    let page = Browser::new().visit(asked.link()).await;
    assert_eq!(page.status, 200);
    assert!(page.html.contains("alert(1)"));
    assert!(!page.html.contains("<script"), "{}", page.html);
}

#[tokio::test]
async fn f26_d1_what_hides_or_turns_a_text_is_shown_on_every_page() {
    let server = TestServer::start().await;
    let hidden = ["\u{202e}", "\u{2066}", "\u{200b}", "\u{ad}", "\u{e0041}"];
    let name = format!("moc.elpmaxe{}@nimda", hidden.concat());
    let asked = server.agent(&name).call(TOOL, json!({})).await;
    let browser = Browser::new();
    let page = browser.visit(asked.link()).await;
    assert_eq!(page.status, 200);
    assert!(page.html.contains("moc.elpmaxe\\u{202e}"), "{}", page.html);
    for page in [page, browser.connect(asked.link(), "Allow").await] {
        for character in hidden {
            assert!(!page.html.contains(character), "{character:?} in {}", page.html);
        }
    }
}

#[tokio::test]
async fn d4_a_forged_host_never_gets_into_a_link() {
    let server = TestServer::start().await;
    let http = reqwest::Client::new();
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    let forged = http.get(asked.link()).header("host", "evil.example.com");
    let forged = forged.header("x-forwarded-host", "evil.example.com").send().await.unwrap();
    assert!(!forged.text().await.unwrap().contains("evil.example.com"));
    assert!(asked.link().starts_with(server.base.as_str()));
}
