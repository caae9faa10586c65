//! Browsers that come back from a provider, more than once, with others' cookies, with an error.

use std::time::Duration;

use astralform_domain::VerifyEndUser;
use astralform_testkit::{Browser, TestServer};
use serde_json::{Value, json};
use url::Url;

use super::notes::{Answer, LIST, Notes, RETURN, auth_request, call, callback};

const DESCRIPTION: &str = "The client may not ask for zone.read";

/// Returns a server, an auth request of alice's, and a browser that is handed back to us.
async fn handed_back(notes: &Notes, confirm: bool) -> (TestServer, String, Browser, Url) {
    let verify = if confirm { VerifyEndUser::Confirm } else { VerifyEndUser::Off };
    let server = notes.server_that(verify, &[]).await;
    let asked = call(&server, LIST).await;
    let browser = server.browser();
    let url = callback(&browser, asked.link()).await;
    let id = asked.auth_request().to_owned();
    (server, id, browser, url)
}

#[tokio::test]
async fn a_callback_that_comes_again_in_the_same_browser_leads_to_the_same_place() {
    for confirm in [false, true] {
        let notes = Notes::start().await;
        let (server, id, browser, url) = handed_back(&notes, confirm).await;
        let first = browser.open(url.as_str()).await;
        let leads = first.leads_to().unwrap_or_else(|| panic!("{first:?}"));
        for _ in 0..3 {
            let again = browser.open(url.as_str()).await;
            assert_eq!((again.status, again.leads_to()), (303, Some(leads.clone())));
        }
        assert_eq!(notes.asked("/token").len(), 1, "one code is exchanged once");
        assert_eq!(Browser::new().open(url.as_str()).await.status, 403, "another browser");
        if confirm {
            assert!(leads.as_str().starts_with(RETURN), "{leads}");
            let proof = leads.query_pairs().find(|(name, _)| name == "confirmation").unwrap().1;
            let said = json!({"end_user_id": "alice", "confirmation": proof});
            let path = format!("/v1/auth-requests/{id}/confirm");
            assert_eq!(server.backend().post(&path, said).await.outcome(), "completed");
            assert_eq!(browser.open(url.as_str()).await.leads_to(), Some(leads));
        }
        assert_eq!(auth_request(&server, &id).await["status"], "completed");
        assert_eq!(call(&server, LIST).await.outcome(), "completed");
        server.clock.advance(Duration::from_mins(10));
        assert_eq!(browser.open(url.as_str()).await.status, 400, "the flow is over");
    }
}

#[tokio::test]
async fn callbacks_that_come_at_once_all_lead_to_the_same_place() {
    let notes = Notes::start().await;
    let (_server, _, browser, url) = handed_back(&notes, true).await;
    let racing: Vec<_> = (0..50)
        .map(|_| {
            let browser = browser.clone();
            let url = url.clone();
            tokio::spawn(async move { browser.open(url.as_str()).await.leads_to() })
        })
        .collect();
    let mut leads = Vec::new();
    for race in racing {
        leads.push(race.await.unwrap().unwrap());
    }
    leads.dedup();
    assert_eq!(leads.len(), 1, "{leads:?}");
    assert!(leads[0].as_str().contains("confirmation="), "{leads:?}");
    assert_eq!(notes.asked("/token").len(), 1);
}

/// A click too many makes two flows, and both browsers' tabs are the same person's.
#[tokio::test]
async fn a_second_flow_of_the_same_browser_keeps_the_confirmation_of_the_first() {
    let notes = Notes::start().await;
    let server = notes.server_that(VerifyEndUser::Confirm, &[]).await;
    let asked = call(&server, LIST).await;
    let browser = server.browser();
    let [one, other] =
        [callback(&browser, asked.link()).await, callback(&browser, asked.link()).await];
    let leads = browser.open(one.as_str()).await.leads_to().unwrap();
    assert!(leads.as_str().contains("confirmation="));
    assert_eq!(browser.open(other.as_str()).await.leads_to(), Some(leads));
    assert_eq!(notes.asked("/token").len(), 1);
}

#[tokio::test]
async fn looking_ahead_at_a_callback_changes_nothing() {
    let notes = Notes::start().await;
    let (server, id, browser, url) = handed_back(&notes, false).await;
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let http = http.build().unwrap();
    let head = http.head(url.clone()).send().await.unwrap().status();
    assert!(!head.is_redirection(), "{head}");
    for (name, value) in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("x-purpose", "preview"),
        ("x-moz", "prefetch"),
    ] {
        let ahead = http.get(url.clone()).header(name, value).send().await.unwrap();
        assert_eq!(ahead.status().as_u16(), 503, "{name}: {value}");
        assert_eq!(ahead.headers()["cache-control"], "no-store");
    }
    assert_eq!(auth_request(&server, &id).await["status"], "pending");
    assert_eq!(notes.asked("/token").len(), 0);
    assert_eq!(browser.visit(url.as_str()).await.outcome(), "completed");
}

