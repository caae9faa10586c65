//! Scopes that a provider grants without listing them, or lists by another name.

use std::time::Duration;

use serde_json::json;

use super::notes::{LIST, Notes, SEND, call, connect, connection, consent, token};

const MAIL: [(&str, &str); 2] = [
    (
        "    - {name: notes:read, label: Read your notes, default: true}\n    - {name: notes:write, label: Write notes, default: true}\n",
        "    - {name: offline_access, label: Work while you are away, default: true, unlisted: true}\n    \
         - {name: notes:read, label: Read your notes, default: true, aliases: ['https://notes.example/auth/read']}\n    \
         - {name: notes:write, label: Write notes, default: true}\n",
    ),
    ("    scopes: [notes:read]\n", "    scopes: [notes:read, offline_access]\n"),
];

#[tokio::test]
async fn one_consent_is_enough_where_a_provider_never_lists_a_scope() {
    let notes = Notes::start().await;
    notes.says("/token", token(&json!({"scope": "notes:read notes:write"})));
    let server = notes.server(&MAIL).await;
    connect(&server, "alice").await;
    assert_eq!(call(&server, LIST).await.outcome(), "completed");
    let all = json!(["notes:read", "notes:write", "offline_access"]);
    assert_eq!(connection(&server).await["scopes"], all);
    for hours in [2, 4] {
        server.clock.advance(Duration::from_hours(hours));
        assert_eq!(call(&server, LIST).await.outcome(), "completed");
        let found = connection(&server).await;
        assert_eq!((&found["scopes"], &found["reason"]), (&all, &json!(null)), "after a refresh");
    }
    let again =
        server.agent("alice").post("/v1/auth-requests", json!({"connector": "notes"})).await;
    assert_eq!(again.outcome(), "completed", "{again:?}");
}

#[tokio::test]
async fn a_scope_that_is_listed_by_another_name_is_granted() {
    let notes = Notes::start().await;
    let server = notes.server(&MAIL).await;
    notes.says("/token", token(&json!({"scope": "https://notes.example/auth/read notes:write"})));
    connect(&server, "alice").await;
    let all = json!(["notes:read", "notes:write", "offline_access"]);
    assert_eq!(connection(&server).await["scopes"], all);
    server.clock.advance(Duration::from_hours(2));
    assert_eq!(call(&server, SEND).await.outcome(), "completed");
    assert_eq!(connection(&server).await["scopes"], all);
}

/// What is never listed proves nothing, and what was not asked for is not granted.
#[tokio::test]
async fn a_scope_that_is_never_listed_counts_only_where_it_was_asked_for() {
    let notes = Notes::start().await;
    let server = notes.server(&MAIL).await;
    notes.says("/token", token(&json!({"scope": ""})));
    let asked = call(&server, LIST).await;
    assert_eq!(consent(asked.link()).await.outcome(), "failed", "nothing was granted");

    let unasked = [(MAIL[0].0, &*MAIL[0].1.replace("default: true, unlisted", "unlisted"))];
    let server = notes.server(&unasked).await;
    notes.says("/token", token(&json!({"scope": "notes:read notes:write"})));
    connect(&server, "alice").await;
    assert_eq!(connection(&server).await["scopes"], json!(["notes:read", "notes:write"]));
}
