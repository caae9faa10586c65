use astralform_domain::{
    Actor, AgentId, ApiKeyId, CallId, CallOutcome, CallTimes, Clock, Entropy, Environment,
    ProjectId,
};
use astralform_storage::calls::{CallFilter, CallPart};

use super::*;

fn line(tenant: Tenant) -> CallLine {
    let (clock, entropy) = (Clock::system(), Entropy::system());
    CallLine {
        id: CallId::new(&clock, &entropy),
        tenant,
        at: clock.now(),
        took: Duration::ZERO,
        request: None,
        connector: None,
        tool: "notes_list".to_owned(),
        agent: AgentId::new(&clock, &entropy),
        end_user: None,
        by: Actor::ApiKey(ApiKeyId::new(&clock, &entropy)),
        connection: None,
        outcome: CallOutcome::Completed,
        reason: None,
        status: None,
        attempts: 0,
        times: CallTimes::default(),
        summary: None,
    }
}

fn tenant() -> Tenant {
    let project = ProjectId::new(&Clock::system(), &Entropy::system());
    Tenant { project, environment: Environment::Test }
}

async fn number(log: &CallLog, tenant: Tenant) -> usize {
    let part = CallPart { after: None, limit: 10_000 };
    log.store().page(tenant, &CallFilter::default(), part).await.unwrap().calls.len()
}

#[tokio::test]
async fn lines_wait_while_the_store_cannot_be_had_and_those_without_room_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let db = Db::open_sqlite(&path).await.unwrap();
    // A folder where the store's file should be.
    let blocked = folder.path().join("a-calls.db");
    std::fs::create_dir(&blocked).unwrap();
    let dropped = Counter::default();
    let log = CallLog::new(&db, Keep::default()).counting(dropped.clone());
    let tenant = tenant();
    for _ in 0..WAITING + 7 {
        log.note(line(tenant));
    }
    assert!(log.write().await.is_err());
    assert_eq!((log.lock().lines.len(), dropped.get()), (WAITING, 7));
    std::fs::remove_dir(&blocked).unwrap();
    log.write().await.unwrap();
    assert_eq!(log.lock().lines.len(), 0);
    assert_eq!(number(&log, tenant).await, 10_000, "as many as were asked for");
    log.finish().await;
}

#[tokio::test]
async fn lines_whose_writing_breaks_off_wait_on_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open_sqlite(&folder.path().join("a.db")).await.unwrap();
    let log = CallLog::new(&db, Keep::default());
    let tenant = tenant();
    let [first, second] = [line(tenant), line(tenant)];
    log.note(first.clone());
    let taken = log.take();
    log.note(second.clone());
    drop(taken);
    assert_eq!(log.lock().lines, [first, second]);
    log.finish().await;
    assert_eq!(log.lock().lines, []);
}
