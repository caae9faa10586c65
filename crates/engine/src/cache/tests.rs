use std::path::Path;

use astralform_storage::Db;

use super::*;

/// Returns a database that hears of changes, so that things are remembered.
async fn database(folder: &Path) -> Db {
    let db = Db::open_sqlite(&folder.join("cache.db")).await.unwrap();
    db.migrate().await.unwrap();
    db.follow().await.unwrap();
    db
}

#[tokio::test]
async fn f7_end_users_who_have_connected_nothing_take_no_room() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(folder.path()).await;
    let map = CacheMap::<u32, ServingConnections>::new(limits::CACHED_CONNECTIONS);
    let project = "proj_01MCC5RM0057CRQEQV3TS85WNJ".parse().unwrap();
    for key in 0..100 {
        let read = async { Ok(Some(ServingConnections::from(Vec::new()))) };
        let found = map.get(&db, key, &[Topic::Project(project)], read).await.unwrap();
        assert!(found.unwrap().connections.is_empty());
    }
    assert_eq!(map.len(), 0);
}

#[tokio::test]
async fn f7_a_session_that_is_over_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(folder.path()).await;
    let entries = Entries::default();
    let session = |expires_at| Session {
        id: "sess_01MCC5RM0057CRQEQV3TS85WNJ".parse().unwrap(),
        tenant: Tenant {
            project: "proj_01MCC5RM0057CRQEQV3TS85WNJ".parse().unwrap(),
            environment: astralform_domain::Environment::Live,
        },
        agent: "agent_01MCC5RM0057CRQEQV3TS85WNJ".parse().unwrap(),
        end_user: "alice".parse().unwrap(),
        connectors: None,
        tools: None,
        secret_hash: [0; 32],
        tag: None,
        expires_at,
    };
    let session = session(Timestamp::from_secs(60));
    let (id, topics) = (session.id, [Topic::Session(session.id)]);
    entries.sessions.get(&db, id, &topics, async { Ok(Some(session)) }).await.unwrap();
    entries.drop_old(Timestamp::from_secs(59));
    assert_eq!(entries.sessions.len(), 1);
    entries.drop_old(Timestamp::from_secs(60));
    assert_eq!(entries.sessions.len(), 0);
}
