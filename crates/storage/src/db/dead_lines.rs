//! Lines to PostgreSQL that carry nothing any more, as behind a firewall that has forgotten them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
};

use super::*;
use crate::{
    bind::binds,
    meta,
    testing::{ACTOR, option_env_at_run_time},
};

/// Longer than a dead line may keep a caller waiting, with a busy machine allowed for.
const HEALED_WITHIN: Duration = Duration::from_secs(30);

/// A proxy before the database.
struct Proxy {
    url: String,
    /// Lines opened before this many changes of it are dead.
    deaths: watch::Sender<usize>,
    opened: Arc<AtomicUsize>,
}

impl Proxy {
    /// Starts one before the database of the tests, where there is one.
    async fn start() -> Option<Self> {
        let url = Db::fresh_schema(&option_env_at_run_time("TEST_DATABASE_URL")?).await;
        let (_, rest) = url.split_once('@').unwrap();
        let (target, rest) = rest.split_once('/').unwrap();
        let target = target.to_owned();
        let rest = rest.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (deaths, _) = watch::channel(0);
        let opened = Arc::<AtomicUsize>::default();
        let all = deaths.clone();
        let number = Arc::clone(&opened);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                number.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(forward(near, target.clone(), all.subscribe()));
            }
        });
        let url = format!("postgres://postgres@127.0.0.1:{port}/{rest}");
        Some(Self { url, deaths, opened })
    }

    /// Lets the lines there are carry nothing any more; new ones work.
    fn forget_lines(&self) {
        self.deaths.send_modify(|deaths| *deaths += 1);
    }
}

async fn forward(mut near: TcpStream, target: String, mut death: watch::Receiver<usize>) {
    let target = target.parse().unwrap();
    let mut far = TcpSocket::new_v4().unwrap().connect(target).await.unwrap();
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        _ = death.changed() => std::future::pending().await,
    }
}

/// Opens several lines that are idle afterwards.
async fn open_several(db: &Db) {
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(db.begin(ACTOR).await.unwrap());
    }
    drop(open);
    while db.idle_lines() < 4 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn f2_dead_lines_cost_seconds_and_are_replaced_by_themselves() {
    let Some(proxy) = Proxy::start().await else { return };
    let db = Db::connect_postgres(&proxy.url).await.unwrap();
    db.migrate().await.unwrap();
    open_several(&db).await;
    let before = proxy.opened.load(Ordering::SeqCst);
    assert!(before >= 4);
    proxy.forget_lines();

    let began = Instant::now();
    let error = meta::key_check(&db).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut) && error.is_unavailable(), "{error:?}");
    for _ in 0..8 {
        meta::key_check(&db).await.expect("the other lines are not used any more");
    }
    assert!(began.elapsed() < HEALED_WITHIN);
    assert!(proxy.opened.load(Ordering::SeqCst) > before);
}

#[tokio::test]
async fn f2_a_transaction_on_a_dead_line_ends_and_gives_its_place_back() {
    let Some(proxy) = Proxy::start().await else { return };
    let db = Db::connect_postgres(&proxy.url).await.unwrap();
    db.migrate().await.unwrap();
    let mut written = db.begin(ACTOR).await.unwrap();
    meta::touch(&mut written).await.unwrap();
    let mut dropped = Vec::new();
    for _ in 1..16 {
        dropped.push(db.begin(ACTOR).await.unwrap());
    }
    proxy.forget_lines();
    tokio::time::sleep(Duration::from_millis(100)).await; // until the proxy has noticed
    drop(dropped);
    let error = written.commit().await.unwrap_err();
    assert!(matches!(error, Error::TimedOut), "{error:?}");

    let began = Instant::now();
    while let Err(error) = db.begin(ACTOR).await {
        assert!(began.elapsed() < HEALED_WITHIN, "every place is taken by a dead line: {error:?}");
    }
    // The server lets go of the row when it has waited for the transaction long enough.
    while touch(&db).await.is_err() {
        assert!(began.elapsed() < HEALED_WITHIN, "what a dead line has locked stays locked");
    }
}

async fn touch(db: &Db) -> Result<()> {
    let mut tx = db.begin(ACTOR).await?;
    meta::touch(&mut tx).await?;
    tx.commit().await
}

#[tokio::test]
async fn f2_what_changes_any_number_of_rows_has_time_to_do_it() {
    const SLOW: &str = "SELECT pg_sleep(6)";
    let Some(url) = option_env_at_run_time("TEST_DATABASE_URL") else { return };
    let db = Db::connect_to_fresh_schema(&url).await;
    db.migrate().await.unwrap();
    let mut usual = db.begin(ACTOR).await.unwrap();
    let error = usual.rows(SLOW, Vec::new(), AccessMode::Read).await.err().unwrap();
    assert!(matches!(error, Error::TimedOut), "{error:?}");

    let mut long = db.begin_long(ACTOR).await.unwrap();
    meta::touch(&mut long).await.unwrap();
    long.rows(SLOW, Vec::new(), AccessMode::Read).await.unwrap();
    let mut snapshot = db.snapshot().await.unwrap();
    // A file that is written to, or read from, stalls for longer than others may hold a lock.
    tokio::time::sleep(Duration::from_secs(12)).await;
    snapshot.tables().await.unwrap();
    long.commit().await.unwrap();
}

#[tokio::test]
async fn f2_a_statement_that_is_given_up_leaves_its_line_in_order() {
    let Some(url) = option_env_at_run_time("TEST_DATABASE_URL") else { return };
    let db = Db::connect_to_fresh_schema(&url).await;
    db.migrate().await.unwrap();
    for round in 0..20 {
        let slow = db.rows("SELECT pg_sleep(0.05)", Vec::new(), AccessMode::Read);
        assert!(tokio::time::timeout(Duration::from_millis(5), slow).await.is_err());
        let mut tx = db.begin(ACTOR).await.unwrap();
        let sql = "INSERT INTO meta (name, value) VALUES ($1, $1)";
        tx.execute(sql, binds![format!("{round}")]).await.unwrap();
        if round % 2 == 0 {
            tx.commit().await.unwrap();
        }
    }
    let rows = db.rows("SELECT name FROM meta", Vec::new(), AccessMode::Read).await.unwrap();
    assert_eq!(rows.len(), 10);
}