#[tokio::test]
async fn what_a_provider_says_of_its_refusal_is_told_to_the_developer() {
    let said = format!("error=invalid_scope&error_description={DESCRIPTION}");
    let declined = "error=access_denied&error_description=An+admin+has+to+approve";
    let long = format!(
        "error={}&error_description=%1b[31m%e2%80%ae{}",
        "e".repeat(500),
        "d".repeat(9_000)
    );
    let both =
        |code: String, description: String| json!({"code": code, "description": description});
    for (query, status, expected) in [
        (&*said.replace(' ', "%20"), "failed", both("invalid_scope".into(), DESCRIPTION.into())),
        (declined, "declined", both("access_denied".into(), "An admin has to approve".into())),
        ("error=server_error", "failed", json!({"code": "server_error", "description": null})),
        (&*long, "failed", both("e".repeat(80), format!("[31m{}", "d".repeat(496)))),
        ("error=&error_description=", "failed", Value::Null),
    ] {
        let notes = Notes::start().await;
        notes.sends_back(query);
        let (server, id, browser, url) = handed_back(&notes, false).await;
        let page = browser.visit(url.as_str()).await;
        assert!(
            !page.html.contains("zone.read") && !page.html.contains("admin has"),
            "{}",
            page.html
        );
        let found = auth_request(&server, &id).await;
        assert_eq!((&found["status"], &found["provider_error"]), (&json!(status), &expected));
    }
}

#[tokio::test]
async fn what_a_token_endpoint_says_of_its_refusal_is_told_to_the_developer_too() {
    let said = json!({"error": "invalid_grant", "error_description": "redirect_uri mismatch: t"});
    let form = "error=invalid_client&error_description=No+such+app";
    for (answer, failure, code, description) in [
        (Answer::json(400, &said), "code_rejected", "invalid_grant", "redirect_uri mismatch: t"),
        (Answer::text(401, "text/plain", form), "client_rejected", "invalid_client", "No such app"),
    ] {
        let notes = Notes::start().await;
        notes.says("/token", answer);
        let (server, id, browser, url) = handed_back(&notes, false).await;
        assert_eq!(browser.visit(url.as_str()).await.outcome(), "failed");
        let found = auth_request(&server, &id).await;
        assert_eq!(found["failure"], failure);
        assert_eq!(found["provider_error"], json!({"code": code, "description": description}));
    }
}

/// An error that is empty is none.
#[tokio::test]
async fn a_code_beside_an_empty_error_is_exchanged() {
    let notes = Notes::start().await;
    notes.sends_back("error=&code=code");
    let (_server, _, browser, url) = handed_back(&notes, false).await;
    assert_eq!(browser.visit(url.as_str()).await.outcome(), "completed");
}

#[tokio::test]
async fn cookies_of_others_do_not_hide_ours() {
    let lines: [&[&[u8]]; 5] = [
        &[b"{ours}; bar=J\xc3\xbcrgen"],
        &[b"bar=J\xfcrgen; {ours}"],
        &[b"bar=\xe2\x82\xac", b"{ours}"],
        &[b"=; ;novalue; a=b=c;{ours} ;"],
        &[b"quoted=\"a; b\"; {ours}"],
    ];
    for around in lines {
        let notes = Notes::start().await;
        let server = notes.server(&[]).await;
        let asked = call(&server, LIST).await;
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let http = http.build().unwrap();
        let begun = http.post(asked.link()).header("sec-fetch-site", "same-origin");
        let begun = begun.send().await.unwrap();
        let cookie = begun.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap();
        let cookie = cookie.to_owned();
        let html = begun.text().await.unwrap();
        let provider = html.split("url=").nth(1).unwrap().split('"').next().unwrap();
        let provider = provider.replace("&amp;", "&").replace("&#38;", "&");
        let back = http.get(provider).send().await.unwrap();
        let mut request = http.get(back.headers()["location"].to_str().unwrap());
        for line in around {
            let text = String::from_utf8_lossy(line).contains("{ours}");
            let bytes = if text { filled(line, &cookie) } else { line.to_vec() };
            request =
                request.header("cookie", reqwest::header::HeaderValue::from_bytes(&bytes).unwrap());
        }
        let done = request.send().await.unwrap();
        assert_eq!(done.status().as_u16(), 303, "{around:?}");
        assert_eq!(call(&server, LIST).await.outcome(), "completed");
    }
}

/// Returns the bytes with our cookie in its place.
fn filled(line: &[u8], cookie: &str) -> Vec<u8> {
    let at = line.windows(6).position(|part| part == b"{ours}").unwrap();
    [&line[..at], cookie.as_bytes(), &line[at + 6..]].concat()
}
