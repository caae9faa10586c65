//! What made other clients of the same providers fail, as docs/bug-reports.md lists it: answers of
//! token endpoints and of those that say whose account it is.

use serde_json::{Value, json};

use super::notes::{
    Answer, LIST, Notes, auth_request, call, callback, connect, connection, consent,
};

/// Returns how an auth request ends when the token endpoint answers so.
async fn ended(answer: Answer) -> Value {
    let notes = Notes::start().await;
    notes.says("/token", answer);
    // Another one than the usual `code`, which is taken out of answers wherever it stands.
    notes.sends_back("code=c-1");
    let server = notes.server(&[]).await;
    let asked = call(&server, LIST).await;
    consent(asked.link()).await;
    let found = auth_request(&server, asked.auth_request()).await;
    json!([
        found["failure"],
        found["provider_error"]["code"],
        found["provider_error"]["description"]
    ])
}

#[tokio::test]
async fn a_refusal_that_is_an_object_is_a_refusal_with_its_words() {
    const USED: &str = "It has been used before.";
    for (error, code, description) in [
        (json!({"message": USED, "type": "OAuthException", "code": 100}), "OAuthException", USED),
        (
            json!({"code": 400, "status": "INVALID_ARGUMENT", "message": "Bad"}),
            "INVALID_ARGUMENT",
            "Bad",
        ),
        (json!({"code": "used", "message": "Used"}), "used", "Used"),
        (json!({"code": 100}), "100", ""),
    ] {
        let found = ended(Answer::json(400, &json!({"error": error}))).await;
        let description = if description.is_empty() { Value::Null } else { json!(description) };
        assert_eq!(found, json!(["code_rejected", code, description]), "{error}");
    }
    let blamed = json!({"error": {"code": "invalid_client", "message": "Who are you?"}});
    let found = ended(Answer::json(401, &blamed)).await;
    assert_eq!(found, json!(["client_rejected", "invalid_client", "Who are you?"]));
    let trouble = json!({"error": {"code": 500, "status": "INTERNAL", "message": "Oh."}});
    assert_eq!(ended(Answer::json(500, &trouble)).await[0], "provider_unavailable");
    for unclear in [json!({"error": {}}), json!({"error": [1]}), json!({"error": true})] {
        assert_eq!(
            ended(Answer::json(400, &unclear)).await[0],
            "provider_unavailable",
            "{unclear}"
        );
    }
}

#[tokio::test]
async fn a_label_that_is_no_text_keeps_nobody_from_connecting() {
    for (name, expected) in
        [(json!(123), "123"), (json!(null), "u1"), (json!(["a"]), "u1"), (json!(true), "u1")]
    {
        let notes = Notes::start().await;
        notes.says("/me", Answer::json(200, &json!({"id": "u1", "name": name})));
        let server = notes.server(&[]).await;
        connect(&server, "alice").await;
        assert_eq!(connection(&server).await["account"], json!({"id": "u1", "label": expected}));
    }
}

/// Two accounts must not have one id.
#[tokio::test]
async fn an_id_that_is_a_number_is_exact_or_none() {
    for (id, expected) in [
        ("1285704473650888702", Some("1285704473650888702")),
        ("18446744073709551615", Some("18446744073709551615")),
        ("7.0", Some("7")),
        ("12345678901234567890123", None),
        ("1e21", None),
        ("0.5", None),
    ] {
        let notes = Notes::start().await;
        notes.says("/me", Answer::text(200, "application/json", &format!("{{\"id\":{id}}}")));
        let server = notes.server(&[]).await;
        let asked = call(&server, LIST).await;
        consent(asked.link()).await;
        assert_eq!(connection(&server).await["account"]["id"], json!(expected), "{id}");
    }
}

#[tokio::test]
async fn a_callback_with_an_error_of_another_name_says_what_went_wrong() {
    let notes = Notes::start().await;
    notes.sends_back("error_code=901&error_message=This+app+is+in+sandbox+mode");
    let server = notes.server(&[]).await;
    let asked = call(&server, LIST).await;
    let browser = server.browser();
    let url = callback(&browser, asked.link()).await;
    browser.visit(url.as_str()).await;
    let found = auth_request(&server, asked.auth_request()).await;
    assert_eq!(found["failure"], "authorization_error");
    let said = json!({"code": "901", "description": "This app is in sandbox mode"});
    assert_eq!(found["provider_error"], said);
}
