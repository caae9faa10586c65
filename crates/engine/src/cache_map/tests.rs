use std::path::Path;

use astralform_domain::limits;

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
    let db = Db::open_sqlite(&folder.join("cache.db")).await.unwrap();
    db.migrate().await.unwrap();
    db.follow().await.unwrap();
    db
}

async fn put(map: &CacheMap<u32, Text>, db: &Db, key: u32, length: usize) {
    let project = "proj_01MCC5RM0057CRQEQV3TS85WNJ".parse().unwrap();
    let read = async { Ok(Some(Text("x".repeat(length)))) };
    map.get(db, key, &[Topic::Project(project)], read).await.unwrap();
}

#[tokio::test]
async fn f7_what_is_remembered_has_a_total_weight_however_heavy_each_thing_is() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(folder.path()).await;
    let most = limits::CACHED_API_KEYS;
    for length in [10, 1_000, 100_000] {
        let map = CacheMap::new(most);
        for key in 0..u32::try_from(2 * most.count() / (length + OVERHEAD)).unwrap() {
            put(&map, &db, key, length).await;
        }
        let weight = map.0.weight();
        assert!((most.value / 3..=most.value).contains(&weight), "{weight} of {length} each");
    }
}

#[tokio::test]
async fn f7_what_nobody_asks_for_any_more_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(folder.path()).await;
    let map = CacheMap::new(limits::CACHED_API_KEYS);
    put(&map, &db, 1, 1_000).await;
    map.drop_older_than(Duration::from_hours(1));
    assert_eq!(map.0.len(), 1);
    map.drop_older_than(Duration::ZERO);
    assert_eq!((map.0.len(), map.0.weight()), (0, 0));
}
