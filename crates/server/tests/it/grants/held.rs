//! Tokens that a working connection holds are not ended with a consent that came to nothing.

use serde_json::json;

use astralform_testkit::{Setup, TestServer};

use super::notes::{Answer, LIST, Notes, SEND, call, connect, consent, token};

fn away() -> Answer {
    Answer::json(503, &json!({}))
}

/// Asks for one scope more, and goes through the consent.
async fn widen(server: &TestServer, end_user: &str) -> String {
    let wanted = json!({"connector": "notes", "scopes": ["notes:share"]});
    let asked = server.agent(end_user).post("/v1/auth-requests", wanted).await;
    consent(asked.link()).await.outcome()
}

/// Returns the tokens that were revoked, after all that is to be.
async fn revoked(notes: &Notes, server: &TestServer) -> Vec<String> {
    server.app.engine().revocations.work_off_all().await.unwrap();
    let named = |body: &str| {
        let pairs = url::form_urlencoded::parse(body.as_bytes()).into_owned();
        pairs.into_iter().find(|(name, _)| name == "token").unwrap().1
    };
    notes.asked("/revoke").iter().map(|asked| named(&asked.body)).collect()
}

#[tokio::test]
async fn a_consent_that_fails_leaves_a_token_alone_that_a_connection_holds() {
    for (again, ended) in [
        (json!({}), &[][..]),
        (json!({"refresh_token": null}), &[]),
        (json!({"access_token": "t2"}), &[]),
        (json!({"refresh_token": "r2"}), &[]),
        (json!({"access_token": "t2", "refresh_token": "r2"}), &["r2"]),
    ] {
        let notes = Notes::start().await;
        let server = notes.server(&[]).await;
        connect(&server, "alice").await;
        notes.says("/token", token(&again));
        notes.says_once("/me", away());
        assert_eq!(widen(&server, "alice").await, "failed");
        assert_eq!(revoked(&notes, &server).await, ended, "{again}");
        assert_eq!(call(&server, LIST).await.outcome(), "completed");
    }
}

#[tokio::test]
async fn where_each_token_ends_alone_only_the_one_that_nobody_holds_is_ended() {
    let each = [("  style: rfc7009\n", "  style: rfc7009\n  tokens: each\n")];
    for (again, ended) in [
        (json!({"access_token": "t2"}), &["t2"][..]),
        (json!({"refresh_token": "r2"}), &["r2"]),
        (json!({}), &[]),
    ] {
        let notes = Notes::start().await;
        let server = notes.server(&each).await;
        connect(&server, "alice").await;
        notes.says("/token", token(&again));
        notes.says_once("/me", away());
        assert_eq!(widen(&server, "alice").await, "failed");
        assert_eq!(revoked(&notes, &server).await, ended, "{again}");
    }
}

#[tokio::test]
async fn a_token_that_another_user_holds_is_left_alone_whether_its_account_is_known_or_not() {
    let notes = Notes::start().await;
    let server = notes.server(&[]).await;
    connect(&server, "alice").await;
    let asked = server.agent("bob").call(LIST, json!({})).await;
    notes.says_once("/me", away());
    assert_eq!(consent(asked.link()).await.outcome(), "failed");
    notes.says("/token", token(&json!({"scope": "other"})));
    let asked = server.agent("bob").call(LIST, json!({})).await;
    assert_eq!(consent(asked.link()).await.outcome(), "failed", "nothing granted");
    assert_eq!(revoked(&notes, &server).await, [""; 0]);
    assert_eq!(call(&server, SEND).await.outcome(), "completed");
}

/// The last one that held it takes it along.
#[tokio::test]
async fn a_token_is_ended_with_the_last_connection_that_holds_it() {
    let notes = Notes::start().await;
    let server = notes.server(&[]).await;
    connect(&server, "alice").await;
    connect(&server, "bob").await;
    for (end_user, ended) in [("bob", 0), ("alice", 1)] {
        let agent = server.agent(end_user);
        let id = agent.get("/v1/connections").await.body["data"][0]["id"].clone();
        agent.delete(&format!("/v1/connections/{}", id.as_str().unwrap())).await;
        assert_eq!(revoked(&notes, &server).await.len(), ended, "{end_user}");
    }
}

#[tokio::test]
async fn slack_out_for_a_moment_costs_nobody_a_connection_in_the_sandbox() {
    const SLACK: &str = "slack_list_channels";
    let server = TestServer::start().await;
    server.connect("alice", SLACK).await;
    let wanted = json!({"connector": "slack", "scopes": ["groups:read"]});
    let asked = server.agent("alice").post("/v1/auth-requests", wanted).await;
    let once = astralform_simulator::Times::Next(1);
    server.slack().inject("auth.test", astralform_simulator::Fault::Status(503), once).unwrap();
    assert_eq!(server.browser().connect(asked.link(), "Allow").await.outcome(), "failed");
    server.app.engine().revocations.work_off_all().await.unwrap();
    assert_eq!(server.slack_requests("auth.revoke"), 0);
    let called = server.agent("alice").call(SLACK, json!({})).await;
    assert_eq!(called.outcome(), "completed", "{called:?}");
}

/// Deleting the grant with the account's last connection ends what its refresh token would buy.
#[tokio::test]
async fn the_grant_of_an_account_is_ended_with_its_last_connection_where_a_refresh_token_lives_on()
{
    const GITHUB: &str = "github_list_repos";
    let setup = Setup { sandboxed: "github", token_rotation: true, ..Setup::default() };
    let server = TestServer::with(setup).await;
    for end_user in ["alice", "bob"] {
        let asked = server.agent(end_user).call(GITHUB, json!({})).await;
        let page = server.browser().connect(asked.link(), "Authorize").await;
        assert_eq!(page.outcome(), "completed", "{page:?}");
    }
    let tokens = || server.github().grants()[0].live_access_tokens;
    assert_eq!(tokens(), 2, "of the one account");
    let bob = server.agent("bob");
    let id = bob.get("/v1/connections").await.body["data"][0]["id"].clone();
    bob.delete(&format!("/v1/connections/{}", id.as_str().unwrap())).await;
    assert_eq!(tokens(), 1, "the grant goes on as long as alice needs it");
    assert_eq!(server.agent("alice").call(GITHUB, json!({})).await.outcome(), "completed");

    server.admin().delete(&server.managed("")).await;
    server.app.engine().revocations.work_off_all().await.unwrap();
    assert!(server.github().grants().is_empty(), "{:?}", server.github().grants());
    let listed = server.admin().get(&server.project("/revocations?environment=test")).await;
    let receipts = listed.body["data"].as_array().unwrap().clone();
    let statuses: Vec<_> = receipts.iter().map(|receipt| receipt["status"].clone()).collect();
    assert!(statuses.contains(&json!("provider_confirmed")), "{receipts:?}");
}
