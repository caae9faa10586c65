use std::path::Path;

use super::*;

/// A text that takes as many bytes as it has.
struct Text(String);

impl Weigh for Text {
    fn weight(&self) -> usize {
        self.0.len()
    }
}

/// Returns a database that hears of changes, so that things are remembered.
async fn database(folder: &Path) -> Db {
    let db = Db::open_sqlite(&folder.join("kept.db")).await.unwrap();
    db.migrate().await.unwrap();
    db.follow().await.unwrap();
    db
}

async fn put(shelf: &Shelf<u32, Text>, db: &Db, key: u32, length: usize) {
    let project = "proj_01MCC5RM0057CRQEQV3TS85WNJ".parse().unwrap();
    let read = async { Ok(Some(Text("x".repeat(length)))) };
    shelf.get(db, key, &[Topic::Project(project)], read).await.unwrap();
}

#[tokio::test]
async fn f7_what_is_remembered_has_a_total_weight_however_heavy_each_thing_is() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(folder.path()).await;
    let most = limits::CACHED_API_KEYS;
    for length in [10, 1_000, 100_000] {
        let shelf = Shelf::new(most);
        for key in 0..u32::try_from(2 * most.count() / (length + OVERHEAD)).unwrap() {
            put(&shelf, &db, key, length).await;
        }
        let weight = shelf.0.weight();
        assert!((most.value / 3..=most.value).contains(&weight), "{weight} of {length} each");
    }
}

#[tokio::test]
async fn f7_end_users_who_have_connected_nothing_take_no_room() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(folder.path()).await;
    let shelf = Shelf::<u32, Served>::new(limits::CACHED_CONNECTIONS);
    let project = "proj_01MCC5RM0057CRQEQV3TS85WNJ".parse().unwrap();
    for key in 0..100 {
        let read = async { Ok(Some(Served::from(Vec::new()))) };
        let found = shelf.get(&db, key, &[Topic::Project(project)], read).await.unwrap();
        assert!(found.unwrap().connections.is_empty());
    }
    assert_eq!(shelf.0.len(), 0);
}

#[tokio::test]
async fn f7_what_nobody_asks_for_any_more_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(folder.path()).await;
    let shelf = Shelf::new(limits::CACHED_API_KEYS);
    put(&shelf, &db, 1, 1_000).await;
    shelf.drop_older_than(Duration::from_hours(1));
    assert_eq!(shelf.0.len(), 1);
    shelf.drop_older_than(Duration::ZERO);
    assert_eq!((shelf.0.len(), shelf.0.weight()), (0, 0));
}

#[tokio::test]
async fn f7_a_session_that_is_over_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(folder.path()).await;
    let kept = Kept::default();
    let session = |expires_at| Session {
        id: "sess_01MCC5RM0057CRQEQV3TS85WNJ".parse().unwrap(),
        tenant: Tenant {
            project: "proj_01MCC5RM0057CRQEQV3TS85WNJ".parse().unwrap(),
            environment: astralform_domain::Environment::Live,
        },
        agent: "agent_01MCC5RM0057CRQEQV3TS85WNJ".parse().unwrap(),
        end_user: "alice".parse().unwrap(),
        tools: None,
        secret_hash: [0; 32],
        tag: None,
        expires_at,
    };
    let session = session(Timestamp::from_secs(60));
    let (id, topics) = (session.id, [Topic::Session(session.id)]);
    kept.sessions.get(&db, id, &topics, async { Ok(Some(session)) }).await.unwrap();
    kept.drop_old(Timestamp::from_secs(59));
    assert_eq!(kept.sessions.0.len(), 1);
    kept.drop_old(Timestamp::from_secs(60));
    assert_eq!(kept.sessions.0.len(), 0);
}
