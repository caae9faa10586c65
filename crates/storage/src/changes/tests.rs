use astralform_domain::{Connection, ConnectionState, EndUserKey};

use super::*;
use crate::{
    agents, connections, project_connectors,
    testing::{ACTOR, connection, id, on_both, pruned, world},
};

const APART: Duration = Duration::from_mins(1);

async fn commit(db: &Db, topic: Topic<'_>) {
    let mut tx = db.begin(ACTOR).await.unwrap();
    tx.touch(topic);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_is_committed_is_forgotten_at_once_and_what_is_rolled_back_is_not() {
    on_both(async |db| {
        db.follow().await.unwrap();
        let project = id();
        let stamp = db.stamp(&[Topic::Project(project)]).unwrap();
        let mut tx = db.begin(ACTOR).await.unwrap();
        tx.touch(Topic::Project(project));
        drop(tx);
        assert!(db.holds(&stamp));
        commit(&db, Topic::Project(project)).await;
        assert!(!db.holds(&stamp));
        let stamp = db.stamp(&[Topic::Project(project)]).unwrap();
        db.follow().await.unwrap();
        assert!(db.holds(&stamp), "what a node said itself is not news");
    })
    .await;
}

#[tokio::test]
async fn the_others_hear_of_it_with_their_next_look() {
    on_both(async |db| {
        let elsewhere = db.as_another_node();
        elsewhere.follow().await.unwrap();
        let project = id();
        let other = id();
        let stamp = elsewhere.stamp(&[Topic::Project(project)]).unwrap();
        let unconcerned = elsewhere.stamp(&[Topic::Project(other)]).unwrap();
        commit(&db, Topic::Project(project)).await;
        assert!(elsewhere.holds(&stamp));
        elsewhere.follow().await.unwrap();
        assert!(!elsewhere.holds(&stamp));
        assert!(elsewhere.holds(&unconcerned));
    })
    .await;
}

#[tokio::test]
async fn f1_what_did_not_change_is_not_announced() {
    on_both(async |db| {
        let world = world(&db).await;
        db.follow().await.unwrap();
        let of = &world.project_connector;
        let stamp = || db.stamp(&[Topic::Project(world.tenant.project)]).unwrap();
        let refused = async |at: Option<i64>| {
            let mut tx = db.begin(ACTOR).await.unwrap();
            let at = at.map(Timestamp::from_secs);
            let is_news = project_connectors::note_rejection(&mut tx, of, at).await.unwrap();
            tx.commit().await.unwrap();
            is_news
        };
        let before = stamp();
        assert!(refused(Some(1)).await && !db.holds(&before));
        let before = stamp();
        assert!(!refused(Some(2)).await && db.holds(&before), "it was refused already");
        assert!(refused(None).await && !db.holds(&before));
    })
    .await;
}

#[tokio::test]
async fn f20_nodes_whose_clocks_differ_hear_of_each_other_at_once() {
    on_both(async |db| {
        if db.is_sqlite() {
            return; // one machine, one clock
        }
        let ahead = db.as_another_node_at(Clock::manual(Clock::system().now().after(APART)));
        let behind = db.as_another_node_at(Clock::manual(Clock::system().now().before(APART)));
        for (one, other) in [(&ahead, &behind), (&behind, &ahead)] {
            one.follow().await.unwrap();
            other.follow().await.unwrap();
            let project = id();
            let stamp = other.stamp(&[Topic::Project(project)]).unwrap();
            commit(one, Topic::Project(project)).await;
            other.follow().await.unwrap();
            assert!(!other.holds(&stamp));
            let measured = Duration::from_micros(one.clock_offset().unsigned_abs());
            assert!(measured.abs_diff(APART) < Duration::from_secs(5), "{measured:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn old_lines_are_forgotten() {
    on_both(async |db| {
        commit(&db, Topic::Project(id())).await;
        let now = Timestamp::from_secs(1);
        assert_eq!(pruned(&db, "changes", now).await, 0);
        let mut tx = db.begin(ACTOR).await.unwrap();
        let long_ago = binds![Timestamp::from_secs(1)];
        tx.execute("UPDATE changes SET written_at = $1", long_ago).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(pruned(&db, "changes", now).await, 1);
    })
    .await;
}

#[tokio::test]
async fn topics_are_told_apart() {
    let alice = Owner::EndUser("alice".parse().unwrap());
    let at = id();
    let project = id();
    let all = [
        Topic::Project(project).digest(),
        Topic::Owner(at, &Owner::Project).digest(),
        Topic::Owner(at, &alice).digest(),
        Topic::ApiKey(id()).digest(),
        Topic::Session(id()).digest(),
    ];
    let different: std::collections::BTreeSet<_> = all.into_iter().collect();
    assert_eq!(different.len(), all.len());
}

fn token() -> crate::tokens::Token {
    crate::tokens::Token {
        kind: "user".to_owned(),
        generation: 1,
        access_token: astralform_domain::Sealed::from_bytes(vec![1]),
        refresh_token: None,
        expires_at: None,
        scopes: astralform_domain::ScopeSet::default(),
        written_at: Timestamp::from_secs(1),
        refresh_at: None,
        in_doubt: false,
        doubts: crate::tokens::Doubts::default(),
    }
}

/// Gives a connection a token, and a status that the next write can change.
async fn bring_to_life(db: &Db, stored: &Connection, is_waiting: bool) {
    let state = [ConnectionState::ACTIVE, ConnectionState::AwaitingConfirmation];
    let alive = Connection { state: state[usize::from(is_waiting)], ..stored.clone() };
    let mut tx = db.begin(ACTOR).await.unwrap();
    connections::update(&mut tx, &alive).await.unwrap();
    crate::tokens::put(&mut tx, stored, &token()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn store(db: &Db, new: &Connection, owner: EndUserKey) {
    let mut tx = db.begin(ACTOR).await.unwrap();
    connections::create(&mut tx, new, Some(owner)).await.unwrap();
    tx.commit().await.unwrap();
}

/// Every write of what is remembered says so.
#[tokio::test]
async fn k2_whatever_changes_an_owners_connections_says_so() {
    on_both(async |db| {
        let world = world(&db).await;
        db.follow().await.unwrap();
        let stored = connection(&world, "acc");
        let merged = connection(&world, "other");
        let tenant = world.tenant;
        let at = world.project_connector.id;
        let owner = world.owner();
        let stamp = || {
            let owner = Topic::Owner(at, &owner);
            db.stamp(&[Topic::Project(tenant.project), owner]).unwrap()
        };
        let why = astralform_domain::StatusReason::UserRevoked;
        let now = Timestamp::from_secs(1);
        for step in 0..11 {
            if (1..10).contains(&step) {
                bring_to_life(&db, &stored, step == 6).await;
            }
            if step == 9 {
                store(&db, &merged, world.end_user_key).await;
            }
            let before = stamp();
            let mut tx = db.begin(ACTOR).await.unwrap();
            let tx_ref = &mut tx;
            let c = &stored;
            match step {
                0 => connections::create(tx_ref, c, Some(world.end_user_key)).await.unwrap(),
                1 => connections::update(tx_ref, c).await.unwrap(),
                2 => connections::make_default(tx_ref, c).await.unwrap(),
                3 => drop(connections::mark_dead(tx_ref, c, ("user", 1), why).await.unwrap()),
                4 => drop(connections::revoke(tx_ref, c, why, now).await.unwrap()),
                5 => drop(connections::expire_all(tx_ref, tenant, at, why).await.unwrap()),
                6 => drop(
                    connections::revoke_unconfirmed(tx_ref, tenant, at, why, now).await.unwrap(),
                ),
                7 => {
                    let all = connections::ConnectionSelection::default();
                    connections::revoke_all(tx_ref, tenant, at, all, why, now).await.unwrap();
                }
                8 => crate::tokens::erase(tx_ref, c).await.unwrap(),
                9 => connections::merge(tx_ref, &merged).await.unwrap(),
                _ => {
                    let agent = crate::testing::agent("new");
                    agents::create(tx_ref, tenant.project, &agent).await.unwrap();
                }
            }
            tx.commit().await.unwrap();
            assert!(!db.holds(&before), "step {step}");
        }
    })
    .await;
}
