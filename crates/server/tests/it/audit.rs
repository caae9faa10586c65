//! The audit log: what was done and by whom, in the transaction of the change, and whether it was
//! altered.

use astralform_engine::audit::{Broken, Verified};
use astralform_storage::Run as _;
use astralform_testkit::{Reply, TestServer};
use serde_json::{Value, json};

const LIST: &str = "slack_list_channels";

async fn entries(server: &TestServer, query: &str) -> Vec<Value> {
    let listed = server.admin().get(&server.project(&format!("/audit?{query}"))).await;
    assert_eq!(listed.status, 200, "{listed:?}");
    listed.body["data"].as_array().unwrap().clone()
}

fn actions(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect()
}

async fn verified(server: &TestServer) -> Vec<Verified> {
    server.app.engine().base().verify_audit().await.unwrap()
}

/// Returns the link of the project's chain that does not hold.
async fn broken(server: &TestServer) -> Option<Broken> {
    let project = server.tenant.project.to_string();
    let all = verified(server).await;
    all.into_iter().find(|chain| chain.chain == project).unwrap().broken
}

/// Does some things that the log has entries of.
async fn busy() -> TestServer {
    let server = TestServer::start().await;
    let admin = server.admin();
    for name in ["one", "two", "three", "four"] {
        let made = admin.post(&server.project("/agents"), json!({"name": name})).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    server
}

#[tokio::test]
async fn every_change_has_an_entry_with_who_did_it_and_what_was_so_before() {
    let server = TestServer::start().await;
    let admin = server.admin();
    admin.patch(&server.managed(""), json!({"tools": [LIST]})).await;
    let connection = server.connect("alice", LIST).await;
    admin.patch(&server.project(""), json!({"name": "Acme"})).await;
    let key = json!({"environment": "test", "name": "CI"});
    let key = admin.post(&server.project("/api-keys"), key).await;
    server.agent("alice").delete(&format!("/v1/connections/{connection}")).await;
    admin.delete(&server.managed("")).await;

    let all = entries(&server, "limit=100").await;
    let expected = [
        "connector.disabled",
        "connection.disconnected",
        "api_key.created",
        "project.changed",
        "connection.connected",
        "connector.changed",
        "connector.enabled",
    ];
    let found: Vec<_> =
        actions(&all).into_iter().filter(|action| expected.contains(action)).collect();
    assert_eq!(found[..2], expected[..2], "the newest come first");
    for action in expected {
        assert!(found.contains(&action), "{action} is not in {found:?}");
    }
    let of = |action: &str| all.iter().find(|entry| entry["action"] == action).unwrap();
    let changed = of("connector.changed");
    assert_eq!(changed["details"]["before"], json!({"tools": null}));
    assert_eq!(changed["details"]["after"], json!({"tools": [LIST]}));
    assert_eq!(changed["actor_email"], "owner@example.com");
    assert_eq!(
        (&changed["address"], &changed["environment"]),
        (&json!("127.0.0.1"), &json!("test"))
    );
    assert!(changed["request_id"].as_str().unwrap().starts_with("req_"));
    let connected = of("connection.connected");
    assert_eq!(
        (&connected["subject"], &connected["end_user_id"]),
        (&json!(connection), &json!("alice"))
    );
    assert!(connected["actor"].as_str().unwrap().starts_with("areq_"));
    assert!(of("connection.disconnected")["actor"].as_str().unwrap().starts_with("key_"));
    let key = key.body["api_key"].as_str().unwrap();
    assert!(!json!(all).to_string().contains(key), "no secret is in it");

    let one = entries(&server, "action=api_key.created&limit=1").await;
    assert_eq!(one[0]["details"]["after"]["name"], "CI");
    let about = entries(&server, "environment=test&end_user=alice").await;
    assert_eq!(actions(&about), ["connection.disconnected", "connection.connected"]);
    let refused = admin.get(&server.project("/audit?end_user=alice")).await;
    assert_eq!((refused.status, refused.code()), (400, "environment_required"));
    assert_eq!(broken(&server).await, None);
}

#[tokio::test]
async fn entries_are_listed_in_pages() {
    let server = busy().await;
    let mut path = server.project("/audit?limit=2&action=agent.created");
    let mut seen = Vec::new();
    loop {
        let page: Reply = server.admin().get(&path).await;
        let data = page.body["data"].as_array().unwrap().clone();
        seen.extend(data.iter().map(|entry| entry["number"].as_i64().unwrap()));
        let Some(next) = page.body["next_cursor"].as_str() else { break };
        path = server.project(&format!("/audit?limit=2&action=agent.created&cursor={next}"));
    }
    assert_eq!(seen.len(), 4);
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "{seen:?}");
}

