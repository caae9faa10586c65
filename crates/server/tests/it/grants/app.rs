//! What a connector can say of its provider, in a connector that says it.

use serde_json::{Value, json};

use super::notes::{Answer, LIST, Notes, auth_request, call, connect, connection, consent};

const GRAPH: (&str, &str) = (
    "  url: /me\n  account: '{id, label: .name}'\n",
    "  method: POST\n  url: /graphql\n  body: '{query: \"{ viewer { id name } }\"}'\n  account: '.data.viewer | {id, label: .name}'\n",
);

#[tokio::test]
async fn identity_can_send_a_body() {
    let viewer = Answer::json(200, &json!({"data": {"viewer": {"id": "v1", "name": "V"}}}));
    for (edit, kind, body) in [
        (GRAPH.1.to_owned(), "json", json!({"query": "{ viewer { id name } }"}).to_string()),
        (
            GRAPH.1.replace("  url", "  encoding: form\n  url"),
            "form",
            "query=%7B+viewer+%7B+id+name+%7D+%7D".to_owned(),
        ),
    ] {
        let notes = Notes::start().await;
        notes.says("/graphql", viewer.clone());
        let server = notes.server(&[(GRAPH.0, &edit)]).await;
        connect(&server, "alice").await;
        let asked = notes.asked("/graphql").pop().unwrap();
        assert_eq!((asked.method.as_str(), asked.body), ("POST", body), "{kind}");
        assert_eq!(asked.authorization, "Bearer t");
        assert_eq!(connection(&server).await["account"]["label"], "V");
    }
}

/// An id that nobody gave is nobody's.
#[tokio::test]
async fn an_account_whose_id_is_made_of_nothing_is_not_connected() {
    const ACCOUNT: &str = "'{id, label: .name}'";
    for (account, me) in [
        (r#"'{id: "\(.team)/\(.id)", label: .name}'"#, json!({"id": "u1", "name": "U"})),
        (r#"'{id: "\(.team)/\(.id)", label: .name}'"#, json!({"id": null, "team": "t1"})),
        (r#"'{id: (.team + "/" + .id), label: .name}'"#, json!({"id": "u1", "name": "U"})),
        (r#"'{id: ([.team, .id] | join("/")), label: .name}'"#, json!({"id": "u1"})),
        ("'{id: (.id | tostring), label: .name}'", json!({"name": "U"})),
        (r#"'{id: @text "\(.id)", label: .name}'"#, json!({"name": "U"})),
        (r#"'{id: @uri "\(.team)/\(.id)", label: .name}'"#, json!({"id": "u1"})),
        ("'{id, label: .name}'", json!({"id": null, "name": "U"})),
    ] {
        let notes = Notes::start().await;
        notes.says("/me", Answer::json(200, &me));
        let server = notes.server(&[(ACCOUNT, account)]).await;
        let asked = call(&server, LIST).await;
        assert_eq!(consent(asked.link()).await.outcome(), "failed", "{account} {me}");
        let found = auth_request(&server, asked.auth_request()).await;
        assert_eq!(found["failure"], "account_unreadable", "{account} {me}");
        assert_eq!(notes.asked("/revoke").len(), 1, "the token is of no use");
    }
}

/// A label is for people, and can do without a part.
#[tokio::test]
async fn an_account_whose_label_lacks_a_part_is_connected() {
    let notes = Notes::start().await;
    let labelled = r#"'{id, label: "\(.name) <\(.email)>"}'"#;
    for (me, label) in [
        (json!({"id": "null", "name": "U", "email": null}), "U <>"),
        (json!({"id": 7}), " <>"),
        (json!({"id": "u1", "name": "null", "email": "u@example.com"}), "null <u@example.com>"),
    ] {
        notes.says("/me", Answer::json(200, &me));
        let server = notes.server(&[("'{id, label: .name}'", labelled)]).await;
        connect(&server, "alice").await;
        let found: Value = connection(&server).await;
        assert_eq!(found["account"]["label"], label, "{me}");
    }
}
