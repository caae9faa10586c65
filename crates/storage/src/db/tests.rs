use super::*;
use crate::{bind::binds, meta};

/// Room for so many pages in the file, and for no more.
async fn limit(db: &Db, pages: &'static str) {
    db.rows(pages, Vec::new(), Access::Write).await.unwrap();
}

async fn write(db: &Db, name: &str, length: usize) -> Result<()> {
    const SQL: &str = "INSERT INTO meta (name, value) VALUES ($1, $2)";
    let mut tx = db.begin().await?;
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
        assert!(!db.feed.takes_writes());
        meta::key_check(&db).await.expect("what is there can be read");
        limit(&db, "PRAGMA max_page_count = 1000000").await;
        db.check_writing().await.unwrap();
        assert!(db.feed.takes_writes());
        write(&db, round, 1_000_000).await.unwrap();
    }
}

#[tokio::test]
async fn a_transaction_that_was_dropped_leaves_its_connection_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open_sqlite(&folder.path().join("test.db")).await.unwrap();
    db.migrate().await.unwrap();
    for round in 0..20 {
        let mut tx = db.begin().await.unwrap();
        meta::touch(&mut tx).await.unwrap();
        drop(tx);
        write(&db, &format!("{round}"), 10).await.unwrap();
    }
}