#[tokio::test]
async fn an_end_user_who_is_deleted_is_named_by_no_entry() {
    let server = TestServer::start().await;
    server.connect("alice", LIST).await;
    let deleted = server.admin().delete(&server.project("/end-users/alice?environment=test")).await;
    assert_eq!(deleted.status, 200, "{deleted:?}");
    let all = entries(&server, "limit=100").await;
    assert!(all.iter().any(|entry| entry["action"] == "end_user.deleted"));
    assert!(!json!(all).to_string().contains("alice"), "{all:?}");
    let about = entries(&server, "environment=test&end_user=alice").await;
    assert_eq!(
        actions(&about),
        ["end_user.deleted", "connection.connected"],
        "who knows the id finds them"
    );
    assert_eq!(broken(&server).await, None);
}

#[tokio::test]
async fn what_an_end_user_may_change_without_an_end_makes_the_log_no_longer() {
    let server = TestServer::start().await;
    let connection = server.connect("alice", LIST).await;
    let before = entries(&server, "limit=1").await;
    let path = format!("/v1/connections/{connection}");
    for label in ["Work", "Home", "Work"] {
        let changed = server.agent("alice").patch(&path, json!({"label": label})).await;
        assert_eq!(changed.status, 200, "{changed:?}");
    }
    assert_eq!(entries(&server, "limit=1").await, before);
}

#[tokio::test]
async fn a_chain_that_cannot_be_pruned_keeps_no_other_from_it() {
    let server = busy().await;
    server.clock.advance(std::time::Duration::from_hours(366 * 24));
    tamper(
        &server,
        "WITH RECURSIVE numbers (number) AS
            (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 600)
         INSERT INTO audit_entries (chain, number, at, actor, action, subject, details, mac)
         SELECT 'nobody', number, 1, 'a', 'b', 'c', '{}', (SELECT mac FROM audit_heads LIMIT 1)
         FROM numbers",
    )
    .await;
    server.app.engine().janitor.prune().await;
    assert_eq!(entries(&server, "limit=100").await, <[Value; 0]>::default());
}

#[tokio::test]
async fn a_projects_end_stands_in_the_chain_of_its_team() {
    let server = TestServer::start().await;
    let team = server.admin().get("/v1/me").await.body["teams"][0]["id"].clone();
    let made = json!({"name": "Another", "team_id": team});
    let made = server.admin().post("/v1/projects", made).await;
    let project = made.body["id"].as_str().unwrap();
    let confirm = json!({"confirm": "Another"});
    let deleted = server.admin().delete_with(&format!("/v1/projects/{project}"), confirm).await;
    assert_eq!(deleted.status, 200, "{deleted:?}");
    let path = format!("/v1/teams/{}/audit", team.as_str().unwrap());
    let listed = server.admin().get(&path).await;
    let listed = listed.body["data"].as_array().unwrap();
    assert_eq!(actions(listed)[..2], ["project.deleted", "project.created"]);
    assert_eq!(listed[0]["subject"], project);
    assert!(verified(&server).await.iter().all(|chain| chain.broken.is_none()));
}

/// Changes the database as somebody without the master key would.
async fn tamper(server: &TestServer, sql: &'static str) {
    (&server.db).execute(sql, Vec::new()).await.unwrap();
}

#[tokio::test]
async fn b8_what_is_altered_removed_or_added_without_the_key_is_named() {
    for (sql, expected) in [
        ("UPDATE audit_entries SET actor = 'nobody' WHERE number = 2", Broken::Altered(2)),
        (
            "UPDATE audit_entries SET details = '{}' WHERE number = (SELECT number FROM audit_heads WHERE chain LIKE 'proj%')",
            Broken::Altered(0),
        ),
        ("DELETE FROM audit_entries WHERE number = 3", Broken::Missing(3)),
        (
            "DELETE FROM audit_entries WHERE number = (SELECT number FROM audit_heads WHERE chain LIKE 'proj%')",
            Broken::Missing(0),
        ),
        ("DELETE FROM audit_heads", Broken::NoHead),
        ("UPDATE audit_heads SET number = number - 1", Broken::Head),
        ("UPDATE audit_entries SET number = number + 100 WHERE number = 4", Broken::Missing(4)),
        (
            "INSERT INTO audit_entries (chain, number, at, actor, action, subject, details, mac)
             SELECT chain, number + 100, at, actor, action, subject, details, mac
             FROM audit_entries WHERE chain LIKE 'proj%' AND number = 2",
            Broken::Added(0),
        ),
    ] {
        let server = busy().await;
        let last = entries(&server, "limit=1").await[0]["number"].as_i64().unwrap();
        assert!(last > 4, "the last entry is none of the first four");
        assert_eq!(broken(&server).await, None);
        tamper(&server, sql).await;
        let expected = match expected {
            Broken::Altered(0) => Broken::Altered(last),
            Broken::Missing(0) => Broken::Missing(last),
            Broken::Added(0) => Broken::Added(last),
            other => other,
        };
        assert_eq!(broken(&server).await, Some(expected), "{sql}");
    }
}

