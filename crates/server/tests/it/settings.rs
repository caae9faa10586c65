//! What changing a connector's app and addresses does to its connections.

mod provider;

use astralform_domain::Actor;
use std::time::Duration;

use astralform_storage::project_connectors;
use astralform_testkit::{Reply, TestServer};
use provider::Provider;
use serde_json::{Value, json};

const TOOL: &str = "notes_list";
const OLD: &str = "old-secret-0123456789";
const NEW: &str = "new-secret-0123456789";

async fn change(server: &TestServer, change: Value) -> Reply {
    server.admin().patch(&server.managed(""), change).await
}

fn secret(secret: &str) -> Value {
    json!({"credentials": {"client_secret": secret}})
}

async fn connect(server: &TestServer, end_user: &str) -> Reply {
    let agent = server.agent(end_user);
    let asked = agent.call(TOOL, json!({})).await;
    server.browser().to_provider(asked.link()).await;
    agent.call(TOOL, json!({})).await
}

#[tokio::test]
async fn the_provider_says_whether_it_takes_the_credentials() {
    let provider = Provider::start(&[OLD]).await;
    let server = provider.server(OLD).await;
    let check = async || server.admin().post(&server.managed("/check"), json!({})).await.body;
    assert_eq!(check().await["credentials"], "accepted");
    provider.accept(&[NEW]);
    let rejected = check().await;
    assert_eq!(rejected["credentials"], "rejected");
    assert_eq!(rejected["reason"], "invalid_client");
    provider.set_down(true);
    assert_eq!(check().await["credentials"], "unknown");
}

#[tokio::test]
async fn a_new_secret_of_the_same_app_keeps_connections() {
    let provider = Provider::start(&[OLD, NEW]).await;
    let server = provider.server(OLD).await;
    assert_eq!(connect(&server, "alice").await.outcome(), "completed");
    let changed = change(&server, secret(NEW)).await;
    assert_eq!(changed.body["credentials"]["client_secret_hint"], "…6789", "{changed:?}");
    assert_eq!(changed.body["connections"]["active"], 1);
    assert_eq!(server.agent("alice").call(TOOL, json!({})).await.outcome(), "completed");

    assert_eq!(connect(&server, "bob").await.outcome(), "completed");
    assert_eq!(provider.shown(), [OLD, OLD, NEW, NEW], "enabled, alice, the check, bob");
}

#[tokio::test]
async fn a_secret_that_the_provider_refuses_is_not_stored() {
    let provider = Provider::start(&[OLD]).await;
    let server = provider.server(OLD).await;
    let before = server.admin().get(&server.managed("")).await.body;
    let refused = change(&server, secret(NEW)).await;
    assert_eq!((refused.status, refused.code()), (422, "credentials_rejected"));
    assert!(!format!("{refused:?}").contains(NEW));
    assert_eq!(server.admin().get(&server.managed("")).await.body, before);
    assert_eq!(connect(&server, "alice").await.outcome(), "completed");
}

#[tokio::test]
async fn a_connector_is_not_enabled_with_an_app_that_the_provider_refuses() {
    let provider = Provider::start(&[OLD]).await;
    let server = provider.server(OLD).await;
    let all = format!("/v1/projects/{}/connectors", server.tenant.project);
    let one = format!("{all}/{}?environment=live", server.slug);
    let enable = |secret: &str| {
        let credentials = json!({"client_id": "app", "client_secret": secret});
        json!({"connector": server.slug, "environment": "live", "credentials": credentials})
    };
    let refused = server.admin().post(&all, enable(NEW)).await;
    assert_eq!((refused.status, refused.code()), (422, "credentials_rejected"), "{refused:?}");
    assert_eq!(server.admin().get(&one).await.status, 404, "nothing is stored");
    provider.set_down(true);
    let unanswered = server.admin().post(&all, enable(NEW)).await;
    assert_eq!(unanswered.status, 201, "nobody said that it is wrong: {unanswered:?}");
    provider.set_down(false);
    let shown = provider.shown().len();
    let again = server.admin().post(&all, enable(NEW)).await;
    assert_eq!((again.status, again.code()), (409, "already_enabled"), "{again:?}");
    assert_eq!(provider.shown().len(), shown, "what is enabled already is shown to nobody");
}

#[tokio::test]
async fn the_old_secret_is_tried_for_seven_days_where_the_new_one_is_refused() {
    let provider = Provider::start(&[OLD, NEW]).await;
    let server = provider.server(OLD).await;
    change(&server, secret(NEW)).await;
    provider.accept(&[OLD]);
    assert_eq!(connect(&server, "alice").await.outcome(), "completed");
    assert_eq!(provider.shown()[2..], [NEW, OLD]);
    server.clock.advance(Duration::from_hours(7 * 24));
    assert_eq!(connect(&server, "bob").await.outcome(), "auth_required");
    assert_eq!(provider.shown()[4..], [NEW]);
}

