//! Whoever administers looks for connections, ends them, and reads what became of them.

use astralform_testkit::{Agent, Reply, Setup, TestServer};
use serde_json::{Value, json};

use crate::ending::{Ending, Mood, fill};

const SLACK: &str = "slack_list_channels";

/// Returns an address below the project, in its environment.
fn at(server: &TestServer, rest: &str) -> String {
    let separator = if rest.contains('?') { '&' } else { '?' };
    server.project(&format!("{rest}{separator}environment={}", server.tenant.environment))
}

async fn ids(admin: &Agent, path: &str) -> Vec<String> {
    let listed = admin.get(path).await;
    assert_eq!(listed.status, 200, "{listed:?}");
    let rows = listed.body["data"].as_array().unwrap().iter();
    rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

async fn revoke(server: &TestServer, body: Value) -> Reply {
    server.admin().post(&at(server, "/connections/revoke"), body).await
}

async fn counts(server: &TestServer) -> Value {
    server.admin().get(&at(server, "/revocations")).await.body["counts"].clone()
}

async fn connected() -> TestServer {
    let server = TestServer::start().await;
    for end_user in ["alice", "bob", "carol"] {
        server.connect(end_user, SLACK).await;
    }
    server
}

#[tokio::test]
async fn connections_are_searched_and_read_page_by_page() {
    let server = connected().await;
    let admin = server.admin();
    let all = ids(&admin, &at(&server, "/connections")).await;
    assert_eq!(all.len(), 3);
    let first = admin.get(&at(&server, "/connections?limit=2")).await;
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let rest = at(&server, &format!("/connections?limit=2&cursor={cursor}"));
    assert_eq!(ids(&admin, &rest).await, all[2..]);
    for (query, expected) in [
        ("connector=slack", 3),
        ("connector=notion", 0),
        ("end_user_id=alice", 1),
        ("end_user_id=dave", 0),
        ("status=active", 3),
        ("status=revoked", 0),
        ("used_since=2100-01-01T00:00:00Z", 0),
    ] {
        let found = ids(&admin, &at(&server, &format!("/connections?{query}"))).await;
        assert_eq!(found.len(), expected, "{query}");
    }
    let live = server.project("/connections?environment=live");
    assert_eq!(ids(&admin, &live).await, [""; 0]);
    let bad = admin.get(&at(&server, "/connections?status=broken")).await;
    assert_eq!((bad.status, bad.code()), (400, "invalid_query"));
    let alices = ids(&admin, &at(&server, "/connections?end_user_id=alice")).await;
    let shown = admin.get(&at(&server, &format!("/connections/{}", alices[0]))).await;
    assert_eq!(shown.body["end_user_id"], "alice");
    assert_eq!(
        (&shown.body["connector"], &shown.body["revocation"]),
        (&json!("slack"), &json!(null))
    );
    let elsewhere = server.project(&format!("/connections/{}?environment=live", all[0]));
    assert_eq!(admin.get(&elsewhere).await.code(), "unknown_connection");
}

#[tokio::test]
async fn b6_a_connection_that_is_revoked_for_its_owner_is_dead_here_and_at_the_provider() {
    let server = TestServer::start().await;
    server.connect("bob", SLACK).await;
    let admin = server.admin();
    let id = ids(&admin, &at(&server, "/connections?end_user_id=bob")).await.remove(0);
    let path = at(&server, &format!("/connections/{id}"));
    assert_eq!(admin.delete(&path).await.status, 204);
    assert_eq!(server.agent("bob").call(SLACK, json!({})).await.outcome(), "auth_required");
    assert_eq!(server.slack_requests("auth.revoke"), 1);
    let shown = admin.get(&path).await.body;
    assert_eq!(shown["status"], "revoked");
    assert_eq!(shown["reason"], "admin_revoked");
    assert_eq!(shown["revocation"], "provider_confirmed");
    assert_eq!(admin.delete(&path).await.code(), "unknown_connection");
}

#[tokio::test]
async fn b6_many_are_counted_first_and_then_revoked_at_once() {
    let server = connected().await;
    for (body, code) in [
        (json!({}), "invalid_selection"),
        (json!({"all": true, "connector": "slack"}), "invalid_selection"),
        (json!({"everything": true}), "invalid_body"),
    ] {
        assert_eq!(revoke(&server, body).await.code(), code);
    }
    let expected = |revoked, connections, seconds| {
        let by_connector = json!([
            {"connector": "slack", "connections": connections, "estimated_seconds": seconds}
        ]);
        json!({
            "revoked": revoked, "connections": connections, "estimated_seconds": seconds,
            "connectors": by_connector,
        })
    };
    let dry = revoke(&server, json!({"all": true, "dry_run": true})).await;
    assert_eq!(dry.body, expected(false, 3, 4), "50 a minute");
    assert_eq!(server.agent("alice").call(SLACK, json!({})).await.outcome(), "completed");
    let one = revoke(&server, json!({"connector": "slack", "end_user_id": "alice"})).await;
    assert_eq!(one.body, expected(true, 1, 2));
    assert_eq!(server.agent("alice").call(SLACK, json!({})).await.outcome(), "auth_required");
    assert_eq!(server.agent("bob").call(SLACK, json!({})).await.outcome(), "completed");
    let rest = revoke(&server, json!({"all": true})).await;
    assert_eq!(rest.body, expected(true, 2, 3));
    assert_eq!(server.agent("bob").call(SLACK, json!({})).await.outcome(), "auth_required");
    let pending = json!({
        "pending": 3, "provider_confirmed": 0, "provider_cannot": 0, "gave_up": 0
    });
    assert_eq!(counts(&server).await, pending);
    server.app.engine().revocations.work_off_all().await.unwrap();
    assert_eq!(counts(&server).await["provider_confirmed"], 3);
    assert!(server.slack().grants().is_empty());
}

#[tokio::test]
async fn b6_receipts_are_listed_and_exported_and_no_cell_is_a_formula() {
    let provider = Ending::start().await;
    let server = TestServer::with(provider.setup()).await;
    fill(&server, 3).await;
    provider.be(Mood::Refusing);
    revoke(&server, json!({"all": true})).await;
    server.app.engine().revocations.work_off_all().await.unwrap();
    let admin = server.admin();
    let page = admin.get(&at(&server, "/revocations?limit=2")).await;
    assert_eq!(page.body["data"].as_array().unwrap().len(), 2);
    let row = &page.body["data"][0];
    assert_eq!((&row["status"], &row["attempts"]), (&json!("pending"), &json!(1)));
    assert_eq!(row["last_error"], "not confirmed: status 400");
    let end_user = row["end_user_id"].as_str().unwrap();
    assert!(end_user.starts_with("user-") && row["finished_at"].is_null(), "{row}");
    let cursor = page.body["next_cursor"].as_str().unwrap();
    let next = admin.get(&at(&server, &format!("/revocations?limit=2&cursor={cursor}"))).await;
    assert_eq!(next.body["data"].as_array().unwrap().len(), 1);
    assert_eq!(next.body["next_cursor"], json!(null));
    for (query, expected) in
        [("status=pending", 3), ("status=gave_up", 0), ("connector=notes", 3), ("connector=x", 0)]
    {
        let found = admin.get(&at(&server, &format!("/revocations?{query}"))).await;
        assert_eq!(found.body["data"].as_array().unwrap().len(), expected, "{query}");
    }

    let table = admin.get(&at(&server, "/revocations?format=csv")).await;
    let lines: Vec<_> = table.body.as_str().unwrap().lines().collect();
    assert_eq!(
        lines[0],
        "connection_id,connector,end_user_id,status,attempts,last_error,requested_at,finished_at"
    );
    assert_eq!(lines.len(), 4);
    let line = format!(",notes,{end_user},pending,1,not confirmed: status 400,");
    assert!(lines[1].contains(&line), "{lines:?}");
}

#[tokio::test]
async fn b6_a_formula_that_an_end_user_is_called_is_a_text_in_the_table() {
    let server = TestServer::start().await;
    let hostile = "=HYPERLINK(\"http://evil.example\")";
    server.connect(hostile, SLACK).await;
    revoke(&server, json!({"all": true})).await;
    let table = server.admin().get(&at(&server, "/revocations?format=csv")).await;
    let expected = ",slack,\"'=HYPERLINK(\"\"http://evil.example\"\")\",pending,";
    assert!(table.body.as_str().unwrap().contains(expected), "{table:?}");
}

#[tokio::test]
async fn b6_a_deleted_end_user_leaves_nothing_that_works_and_no_account() {
    let server = connected().await;
    let opened = server.backend().post("/v1/sessions", json!({"end_user_id": "alice"})).await;
    let session = opened.body["token"].as_str().unwrap().to_owned();
    let session = server.agent_with_key(&session, "alice").naming(None);
    assert_eq!(session.call(SLACK, json!({})).await.outcome(), "completed");
    let path = at(&server, "/end-users/alice");
    let deleted = server.admin().delete(&path).await;
    let expected = json!({"revoked_connections": 1, "ended_sessions": 1, "revoked_api_keys": 0});
    assert_eq!(deleted.body, expected);
    assert_eq!(session.call(SLACK, json!({})).await.status, 401);
    assert_eq!(server.agent("alice").call(SLACK, json!({})).await.outcome(), "auth_required");
    assert_eq!(server.agent("bob").call(SLACK, json!({})).await.outcome(), "completed");
    server.app.engine().revocations.work_off_all().await.unwrap();
    let rows = server.admin().get(&at(&server, "/connections?end_user_id=alice")).await;
    let row = &rows.body["data"][0];
    assert_eq!(row["reason"], "end_user_deleted");
    assert_eq!(row["account"], json!({"id": "", "label": ""}));
    let unknown = server.admin().delete(&at(&server, "/end-users/nobody")).await;
    assert_eq!((unknown.status, unknown.code()), (404, "unknown_end_user"));
}

#[tokio::test]
async fn b6_a_deleted_project_is_dead_at_once_and_its_receipts_can_be_read() {
    let server = connected().await;
    let opened = server.backend().post("/v1/sessions", json!({"end_user_id": "alice"})).await;
    let session = opened.body["token"].as_str().unwrap().to_owned();
    let session = server.agent_with_key(&session, "alice").naming(None);
    let asked = server.agent("dave").call(SLACK, json!({})).await;
    let admin = server.admin();
    let path = server.project("");
    for body in [json!({"confirm": "Other project"}), json!({"confirm": ""})] {
        let refused = admin.delete_with(&path, body).await;
        assert_eq!((refused.status, refused.code()), (422, "not_confirmed"));
    }
    assert_eq!(server.agent("alice").call(SLACK, json!({})).await.outcome(), "completed");

    let deleted = admin.delete_with(&path, json!({"confirm": "Test project"})).await;
    let expected = json!({"revoked_connections": 3, "ended_sessions": 1, "revoked_api_keys": 1});
    assert_eq!(deleted.body, expected, "{deleted:?}");
    for gone in [
        server.agent("alice").call(SLACK, json!({})).await,
        session.call(SLACK, json!({})).await,
        server.backend().get("/v1/connections").await,
    ] {
        assert_eq!((gone.status, gone.code()), (401, "unauthorized"));
    }
    for gone in [
        admin.get(&server.managed("")).await,
        admin.get(&at(&server, "/connections")).await,
        admin.delete_with(&path, json!({"confirm": "Test project"})).await,
    ] {
        assert_eq!((gone.status, gone.code()), (404, "not_found"));
    }
    assert_eq!(admin.get("/v1/projects").await.body["data"], json!([]));
    let page = server.browser().visit(asked.link()).await;
    assert_eq!(page.outcome(), "failed", "prompts lead nowhere");

    server.app.engine().revocations.work_off_all().await.unwrap();
    assert!(server.slack().grants().is_empty());
    assert_eq!(counts(&server).await["provider_confirmed"], 3);
}

#[tokio::test]
async fn whoever_only_works_on_a_project_ends_one_connection_and_not_all() {
    let server = connected().await;
    let member = server.member("member").await;
    let id = ids(&member, &at(&server, "/connections")).await.remove(0);
    for refused in [
        member.post(&at(&server, "/connections/revoke"), json!({"all": true})).await,
        member.delete(&at(&server, "/end-users/alice")).await,
    ] {
        assert_eq!((refused.status, refused.code()), (403, "admins_only"));
    }
    for role in ["member", "admin"] {
        let person = server.member(role).await;
        let path = server.project("");
        let confirm = json!({"confirm": "Test project"});
        let refused = person.delete_with(&path, confirm).await;
        assert_eq!((refused.status, refused.code()), (403, "owners_only"));
    }
    assert_eq!(member.delete(&at(&server, &format!("/connections/{id}"))).await.status, 204);
    let admin = server.member("admin").await;
    let dry = json!({"all": true, "dry_run": true});
    assert_eq!(admin.post(&at(&server, "/connections/revoke"), dry).await.status, 200);
}

#[tokio::test]
async fn b6_a_second_node_knows_soon_that_a_project_is_deleted() {
    let Some((a, b)) = TestServer::two_nodes(Setup::default()).await else { return };
    a.connect("alice", SLACK).await;
    b.catch_up().await;
    assert_eq!(b.agent("alice").call(SLACK, json!({})).await.outcome(), "completed");
    let deleted = a.admin().delete_with(&a.project(""), json!({"confirm": "Test project"})).await;
    assert_eq!(deleted.status, 200, "{deleted:?}");
    b.catch_up().await;
    assert_eq!(b.agent("alice").call(SLACK, json!({})).await.status, 401);
}
