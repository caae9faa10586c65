//! What a provider answers to a call, read generously: bodies that are missing, broken, packed or
//! large, times as dates, and redirects.

use std::time::Duration;

use axum::body::Bytes;
use serde_json::{Value, json};

use crate::scripted::{LIST, SEND, TITLES, call, connected};

const JSON: (&str, &str) = ("content-type", "application/json");

/// Returns what a failed call says.
fn error(reply: &astralform_testkit::Reply) -> &Value {
    assert_eq!(reply.outcome(), "failed", "{reply:?}");
    &reply.body["error"]
}

#[tokio::test]
async fn a_success_without_a_body_is_a_success() {
    let (provider, server) = connected().await;
    for (status, body) in [(200, ""), (201, ""), (202, ""), (202, " \r\n"), (204, "")] {
        provider.answer("/send", (status, &[], body));
        let sent = call(&server, SEND, json!({"text": "hello"})).await;
        assert_eq!(sent.outcome(), "completed", "{status} {body:?}: {sent:?}");
        assert_eq!(sent.body["data"], json!({"sent": true, "answer": null}));
    }
    assert_eq!(provider.asked("/send").len(), 5);
    provider.answer("/send", (202, &[], "<html>Sign in</html>"));
    let sent = call(&server, SEND, json!({"text": "hello"})).await;
    assert_eq!(error(&sent)["kind"], "outcome_unknown", "a page is no empty body");
}

#[tokio::test]
async fn retry_after_may_be_a_date() {
    let (provider, server) = connected().await;
    // The clock stands at 08:00:00.
    for (said, expected) in [
        ("Fri, 15 Jan 2027 08:01:30 GMT", json!(90_000)),
        ("Friday, 15-Jan-27 08:01:30 GMT", json!(90_000)),
        ("Fri Jan 15 08:01:30 2027", json!(90_000)),
        ("90", json!(90_000)),
        ("Mon, 15 Jan 2029 08:01:30 GMT", json!(86_400_000)),
        ("soon", json!(null)),
    ] {
        provider.answer("/notes", (429, &[("retry-after", said)], ""));
        let throttled = call(&server, LIST, json!({})).await;
        assert_eq!(error(&throttled)["kind"], "rate_limited");
        assert_eq!(error(&throttled)["retry_after_ms"], expected, "{said}");
    }
}

#[tokio::test]
async fn a_refresh_is_put_off_to_the_date_that_the_provider_says() {
    let (provider, server) = connected().await;
    server.clock.advance(Duration::from_hours(2));
    provider.answer("/token", (429, &[("retry-after", "Fri, 15 Jan 2027 10:10:00 GMT")], ""));
    let waiting = call(&server, LIST, json!({})).await;
    let after = error(&waiting)["retry_after_ms"].as_u64().unwrap();
    assert!((590_000..=600_000).contains(&after), "{waiting:?}");
}