#[tokio::test]
async fn another_app_makes_every_connection_one_to_renew_once_that_is_confirmed() {
    let provider = Provider::start(&[OLD, NEW]).await;
    let server = provider.server(OLD).await;
    connect(&server, "alice").await;
    connect(&server, "bob").await;
    let pending = server.agent("carol").call(TOOL, json!({})).await;
    let mut other = json!({"credentials": {"client_id": "other-app", "client_secret": NEW}});
    for wrong in [json!(null), json!(1), json!(3)] {
        other["confirm_reconnects"] = wrong;
        let refused = change(&server, other.clone()).await;
        assert_eq!((refused.status, refused.code()), (409, "confirmation_required"));
        assert!(refused.body["detail"].as_str().unwrap().contains("connect again: 2;"));
    }
    assert_eq!(server.agent("alice").call(TOOL, json!({})).await.outcome(), "completed");

    other["confirm_reconnects"] = json!(2);
    let changed = change(&server, other).await;
    let counts = &changed.body["connections"];
    assert_eq!((&counts["active"], &counts["needs_reauth"]), (&json!(0), &json!(2)), "{changed:?}");
    let agent = server.agent("alice");
    let listed = agent.get("/v1/connections").await;
    assert_eq!(listed.body["data"][0]["reason"], "client_changed");
    let asked = agent.call(TOOL, json!({})).await;
    assert_eq!(asked.body["auth_request"]["reason"], "needs_reauth");
    assert_eq!(server.ended(&pending).await.body["failure"], "settings_changed");
    assert_eq!(connect(&server, "alice").await.outcome(), "completed");
}

#[tokio::test]
async fn v2_other_addresses_take_the_apps_secret_and_every_users_consent_again() {
    let provider = Provider::start(&[OLD]).await;
    let evil = Provider::start(&[OLD]).await;
    let server = provider.server(OLD).await;
    connect(&server, "alice").await;
    let at = |path: &str| evil.base.join(path).unwrap().to_string();
    let endpoints = json!({"token_url": at("/token"), "api_base_url": at("/")});
    let mut elsewhere = json!({"endpoints": endpoints});
    let refused = change(&server, elsewhere.clone()).await;
    assert_eq!((refused.status, refused.code()), (422, "credentials_required"));

    elsewhere["credentials"] = json!({"client_secret": OLD});
    assert_eq!(change(&server, elsewhere.clone()).await.code(), "confirmation_required");
    elsewhere["confirm_reconnects"] = json!(1);
    let changed = change(&server, elsewhere).await;
    let redirect_uri = changed.body["redirect_uri"].as_str().unwrap();
    assert!(redirect_uri.ends_with(changed.body["id"].as_str().unwrap()), "one of its own");
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    assert_eq!(asked.body["auth_request"]["reason"], "needs_reauth", "{asked:?}");
}

/// Puts the addresses of `evil` into the row, and its host among those of the secret, or not.
async fn edit(server: &TestServer, evil: &Provider, hosts_too: bool) {
    let found = project_connectors::by_slug(&server.db, server.tenant, &server.slug).await;
    let mut edited = found.unwrap().unwrap();
    edited.endpoints.token_url = Some(evil.base.join("/token").unwrap().to_string());
    edited.endpoints.api_base_url = Some(evil.base.to_string());
    if hosts_too {
        let host = evil.base.as_str().trim_end_matches('/').to_owned();
        edited.hosts = edited.hosts.iter().map(ToOwned::to_owned).chain([host]).collect();
    }
    let mut tx = server.db.begin(Actor::Product).await.unwrap();
    project_connectors::update(&mut tx, &edited).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn v2_addresses_edited_in_the_database_get_no_secret() {
    for hosts_too in [false, true] {
        let provider = Provider::start(&[OLD]).await;
        let evil = Provider::start(&[OLD]).await;
        let server = provider.server(OLD).await;
        connect(&server, "alice").await;
        edit(&server, &evil, hosts_too).await;
        let called = server.agent("alice").call(TOOL, json!({})).await;
        assert_ne!(called.outcome(), "completed", "{called:?}");
        let asked = server.agent("bob").call(TOOL, json!({})).await;
        if asked.outcome() == "auth_required" {
            server.browser().to_provider(asked.link()).await;
        }
        let checked = server.admin().post(&server.managed("/check"), json!({})).await;
        assert_ne!(checked.status, 200, "{checked:?}");
        assert_eq!(evil.shown(), [""; 0], "hosts edited too: {hosts_too}");
    }
}

#[tokio::test]
async fn v2_a_new_secret_does_not_go_to_addresses_that_nobody_entered() {
    for hosts_too in [false, true] {
        let provider = Provider::start(&[OLD]).await;
        let evil = Provider::start(&[NEW]).await;
        let server = provider.server(OLD).await;
        edit(&server, &evil, hosts_too).await;
        let refused = change(&server, secret(NEW)).await;
        assert_eq!((refused.status, refused.code()), (422, "endpoints_required"), "{refused:?}");
        assert_eq!(evil.shown(), [""; 0], "hosts edited too: {hosts_too}");
    }
}

#[tokio::test]
async fn a_secret_that_is_entered_twice_does_not_retire_itself() {
    let provider = Provider::start(&[OLD, NEW]).await;
    let server = provider.server(OLD).await;
    for _ in 0..2 {
        assert_eq!(change(&server, secret(NEW)).await.status, 200);
    }
    provider.accept(&[OLD]);
    assert_eq!(connect(&server, "alice").await.outcome(), "completed", "the old one is tried");
}
