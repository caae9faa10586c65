//! Refreshes that a provider refuses, in words that a connector lists and in others.

use std::time::Duration;

use astralform_testkit::TestServer;
use serde_json::{Value, json};

use super::notes::{Answer, LIST, Notes, call, connect, connection, consent, token};

const HOUR: Duration = Duration::from_hours(1);

/// Returns the word of one provider for a refresh token that is dead.
fn unauthorized() -> Answer {
    let said =
        json!({"error": "unauthorized_client", "error_description": "refresh_token is invalid"});
    Answer::json(403, &said)
}

const LISTED: (&str, &str) =
    ("api:\n", "  refresh: {rejected: [unauthorized_client, Token.Gone]}\napi:\n");

/// Returns where alice is connected, and her token has ended.
async fn ended(edits: &[(&str, &str)]) -> (Notes, TestServer) {
    let notes = Notes::start().await;
    let server = notes.server(edits).await;
    connect(&server, "alice").await;
    assert_eq!(call(&server, LIST).await.outcome(), "completed");
    server.clock.advance(HOUR);
    (notes, server)
}

async fn managed(server: &TestServer) -> Value {
    server.admin().get(&server.managed("")).await.body["status"].clone()
}

/// Calls until the provider has refused a refresh so often; says what the last call came to.
async fn refused(notes: &Notes, server: &TestServer, times: usize) -> String {
    let seen = notes.asked("/token").len();
    loop {
        let outcome = call(server, LIST).await.outcome().to_owned();
        if notes.asked("/token").len() >= seen + times || outcome == "auth_required" {
            return outcome;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_word_that_the_connector_lists_as_a_rejection_is_one_before_it_blames_the_app() {
    let gone = Answer::json(400, &json!({"error": "Token.Gone"}));
    for answer in [unauthorized(), gone] {
        let (notes, server) = ended(&[LISTED]).await;
        notes.says("/token", answer);
        let asked = call(&server, LIST).await;
        assert_eq!(asked.outcome(), "auth_required", "{asked:?}");
        let found = connection(&server).await;
        assert_eq!(
            (&found["status"], &found["reason"]),
            (&json!("needs_reauth"), &json!("refresh_rejected"))
        );
        assert_eq!(managed(&server).await, "ready");
        notes.says("/token", token(&json!({"access_token": "t2"})));
        assert_eq!(consent(asked.link()).await.outcome(), "completed");
        assert_eq!(call(&server, LIST).await.outcome(), "completed");
    }
}

/// Before a code, the same word still blames the app.
#[tokio::test]
async fn what_is_a_rejection_of_a_refresh_token_blames_the_app_where_a_code_is_exchanged() {
    let notes = Notes::start().await;
    let server = notes.server(&[LISTED]).await;
    notes.says("/token", unauthorized());
    let asked = call(&server, LIST).await;
    assert_eq!(consent(asked.link()).await.outcome(), "failed");
    let found = super::notes::auth_request(&server, asked.auth_request()).await;
    assert_eq!(found["failure"], "client_rejected");
}

#[tokio::test]
async fn a_refusal_in_unforeseen_words_that_goes_on_lets_the_person_reconnect() {
    for answer in [
        unauthorized(),
        Answer::json(400, &json!({"error": "something_new"})),
        Answer::json(200, &json!({"error": "something_new"})),
        Answer::json(404, &json!({"message": "Not Found"})),
        Answer::text(401, "text/plain", ""),
    ] {
        let said = format!("{} {}", answer.status, answer.body);
        let (notes, server) = ended(&[]).await;
        notes.says("/token", answer);
        assert_eq!(refused(&notes, &server, 1).await, "failed", "{said}: once is not for certain");
        assert_eq!(connection(&server).await["status"], "active");
        server.clock.advance(Duration::from_mins(11));
        assert_eq!(refused(&notes, &server, 4).await, "auth_required", "{said}");
        let found = connection(&server).await;
        assert_eq!(
            (&found["status"], &found["reason"]),
            (&json!("needs_reauth"), &json!("refresh_rejected")),
            "{said}"
        );
        notes.says("/token", token(&json!({"access_token": "t2"})));
        let asked = call(&server, LIST).await;
        assert_eq!(consent(asked.link()).await.outcome(), "completed", "{said}");
        assert_eq!(call(&server, LIST).await.outcome(), "completed", "{said}");
        assert_eq!(managed(&server).await, "ready", "{said}");
    }
}

#[tokio::test]
async fn a_provider_in_trouble_or_one_that_wants_to_be_left_alone_asks_nobody_to_reconnect() {
    for answer in [
        Answer::json(503, &json!({"error": "unauthorized_client"})),
        Answer::json(429, &json!({"error": "unauthorized_client"})),
        Answer::text(408, "text/plain", ""),
        Answer::json(400, &json!({"error": "temporarily_unavailable"})),
    ] {
        let said = format!("{} {}", answer.status, answer.body);
        let (notes, server) = ended(&[]).await;
        notes.says("/token", answer);
        for _ in 0..2 {
            assert_eq!(refused(&notes, &server, 1).await, "failed", "{said}");
            server.clock.advance(Duration::from_hours(48));
        }
        assert_eq!(connection(&server).await["status"], "active", "{said}");
    }
}

/// The refusal was an incident after all: the token that is had then makes the connection active.
#[tokio::test]
async fn a_connection_that_was_given_up_for_a_refusal_comes_back_with_the_next_token() {
    let (notes, server) = ended(&[]).await;
    server.app.engine().recent_uses.write_uses(true).await.unwrap();
    notes.says("/token", unauthorized());
    refused(&notes, &server, 1).await;
    server.clock.advance(Duration::from_mins(11));
    assert_eq!(refused(&notes, &server, 4).await, "auth_required");
    assert_eq!(managed(&server).await, "misconfigured", "nothing has shown yet whose fault it is");
    notes.says("/token", token(&json!({"access_token": "t2"})));
    let engine = server.app.engine();
    let mut back = false;
    for _ in 0..300 {
        engine.upkeep.keep_fresh().await.unwrap();
        engine.upkeep.finish_refreshes(Duration::from_secs(20)).await;
        back = connection(&server).await["status"] == "active";
        if back {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(back, "{}", connection(&server).await);
    assert_eq!(connection(&server).await["reason"], Value::Null);
    assert_eq!(call(&server, LIST).await.outcome(), "completed");
    assert_eq!(managed(&server).await, "ready");
}

#[tokio::test]
async fn an_auth_request_for_a_connection_that_cannot_be_used_is_not_completed() {
    let wanted = json!({"connector": "notes"});
    for (status, body) in [
        (403, json!({"error": "unauthorized_client"})),
        (401, json!({"error": "invalid_client"})),
        (400, json!({"error": "invalid_grant"})),
        (400, json!({"error": "something_new"})),
        (503, json!({})),
    ] {
        let (notes, server) = ended(&[]).await;
        notes.says("/token", Answer::json(status, &body));
        let alice = server.agent("alice");
        let asked = alice.post("/v1/auth-requests", wanted.clone()).await;
        assert_eq!(asked.outcome(), "pending", "{body}: {asked:?}");
        assert_eq!(asked.body["reason"], "needs_reauth");
        notes.says("/token", token(&json!({"access_token": "t2"})));
        assert_eq!(consent(asked.link()).await.outcome(), "completed", "{body}");
        assert_eq!(call(&server, LIST).await.outcome(), "completed", "{body}");
        let again = alice.post("/v1/auth-requests", wanted.clone()).await;
        assert_eq!(again.outcome(), "completed", "{body}: {again:?}");
    }
    let (_notes, server) = ended(&[]).await;
    let usable = server.agent("alice").post("/v1/auth-requests", wanted).await;
    assert_eq!(usable.outcome(), "completed", "a token that can be refreshed is refreshed");
}