#[tokio::test]
async fn a_half_of_a_character_does_not_spoil_an_answer() {
    let (provider, server) = connected().await;
    for (said, title) in [
        (r"party \ud83c", "party \u{fffd}"),
        (r"\udf89 party", "\u{fffd} party"),
        (r"\uD83C\n", "\u{fffd}\n"),
        (r"\ud83c\ud83c\udf89", "\u{fffd}\u{1f389}"),
        (r"\udf89\ud83c", "\u{fffd}\u{fffd}"),
        (r"\\ud83c", r"\ud83c"),
        (r"\ud83c\\udf89", "\u{fffd}\\udf89"),
        (r"\ud83c\udf89", "\u{1f389}"),
    ] {
        let body = format!(r#"{{"notes":[{{"id":1,"title":"{said}"}}]}}"#);
        provider.answer("/notes", (200, &[JSON], body));
        let listed = call(&server, LIST, json!({})).await;
        assert_eq!(listed.outcome(), "completed", "{said}: {listed:?}");
        assert_eq!(listed.body["data"]["notes"][0]["title"], title, "{said}");
    }
}

#[tokio::test]
async fn what_is_almost_json_is_read() {
    let (provider, server) = connected().await;
    let bodies: [(&[u8], Value); 5] = [
        (b"\xef\xbb\xbf{\"title\":\"a\"}", json!({"title": "a"})),
        (b"{\"title\":\"caf\xe9\"}", json!({"title": "caf\u{fffd}"})),
        (b"{\"title\":\"one\ntwo\tthree\"}", json!({"title": "one\ntwo\tthree"})),
        (b"{\"\\ud83c\":\"key\"}", json!({"\u{fffd}": "key"})),
        (b"{\n\"title\":\t\"a\"}\r\n", json!({"title": "a"})),
    ];
    for (body, expected) in bodies {
        provider.answer("/notes", (200, &[JSON], Bytes::copy_from_slice(body)));
        let listed = call(&server, LIST, json!({})).await;
        assert_eq!(listed.body["data"], expected, "{listed:?}");
    }
    for body in ["{\"title\":\"a\"", "{\"title\":\\ud83c}", "<p>\\ud83c</p>"] {
        provider.answer("/notes", (200, &[JSON], body));
        let listed = call(&server, LIST, json!({})).await;
        assert!(error(&listed)["message"].as_str().unwrap().contains("not JSON"), "{listed:?}");
    }
}

#[tokio::test]
async fn a_token_answer_with_a_half_of_a_character_connects() {
    let provider = crate::scripted::Scripted::start().await;
    let server = astralform_testkit::TestServer::with(provider.setup()).await;
    let body = r#"{"access_token":"t","token_type":"Bearer","team":"party \ud83c"}"#;
    provider.answer("/token", (200, &[JSON], body));
    let asked = call(&server, LIST, json!({})).await;
    server.browser().to_provider(asked.link()).await;
    assert_eq!(call(&server, LIST, json!({})).await.outcome(), "completed");
}

/// `{"notes":[{"id":1,"title":"a"}]}`, packed.
const GZIP: &str = "1f8b0800000000000203ab56cacb2f492d56b28aae56ca4c51b232d4512ac92cc94955b2524a54aa8dad0500a959048120000000";
const ZLIB: &str =
    "789cab56cacb2f492d56b28aae56ca4c51b232d4512ac92cc94955b2524a54aa8dad0500abe10a3d";
const DEFLATE: &str = "ab56cacb2f492d56b28aae56ca4c51b232d4512ac92cc94955b2524a54aa8dad0500";

fn bytes(hex: &str) -> Bytes {
    let pairs = (0..hex.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[tokio::test]
async fn an_answer_that_comes_packed_is_unpacked() {
    let (provider, server) = connected().await;
    for (coding, packed) in [
        ("gzip", GZIP),
        ("x-gzip", GZIP),
        ("GZip", GZIP),
        ("identity, gzip", GZIP),
        ("deflate", ZLIB),
        ("deflate", DEFLATE),
    ] {
        provider.answer("/notes", (200, &[JSON, ("content-encoding", coding)], bytes(packed)));
        let listed = call(&server, LIST, json!({})).await;
        assert_eq!(listed.outcome(), "completed", "{coding}: {listed:?}");
        assert_eq!(listed.body["data"]["notes"][0]["title"], "a");
    }
    assert_eq!(provider.asked("/notes")[0].headers["accept-encoding"], "identity");
}

#[tokio::test]
async fn what_cannot_be_unpacked_is_named() {
    let (provider, server) = connected().await;
    let broken = bytes(&GZIP[..GZIP.len() / 2]);
    for (coding, packed) in
        [("br", bytes("8b0f8001ff")), ("zstd", bytes("28b52ffdff")), ("gzip", broken)]
    {
        provider.answer("/notes", (200, &[JSON, ("content-encoding", coding)], packed.clone()));
        let listed = call(&server, LIST, json!({})).await;
        let message = error(&listed)["message"].as_str().unwrap();
        assert!(message.contains(&format!("`{coding}`")), "{message}");
        assert_eq!(error(&listed)["retryable"], false, "{message}");

        provider.answer("/send", (202, &[("content-encoding", coding)], packed.clone()));
        let sent = call(&server, SEND, json!({"text": "hello"})).await;
        assert_eq!(error(&sent)["kind"], "outcome_unknown");

        provider.answer("/notes", (404, &[("content-encoding", coding)], packed));
        let missing = call(&server, LIST, json!({})).await;
        assert_eq!(error(&missing)["kind"], "not_found", "the status counts");
    }
    let plain = r#"{"notes":[]}"#;
    for coding in ["gzip", "utf-8", "none"] {
        provider.answer("/notes", (200, &[JSON, ("content-encoding", coding)], plain));
        let listed = call(&server, LIST, json!({})).await;
        assert_eq!(listed.body["data"], json!({"notes": []}), "{coding} was only said");
    }
}

#[tokio::test]
async fn a_redirect_is_followed_by_nobody_and_has_done_nothing() {
    let (provider, server) = connected().await;
    for status in [301, 302, 307, 308] {
        for body in ["", "<html>Found</html>", "{}"] {
            let headers = [("location", "https://login.example.com/in?next=%2Fsend")];
            provider.answer("/send", (status, &headers, body));
            let sent = call(&server, SEND, json!({"text": "hello"})).await;
            let error = error(&sent);
            assert_eq!(error["kind"], "provider_rejected", "{status} {body:?}: {error}");
            assert_eq!(
                (&error["retryable"], &error["provider_status"]),
                (&json!(false), &json!(status))
            );
            let message = error["message"].as_str().unwrap();
            assert!(
                message.contains("redirect") && message.contains("Nothing was done"),
                "{message}"
            );
            assert!(
                message.contains("login.example.com") && !message.contains("next"),
                "{message}"
            );
        }
    }
    provider.answer("/send", (303, &[("location", "/done")], ""));
    let sent = call(&server, SEND, json!({"text": "hello"})).await;
    assert_eq!(error(&sent)["kind"], "outcome_unknown", "it leads to what came of it");
    provider.answer("/notes", (302, &[("location", "/notes/")], ""));
    let listed = call(&server, LIST, json!({})).await;
    assert_eq!(error(&listed)["kind"], "provider_rejected");
    assert_eq!(provider.asked("/notes").len(), 1, "it is not sent again");
}

#[tokio::test]
async fn an_answer_that_is_more_than_its_mapping_may_read_is_too_large() {
    let (provider, server) = connected().await;
    let notes: Vec<_> = (0..20_000).map(|id| json!({"id": id, "title": "note"})).collect();
    provider.answer("/notes", (200, &[JSON], json!({"notes": notes}).to_string()));
    let listed = call(&server, TITLES, json!({})).await;
    let error = error(&listed);
    assert_eq!(
        (&error["kind"], &error["retryable"]),
        (&json!("response_too_large"), &json!(false))
    );
    assert!(error["message"].as_str().unwrap().contains("Ask for less"), "{error}");
    assert_eq!(provider.asked("/notes").len(), 1, "it is not sent again");
}

#[tokio::test]
async fn an_answer_that_is_nested_too_deeply_is_too_large() {
    let (provider, server) = connected().await;
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    provider.answer("/notes", (200, &[JSON], deep.clone()));
    let listed = call(&server, LIST, json!({})).await;
    assert_eq!(error(&listed)["kind"], "response_too_large", "{listed:?}");
    provider.answer("/send", (200, &[JSON], deep));
    let sent = call(&server, SEND, json!({"text": "hello"})).await;
    assert_eq!(error(&sent)["kind"], "response_too_large");
    assert!(error(&sent)["message"].as_str().unwrap().contains("It was done"), "{sent:?}");
}

#[tokio::test]
async fn a_space_in_an_address_is_written_as_percent_20() {
    let provider = crate::scripted::Scripted::start().await;
    let server = astralform_testkit::TestServer::with(provider.setup()).await;
    let asked = call(&server, LIST, json!({})).await;
    let leaving = server.browser().authorize_url(asked.link()).await;
    let query = leaving.query().unwrap();
    assert!(query.contains("scope=notes%3Aread%20notes%3Awrite"), "{query}");
    assert!(!query.contains('+'), "{query}");

    server.browser().to_provider(asked.link()).await;
    call(&server, LIST, json!({"q": "one + two", "limit": 5})).await;
    let asked = provider.asked("/notes").pop().unwrap();
    assert_eq!(asked.query, "limit=5&q=one%20%2B%20two");
}
