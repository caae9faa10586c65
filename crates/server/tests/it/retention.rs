//! What was kept for its term is gone, and nothing else.

use std::time::Duration;

use astralform_testkit::TestServer;
use serde_json::json;

const TOOL: &str = "slack_list_channels";
const DAY: Duration = Duration::from_hours(24);

// F13
#[tokio::test]
async fn f13_a_link_tells_how_its_prompt_ended_for_a_month_and_not_for_ever() {
    let server = TestServer::start().await;
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    server.clock.advance(DAY);
    let engine = server.app.engine();
    engine.janitor.sweep().await.unwrap();
    engine.janitor.prune().await;
    assert_eq!(server.browser().visit(asked.link()).await.outcome(), "expired");
    assert_eq!(server.ended(&asked).await.outcome(), "expired");
    server.clock.advance(30 * DAY);
    engine.janitor.prune().await;
    assert_eq!(server.browser().open(asked.link()).await.status, 404);
    assert_eq!(server.ended(&asked).await.status, 404);
}

#[tokio::test]
async fn f13_an_ended_connection_and_its_receipt_are_gone_after_their_term_and_a_living_one_is_not()
{
    let server = TestServer::start().await;
    let engine = server.app.engine();
    let ended = server.connect("alice", TOOL).await;
    let living = server.connect("bob", TOOL).await;
    let own = server.agent("alice").delete(&format!("/v1/connections/{ended}")).await;
    assert!((200..300).contains(&own.status), "{own:?}");
    engine.revocations.work_off_all().await.unwrap();
    let receipts = server.project("/revocations?environment=test");
    let connections = server.project("/connections?environment=test");
    let ids = async |path: &str, name: &str| {
        let listed = server.admin().get(path).await;
        let rows = listed.body["data"].as_array().unwrap().clone();
        rows.iter().map(|row| row[name].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    server.clock.advance(89 * DAY);
    engine.janitor.prune().await;
    assert_eq!(ids(&receipts, "connection_id").await, [ended.as_str()]);
    assert_eq!(ids(&connections, "id").await.len(), 2);
    server.clock.advance(DAY);
    engine.janitor.prune().await;
    assert!(ids(&receipts, "connection_id").await.is_empty());
    assert_eq!(ids(&connections, "id").await, [living.as_str()]);
    let gone = server.admin().delete(&server.project("/end-users/alice?environment=test")).await;
    assert_eq!(gone.status, 404, "nothing of theirs is left: {gone:?}");
    let bob = server.agent("bob").call(TOOL, json!({})).await;
    assert_eq!(bob.outcome(), "completed", "{bob:?}");
}
