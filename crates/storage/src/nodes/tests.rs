use astralform_domain::{Clock, ScopeSet, Sealed, StatusReason};

use super::*;
use crate::{
    Db, connections,
    refreshes::{self, Claimant, RefreshKey},
    revocations,
    testing::{ACTOR, World, connection, on_both, webhook, world},
    tokens::{self, Token},
    webhook_deliveries, webhooks,
};

const HOUR: Duration = Duration::from_hours(1);

const fn node<'a>(name: &'a str, process: &'a str) -> Node<'a> {
    Node { name, process, catalog: "same" }
}

async fn beats(db: &Db, node: Node<'_>) -> HeartbeatReport {
    let mut tx = db.begin(ACTOR).await.unwrap();
    let found = beat(&mut tx, node).await.unwrap();
    tx.commit().await.unwrap();
    found
}

/// Has a process say nothing for so long.
async fn silence(db: &Db, process: &str, length: Duration) {
    const SQL: &str = "UPDATE nodes SET seen_at = $2 WHERE process = $1";
    let seen_at = db.clock().await.unwrap().before(length);
    db.execute(SQL, binds![process, seen_at]).await.unwrap();
}

fn token() -> Token {
    Token {
        kind: "user".to_owned(),
        generation: 1,
        access_token: Sealed::from_bytes(vec![1]),
        refresh_token: None,
        expires_at: None,
        scopes: ScopeSet::default(),
        written_at: Timestamp::from_secs(1),
        refresh_at: None,
        in_doubt: false,
        doubts: tokens::Doubts::default(),
    }
}

/// Returns a refresh that a process holds and has sent.
async fn held(db: &Db, world: &World, account: &str, process: &str) -> RefreshKey {
    let owner = connection(world, account);
    let key = RefreshKey { connection: owner.id, kind: "user".to_owned() };
    let mut tx = db.begin(ACTOR).await.unwrap();
    connections::create(&mut tx, &owner, Some(world.end_user_key)).await.unwrap();
    let by = Claimant { node: process, takes_over: true };
    let lease = refreshes::claim(&mut tx, &key, by, Duration::from_mins(1)).await.unwrap().unwrap();
    refreshes::mark_sent(&mut tx, &lease, 1).await.unwrap();
    tx.commit().await.unwrap();
    key
}

/// F10.
#[tokio::test]
async fn b7_what_a_living_process_holds_is_taken_over_by_nobody_of_its_name() {
    on_both(async |db| {
        let world = world(&db).await;
        assert_eq!(beats(&db, node("one", "old")).await, HeartbeatReport::default());
        held(&db, &world, "acc", "old").await;
        let found = beats(&db, node("one", "new")).await;
        assert_eq!((found.taken_over, found.namesakes), (0, 1), "it lives, and somebody says so");
        silence(&db, "old", DEAD_AFTER / 2).await;
        assert_eq!(beats(&db, node("one", "new")).await.taken_over, 0, "it may still live");
        silence(&db, "old", DEAD_AFTER).await;
        assert_eq!(beats(&db, node("two", "other")).await.taken_over, 0, "another name");
        let found = beats(&db, node("one", "new")).await;
        assert_eq!((found.taken_over, found.namesakes), (1, 0));
        assert_eq!(beats(&db, node("one", "new")).await.taken_over, 0, "it has them all");
    })
    .await;
}

/// F10.
#[tokio::test]
async fn b7_what_a_process_left_that_ended_in_order_or_was_alone_is_the_next_ones_at_once() {
    on_both(async |db| {
        let world = world(&db).await;
        for (account, process) in [("left", "first"), ("alone", "second")] {
            beats(&db, node("one", process)).await;
            held(&db, &world, account, process).await;
        }
        let mut tx = db.begin(ACTOR).await.unwrap();
        leave(&mut tx, node("one", "first")).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(beats(&db, node("one", "third")).await.taken_over, 1);
        let mut tx = db.begin(ACTOR).await.unwrap();
        outlive(&mut tx, node("one", "third")).await.unwrap();
        tx.commit().await.unwrap();
        let found = beats(&db, node("one", "third")).await;
        assert_eq!((found.taken_over, found.namesakes), (1, 0));
    })
    .await;
}

/// F10: callers at other nodes are not kept waiting for the dead.
#[tokio::test]
async fn r1_a_holder_that_says_nothing_any_more_is_seen_to_be_gone() {
    on_both(async |db| {
        let world = world(&db).await;
        let key = held(&db, &world, "acc", "old").await;
        let by = Claimant { node: "new", takes_over: true };
        let owner = connections::find(&db, world.tenant, key.connection).await.unwrap().unwrap();
        let mut tx = db.begin(ACTOR).await.unwrap();
        tokens::put(&mut tx, &owner, &token()).await.unwrap();
        tx.commit().await.unwrap();
        let is_living = async || {
            let found = refreshes::holder(&db, &key, 1, by).await.unwrap().unwrap();
            assert!(!found.left.is_zero());
            found.is_living
        };
        assert!(!is_living().await, "nobody ever heard of it");
        beats(&db, node("one", "old")).await;
        assert!(is_living().await);
        silence(&db, "old", SILENT_AFTER).await;
        assert!(!is_living().await);
    })
    .await;
}

