//! Answers of token endpoints as they come.

use serde_json::{Value, json};

use super::notes::{
    Answer, LIST, Notes, SEND, auth_request, call, connect, connection, consent, token,
};

/// Returns what becomes of a consent that is answered so, with the connector changed so: the
/// scopes, or how the auth request ended.
async fn granted(answer: Answer, edits: &[(&str, &str)]) -> Value {
    let notes = Notes::start().await;
    notes.says("/token", answer);
    let server = notes.server(edits).await;
    let asked = call(&server, LIST).await;
    let page = consent(asked.link()).await;
    if page.outcome() != "completed" {
        return auth_request(&server, asked.auth_request()).await["failure"].clone();
    }
    assert!(notes.asked("/revoke").is_empty(), "nothing is revoked");
    connection(&server).await["scopes"].clone()
}

const BOTH: [&str; 2] = ["notes:read", "notes:write"];

#[tokio::test]
async fn scopes_are_separated_by_white_space_and_as_the_connector_says() {
    let comma = ("  scopes:\n    - {name", "  scope_separator: \",\"\n  scopes:\n    - {name");
    for (said, edits, expected) in [
        ("notes:read,notes:write", &[comma][..], &BOTH[..]),
        ("notes:read, notes:write", &[comma], &BOTH),
        ("notes:read notes:write", &[comma], &BOTH),
        (" notes:read\tnotes:write\n", &[], &BOTH),
        ("notes:read,notes:write", &[], &BOTH),
        ("notes:read,,", &[comma], &BOTH[..1]),
        ("NOTES:READ Notes:Write", &[], &BOTH),
    ] {
        let found = granted(token(&json!({"scope": said})), edits).await;
        assert_eq!(found, json!(expected), "{said:?}");
    }
}

#[tokio::test]
async fn scopes_can_come_as_a_list() {
    for said in [json!(BOTH), json!(["notes:read notes:write"]), json!([BOTH[0], 7, null, BOTH[1]])]
    {
        assert_eq!(granted(token(&json!({"scope": said})), &[]).await, json!(BOTH), "{said}");
    }
    let none = granted(token(&json!({"scope": []})), &[]).await;
    assert_eq!(none, "nothing_granted", "an empty list is a list");
}

#[tokio::test]
async fn members_that_are_not_those_of_the_standard_are_ignored() {
    for more in [
        json!({"scopes": "notes:read notes:write"}),
        json!({"scopes": ["other"], "kind": 7, "tokens": [{}], "error": null}),
        json!({"refresh_token": false, "expires_in": {"seconds": 3600}}),
        json!({"scope": {"notes:read": true}}),
        json!({"token_type": 7}),
    ] {
        assert_eq!(granted(token(&more), &[]).await, json!(BOTH), "{more}");
    }
}

#[tokio::test]
async fn a_token_can_come_as_a_form() {
    let form = "access_token=tok&token_type=bearer&expires_in=3600&scope=notes%3Aread";
    for kind in ["application/x-www-form-urlencoded", "text/plain;charset=UTF-8", "text/html"] {
        let found = granted(Answer::text(200, kind, form), &[]).await;
        assert_eq!(found, json!(["notes:read"]), "{kind}");
    }
    let refused = Answer::text(
        400,
        "application/x-www-form-urlencoded",
        "error=invalid_grant&error_description=The+code+is+old",
    );
    assert_eq!(granted(refused, &[]).await, "code_rejected");
    let page = Answer::text(200, "text/html", "<a href=\"?access_token=x\">Sign in</a>");
    assert_eq!(granted(page, &[]).await, "provider_unavailable", "a page is no form");
}

#[tokio::test]
async fn json_is_read_behind_a_byte_order_mark_and_whatever_it_is_called() {
    let body = format!("\u{feff}{}", token(&json!({})).body);
    for kind in
        ["application/json; charset=utf-8", "text/html", "application/x-www-form-urlencoded"]
    {
        let answer = Answer::text(200, kind, &body);
        assert_eq!(granted(answer, &[]).await, json!(BOTH), "{kind}");
    }
}

/// A refresh that is not understood loses a token.
#[tokio::test]
async fn what_a_refresh_brings_is_read_as_generously() {
    for answer in [
        Answer::text(200, "text/plain", "access_token=t2&refresh_token=r2&expires_in=3600"),
        token(&json!({"access_token": "t2", "scope": ["notes:read", "notes:write"]})),
        token(&json!({"access_token": "t2", "scope": "notes:read,notes:write", "scopes": 1})),
    ] {
        let notes = Notes::start().await;
        let server = notes.server(&[]).await;
        connect(&server, "alice").await;
        server.clock.advance(std::time::Duration::from_hours(2));
        notes.says("/token", answer.clone());
        assert_eq!(call(&server, SEND).await.outcome(), "completed", "{}", answer.body);
        assert_eq!(notes.asked("/send")[0].authorization, "Bearer t2");
        assert_eq!(connection(&server).await["scopes"], json!(BOTH), "{}", answer.body);
    }
}
