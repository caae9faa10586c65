use std::time::Duration;

use astralform_domain::Timestamp;

use super::*;
use crate::{bind::binds, meta, testing::ACTOR};

/// Leaves room for so many pages in the file, and for no more.
async fn limit(db: &Db, pages: &'static str) {
    db.rows(pages, Vec::new(), AccessMode::Write).await.unwrap();
}

async fn write(db: &Db, name: &str, length: usize) -> Result<()> {
    const SQL: &str = "INSERT INTO meta (name, value) VALUES ($1, $2)";
    let mut tx = db.begin(ACTOR).await?;
    tx.execute(SQL, binds![name, "x".repeat(length)]).await?;
    tx.commit().await
}

#[tokio::test]
async fn b2_a_full_disk_is_known_and_forgotten_as_soon_as_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open_sqlite(&folder.path().join("test.db")).await.unwrap();
    db.migrate().await.unwrap();
    for round in ["one", "two", "three"] {
        limit(&db, "PRAGMA max_page_count = 1").await;
        let error = write(&db, round, 1_000_000).await.unwrap_err();
        assert!(error.is_unavailable(), "{error:?}");
        assert!(!db.feed.health.takes_writes());
        meta::key_check(&db).await.expect("what is there can be read");
        limit(&db, "PRAGMA max_page_count = 1000000").await;
        db.check_writing().await.unwrap();
        assert!(db.feed.health.takes_writes());
        write(&db, round, 1_000_000).await.unwrap();
    }
}

#[tokio::test]
async fn b2_what_had_nothing_to_write_does_not_prove_that_there_is_room() {
    const NOTHING: &str = "DELETE FROM meta WHERE name = 'nobody'";
    const RETURNING: &str = "
        INSERT INTO meta (name, value) VALUES ($1, $2) RETURNING value";
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open_sqlite(&folder.path().join("test.db")).await.unwrap();
    db.migrate().await.unwrap();
    limit(&db, "PRAGMA max_page_count = 1").await;
    let large = || binds!["large", "x".repeat(1_000_000)];
    let mut tx = db.begin(ACTOR).await.unwrap();
    assert!(tx.rows(RETURNING, large(), AccessMode::Write).await.is_err());
    drop(tx);
    assert!(!db.feed.health.takes_writes(), "what returns rows is a write too");
    db.execute(NOTHING, Vec::new()).await.unwrap();
    db.rows("DELETE FROM meta WHERE name = 'nobody' RETURNING value", vec![], AccessMode::Write)
        .await
        .unwrap();
    let mut tx = db.begin(ACTOR).await.unwrap();
    tx.execute(NOTHING, Vec::new()).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!db.feed.health.takes_writes());
    write(&db, "small", 1).await.unwrap();
    assert!(db.feed.health.takes_writes());
}

#[tokio::test]
async fn b3_writers_wait_while_another_process_holds_the_file_for_ten_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let db = Db::open_sqlite(&path).await.unwrap();
    db.migrate().await.unwrap();
    let other = Db::open_sqlite(&path).await.unwrap();
    let held = other.begin(ACTOR).await.unwrap();
    let names = ["one", "two", "three"];
    let writers: tokio::task::JoinSet<_> = names
        .into_iter()
        .map(|name| {
            let db = db.clone();
            async move { write(&db, name, 10).await }
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(10)).await;
    meta::key_check(&db).await.expect("who reads does not wait");
    drop(held);
    assert!(writers.join_all().await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_transaction_that_was_dropped_leaves_its_connection_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open_sqlite(&folder.path().join("test.db")).await.unwrap();
    db.migrate().await.unwrap();
    for round in 0..20 {
        let mut tx = db.begin(ACTOR).await.unwrap();
        meta::touch(&mut tx).await.unwrap();
        drop(tx);
        write(&db, &format!("{round}"), 10).await.unwrap();
    }
}

#[tokio::test]
async fn r3_a_database_is_sound_since_it_was_heard_and_took_what_was_written_without_a_break() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(Timestamp::from_secs(100));
    let db = Db::open_sqlite(&folder.path().join("test.db")).await.unwrap();
    let db = db.at_the_time_of(clock.clone());
    db.migrate().await.unwrap();
    let pass = async |seconds| {
        db.follow().await.unwrap();
        clock.advance(Duration::from_secs(seconds));
        db.follow().await.unwrap();
        db.sound_for()
    };
    assert_eq!(db.sound_for(), Duration::ZERO, "it was not heard yet");
    assert_eq!(pass(9).await, Duration::from_secs(9));
    assert_eq!(pass(9).await, Duration::from_secs(18));

    limit(&db, "PRAGMA max_page_count = 1").await;
    write(&db, "full", 1_000_000).await.unwrap_err();
    assert_eq!(db.sound_for(), Duration::ZERO);
    assert_eq!(pass(9).await, Duration::ZERO, "it is heard, but takes nothing");
    limit(&db, "PRAGMA max_page_count = 1000000").await;
    db.check_writing().await.unwrap();
    assert_eq!(pass(9).await, Duration::from_secs(9));

    db.feed.epochs.fall_silent();
    assert_eq!(db.sound_for(), Duration::ZERO, "it is not heard");
    assert_eq!(pass(9).await, Duration::from_secs(9), "what was before the silence does not count");
}