struct Row {
    until: Timestamp,
}

impl Record for Row {
    fn read(row: &crate::db::Row) -> Result<Self> {
        Ok(Self { until: row.time("until")? })
    }
}

async fn until(db: &Db, sql: &'static str) -> Timestamp {
    db.optional::<Row>(sql, binds![]).await.unwrap().unwrap().until
}

/// F19.
#[tokio::test]
async fn r6_after_the_databases_clock_was_set_back_no_pause_or_lease_is_longer_than_any() {
    const LEASE: &str = "SELECT MAX(lease_until) AS until FROM refreshes";
    const PAUSE: &str = "SELECT MAX(not_before) AS until FROM refreshes";
    on_both(async |db| {
        let world = world(&db).await;
        beats(&db, node("one", "old")).await;
        for (account, sql) in [
            ("leased", "UPDATE refreshes SET lease_until = lease_until + $1"),
            ("paused", "UPDATE refreshes SET not_before = $2 + $1"),
        ] {
            held(&db, &world, account, "old").await;
            let hour = i64::try_from(HOUR.as_micros()).unwrap();
            let now = db.clock().await.unwrap();
            let mut binds = binds![hour];
            if sql.contains("$2") {
                binds.push(now.into());
            }
            db.execute(sql, binds).await.unwrap();
        }
        assert!(
            !beats(&db, node("one", "old")).await.was_set_back,
            "a long pause alone says nothing"
        );
        let ahead = db.clock().await.unwrap().after(HOUR);
        db.execute("UPDATE nodes SET seen_at = $1", binds![ahead]).await.unwrap();
        let found = beats(&db, node("two", "new")).await;
        let now = db.clock().await.unwrap();
        assert!(found.was_set_back);
        assert!(until(&db, LEASE).await <= now.after(LONGEST_LEASE));
        assert!(until(&db, PAUSE).await <= now);
        assert!(!beats(&db, node("two", "new")).await.was_set_back, "once");
    })
    .await;
}

/// F19.
#[tokio::test]
async fn r6_after_a_nodes_clock_was_set_back_what_waits_in_its_outboxes_is_tried_again() {
    const REVOCATION: &str = "SELECT next_attempt_at AS until FROM revocations";
    const PAUSE: &str = "SELECT paused_until AS until FROM revocation_pauses";
    const DELIVERY: &str = "SELECT due_at AS until FROM webhook_deliveries";
    on_both(async |db| {
        let now = Timestamp::from_secs(1_000_000);
        let world = world(&db).await;
        let ahead = db.clone().at_the_time_of(Clock::manual(now.after(HOUR)));
        let back = db.at_the_time_of(Clock::manual(now));
        let owner = connection(&world, "acc");
        let hook = webhook(world.tenant);
        let mut tx = ahead.begin(ACTOR).await.unwrap();
        webhooks::create(&mut tx, &hook).await.unwrap();
        connections::create(&mut tx, &owner, Some(world.end_user_key)).await.unwrap();
        tokens::put(&mut tx, &owner, &token()).await.unwrap();
        let why = StatusReason::UserRevoked;
        assert!(connections::revoke(&mut tx, &owner, why, now.after(HOUR)).await.unwrap());
        let pcon = world.project_connector.id;
        revocations::pause(&mut tx, pcon, 1, now.after(HOUR), None).await.unwrap();
        tx.commit().await.unwrap();
        beats(&ahead, node("one", "old")).await;
        assert!(webhook_deliveries::due_webhooks(&back, now).await.unwrap().is_empty());

        assert!(!beats(&back, node("two", "other")).await.was_set_back, "another one's clock");
        assert!(beats(&back, node("one", "new")).await.was_set_back);
        for sql in [REVOCATION, PAUSE, DELIVERY] {
            assert_eq!(until(&back, sql).await, now, "{sql}");
        }
        assert!(!beats(&back, node("one", "new")).await.was_set_back, "once");
    })
    .await;
}

#[tokio::test]
async fn a_living_node_that_serves_other_connectors_is_named() {
    on_both(async |db| {
        let other = |catalog| Node { catalog, ..node("two", "b") };
        assert_eq!(beats(&db, node("one", "a")).await.differs_from, None);
        assert_eq!(beats(&db, other("same")).await.differs_from, None);
        assert_eq!(beats(&db, other("new")).await.differs_from.as_deref(), Some("one"));
        assert_eq!(beats(&db, node("one", "a")).await.differs_from.as_deref(), Some("two"));
        silence(&db, "b", DEAD_AFTER).await;
        assert_eq!(beats(&db, node("one", "a")).await.differs_from, None, "it has ended");
        assert_eq!(beats(&db, other("same")).await.differs_from, None);
        assert_eq!(beats(&db, node("one", "a")).await.differs_from, None, "it has caught up");
    })
    .await;
}