#[tokio::test]
async fn b8_a_chain_that_is_taken_away_whole_is_named_and_does_not_begin_anew() {
    let server = busy().await;
    tamper(&server, "DELETE FROM audit_entries WHERE chain LIKE 'proj%'").await;
    tamper(&server, "DELETE FROM audit_heads WHERE chain LIKE 'proj%'").await;
    assert_eq!(broken(&server).await, Some(Broken::NoHead));
    let made = server.admin().post(&server.project("/agents"), json!({"name": "five"})).await;
    assert_eq!(made.status, 500, "{made:?}");
    assert_eq!(broken(&server).await, Some(Broken::NoHead));
}

#[tokio::test]
async fn what_is_written_while_the_log_is_verified_is_nothing_that_was_added() {
    let server = busy().await;
    let admin = server.admin();
    let path = server.project("/agents");
    let writing = async {
        for number in 0..30 {
            let made = admin.post(&path, json!({"name": format!("agent-{number}")})).await;
            assert_eq!(made.status, 201, "{made:?}");
        }
    };
    let verifying = async {
        for _ in 0..60 {
            assert_eq!(broken(&server).await, None);
        }
    };
    tokio::join!(writing, verifying);
}

#[tokio::test]
async fn b8_a_whole_chain_that_is_written_anew_without_the_key_is_named() {
    let server = busy().await;
    tamper(
        &server,
        "UPDATE audit_entries SET number = number - 1, mac = (SELECT mac FROM audit_heads LIMIT 1)
         WHERE number > 1000000",
    )
    .await;
    assert_eq!(broken(&server).await, None, "nothing was changed by that");
    tamper(&server, "DELETE FROM audit_entries WHERE number > 2").await;
    tamper(
        &server,
        "UPDATE audit_heads SET number = 2, mac =
            (SELECT mac FROM audit_entries
             WHERE audit_entries.chain = audit_heads.chain AND audit_entries.number = 2)
         WHERE chain LIKE 'proj%'",
    )
    .await;
    assert_eq!(broken(&server).await, Some(Broken::Head));
}

#[tokio::test]
async fn b8_a_change_that_the_log_does_not_take_does_not_happen_and_a_revocation_does() {
    let server = TestServer::start().await;
    let connection = server.connect("alice", LIST).await;
    tamper(&server, "ALTER TABLE audit_entries RENAME TO audit_entries_away").await;
    let made = server.admin().post(&server.project("/agents"), json!({"name": "one"})).await;
    assert_eq!(made.status, 500, "{made:?}");
    let ended = server.agent("alice").delete(&format!("/v1/connections/{connection}")).await;
    assert_eq!(ended.status, 204, "{ended:?}");
    tamper(&server, "ALTER TABLE audit_entries_away RENAME TO audit_entries").await;
    let listed = server.admin().get(&server.project("/agents")).await;
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 1, "the default one alone");
    let made = server.admin().post(&server.project("/agents"), json!({"name": "one"})).await;
    assert_eq!(made.status, 201, "{made:?}");
    let next = entries(&server, "limit=1").await;
    assert_eq!(actions(&next), ["agent.created"]);
    let ended = server.connect("bob", LIST).await;
    server.agent("bob").delete(&format!("/v1/connections/{ended}")).await;
    let next = entries(&server, "action=connection.disconnected").await;
    assert_eq!(next[0]["details"]["unrecorded_before"], 1);
    assert_eq!(broken(&server).await, None);
}

#[tokio::test]
async fn old_entries_go_and_the_chain_still_holds() {
    let server = busy().await;
    server.clock.advance(std::time::Duration::from_hours(366 * 24));
    let made = server.admin().post(&server.project("/agents"), json!({"name": "five"})).await;
    assert_eq!(made.status, 201, "{made:?}");
    let chain = server.app.engine().base().project_chain(server.tenant.project).await.unwrap();
    let engine = server.app.engine();
    let base = engine.base();
    assert!(chain.prune(base).await.unwrap() >= 4);
    assert_eq!(chain.prune(base).await.unwrap(), 0);
    assert_eq!(actions(&entries(&server, "limit=100").await), ["agent.created"]);
    assert_eq!(broken(&server).await, None);
    tamper(&server, "UPDATE audit_heads SET removed = removed - 1 WHERE chain LIKE 'proj%'").await;
    assert_eq!(broken(&server).await, Some(Broken::Head));
}
