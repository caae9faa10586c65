//! What made other clients of the same providers fail, as docs/bug-reports.md lists it: answers of
//! APIs. Those of token endpoints are in `grants/reports.rs`.

use serde_json::{Value, json};

use crate::scripted::{LIST, PING, SEND, Scripted, call, connected};
use astralform_testkit::TestServer;

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn a_post_without_a_body_says_how_long_it_is() {
    let (provider, server) = connected().await;
    provider.answer("/ping", (200, &[JSON], "{}"));
    assert_eq!(call(&server, PING, json!({})).await.outcome(), "completed");
    let lengths = |path: &str| {
        let asked = provider.asked(path).pop().unwrap();
        asked.headers.get("content-length").map(|length| length.to_str().unwrap().to_owned())
    };
    assert_eq!(lengths("/ping").as_deref(), Some("0"));
    call(&server, LIST, json!({})).await;
    assert_eq!(lengths("/notes"), None, "a GET has no body to tell of");
}

#[tokio::test]
async fn a_403_that_says_how_long_to_wait_is_a_limit() {
    let (provider, server) = connected().await;
    for tool in [LIST, SEND] {
        let path = if tool == LIST { "/notes" } else { "/send" };
        for (headers, kind) in [
            (&[("retry-after", "60")][..], "rate_limited"),
            (&[("retry-after", "Fri, 15 Jan 2027 08:01:00 GMT")], "rate_limited"),
            (&[("retry-after", "soon")], "permission_denied"),
            (&[], "permission_denied"),
        ] {
            provider.answer(path, (403, headers, "{}"));
            let error = call(&server, tool, json!({"text": "hello"})).await;
            let error = if tool == LIST { call(&server, tool, json!({})).await } else { error };
            assert_eq!(error.outcome(), "failed", "{error:?}");
            assert_eq!(error.body["error"]["kind"], kind, "{tool} {headers:?}");
            assert_eq!(error.body["error"]["retryable"], kind == "rate_limited");
        }
    }
}

/// Has Alice grant `notes:read` alone.
async fn reading() -> (Scripted, TestServer) {
    let provider = Scripted::start().await;
    let server = TestServer::with(provider.setup()).await;
    let token = json!({"access_token": "t", "refresh_token": "r", "scope": "notes:read"});
    provider.answer("/token", (200, &[JSON], token.to_string()));
    let asked = call(&server, LIST, json!({})).await;
    server.browser().to_provider(asked.link()).await;
    (provider, server)
}

#[tokio::test]
async fn a_403_that_names_missing_scopes_as_the_standard_has_it_asks_for_them() {
    let (provider, server) = reading().await;
    for said in [
        r#"Bearer error="insufficient_scope", scope="notes:read notes:write""#,
        r#"Bearer realm="a, b", scope="notes:write", error="insufficient_scope""#,
        "bearer error=insufficient_scope,scope=notes:write",
    ] {
        provider.answer("/notes", (403, &[("www-authenticate", said)], "{}"));
        let asked = call(&server, LIST, json!({})).await;
        assert_eq!(asked.outcome(), "auth_required", "{said}: {asked:?}");
        assert_eq!(asked.body["auth_request"]["missing_scopes"], json!(["notes:write"]));
    }
}

/// Asking again for what was granted would go on for ever.
#[tokio::test]
async fn nobody_is_asked_for_scopes_that_were_granted_or_that_nobody_knows() {
    let (provider, server) = reading().await;
    for said in [
        r#"Bearer error="insufficient_scope", scope="notes:read""#,
        r#"Bearer error="insufficient_scope", scope="notes:admin""#,
        r#"Bearer error="insufficient_scope""#,
        r#"Bearer realm="insufficient_scope""#,
        r#"Bearer error="invalid_token", error_description="no insufficient_scope""#,
        r#"Bearer error="insufficient_scope"#,
        "insufficient_scope",
    ] {
        provider.answer("/notes", (403, &[("www-authenticate", said)], "{}"));
        let denied = call(&server, LIST, json!({})).await;
        assert_eq!(denied.outcome(), "failed", "{said}: {denied:?}");
        assert_eq!(denied.body["error"]["kind"], "permission_denied", "{said}");
    }
}

fn utf_16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

#[tokio::test]
async fn an_answer_is_read_in_the_encoding_that_it_names() {
    let (provider, server) = connected().await;
    let latin = b"{\"n\": \"J\xfcrgen\"}";
    let text = "{\"n\": \"Jürgen\"}";
    for (kind, body) in [
        ("application/json; charset=ISO-8859-1", latin.to_vec()),
        ("application/json;charset=\"latin1\"", latin.to_vec()),
        ("text/json; Charset=windows-1252; x=y", latin.to_vec()),
        ("application/json; charset=iso-8859-1", text.as_bytes().to_vec()),
        ("application/json; charset=utf-16", text.as_bytes().to_vec()),
        ("application/json; charset=utf-16", utf_16(&format!("\u{feff}{text}"), u16::to_le_bytes)),
        ("application/json", utf_16(&format!("\u{feff}{text}"), u16::to_be_bytes)),
        ("application/json; charset=UTF-16LE", utf_16(text, u16::to_le_bytes)),
        ("application/json; charset=utf-16be", utf_16(text, u16::to_be_bytes)),
    ] {
        provider.answer("/notes", (200, &[("content-type", kind)], body));
        let read = call(&server, LIST, json!({})).await;
        assert_eq!(read.body["data"], json!({"n": "Jürgen"}), "{kind}: {read:?}");
    }
    let quotes = b"{\"n\": \"\x93\x80\x94 \x81\"}".to_vec();
    provider.answer("/notes", (200, &[("content-type", "x/json; charset=cp1252")], quotes));
    let read: Value = call(&server, LIST, json!({})).await.body["data"].clone();
    assert_eq!(read, json!({"n": "“€” \u{81}"}));
}
