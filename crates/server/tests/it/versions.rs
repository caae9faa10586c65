//! Versions of project connectors: a change that is meant for what its sender has seen is made of
//! nothing else.

use astralform_testkit::{Reply, TestServer};
use serde_json::{Value, json};

async fn shown(server: &TestServer) -> Reply {
    server.admin().get(&server.managed("")).await
}

async fn change(server: &TestServer, version: i64, change: Value) -> Reply {
    server.admin().patch_if(&server.managed(""), version, change).await
}

fn assert_version(reply: &Reply, version: i64) {
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.body["version"], version, "{reply:?}");
    assert_eq!(reply.etag, Some(format!("\"{version}\"")), "{reply:?}");
}

#[tokio::test]
async fn each_change_of_a_connector_has_a_version() {
    let server = TestServer::start().await;
    assert_version(&shown(&server).await, 1);
    for (change_body, version) in [
        (json!({"is_enabled": false}), 2),
        (json!({"is_enabled": true}), 3),
        (json!({"tools": ["slack_list_channels"]}), 4),
        (json!({"credentials": {"client_secret": "another-secret"}}), 5),
    ] {
        assert_version(&change(&server, version - 1, change_body).await, version);
        assert_version(&shown(&server).await, version);
    }
}

#[tokio::test]
async fn what_changes_nothing_makes_no_version() {
    let server = TestServer::start().await;
    for nothing in [json!({}), json!({"is_enabled": true}), json!({"tools": null})] {
        assert_version(&change(&server, 1, nothing).await, 1);
    }
    let secret = json!({"credentials": {"client_secret": "another-secret"}});
    assert_version(&change(&server, 1, secret.clone()).await, 2);
    assert_version(&change(&server, 2, secret).await, 2);
    server.connect("alice", "slack_list_channels").await;
    assert_version(&shown(&server).await, 2);
}

#[tokio::test]
async fn a_change_that_is_meant_for_another_version_changes_nothing() {
    let server = TestServer::start().await;
    assert_version(&change(&server, 1, json!({"is_enabled": false})).await, 2);
    let before = shown(&server).await.body;
    for stale in [
        json!({"is_enabled": true}),
        json!({}),
        json!({"credentials": {"client_secret": "another-secret"}}),
    ] {
        let refused = change(&server, 1, stale).await;
        assert_eq!((refused.status, refused.code()), (412, "version_changed"), "{refused:?}");
        assert!(refused.body["detail"].as_str().unwrap().contains("version 2"), "{refused:?}");
        assert_eq!(shown(&server).await.body, before);
    }
    let resume = json!({"is_enabled": true});
    assert_version(&server.admin().patch(&server.managed(""), resume).await, 3);
}

#[tokio::test]
async fn of_changes_that_are_meant_for_the_same_version_one_is_made() {
    let server = TestServer::start().await;
    let (one, other, third) = tokio::join!(
        change(&server, 1, json!({"tools": ["slack_list_channels"]})),
        change(&server, 1, json!({"require_auth": false})),
        change(&server, 1, json!({"credentials": {"client_secret": "another-secret"}})),
    );
    let mut statuses = [one.status, other.status, third.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412], "{one:?} {other:?} {third:?}");
    assert_version(&shown(&server).await, 2);
}

#[tokio::test]
async fn another_connector_of_the_same_name_begins_anew() {
    let server = TestServer::start().await;
    assert_version(&change(&server, 1, json!({"is_enabled": false})).await, 2);
    server.admin().delete(&server.managed("")).await;
    let wanted = json!({"connector": "slack", "environment": "test", "sandbox": true});
    let enabled = server.admin().post(&server.project("/connectors"), wanted).await;
    assert_eq!((enabled.status, &enabled.body["version"]), (201, &json!(1)), "{enabled:?}");
}
