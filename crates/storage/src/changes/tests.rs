use super::*;
use crate::{
    agents, connections,
    testing::{connection, id, on_both, world},
};

async fn commit(db: &Db, topic: Topic<'_>) {
    let mut tx = db.begin().await.unwrap();
    tx.touch(topic);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_is_committed_is_forgotten_at_once_and_what_is_rolled_back_is_not() {
    on_both(async |db| {
        db.follow().await.unwrap();
        let project = id();
        let stamp = db.stamp(&[Topic::Project(project)]).unwrap();
        let mut tx = db.begin().await.unwrap();
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
        let (project, other) = (id(), id());
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
async fn old_lines_are_forgotten() {
    on_both(async |db| {
        commit(&db, Topic::Project(id())).await;
        let mut tx = db.begin().await.unwrap();
        assert_eq!(forget_old(&mut tx).await.unwrap(), 0);
        let long_ago = binds![Timestamp::from_secs(1)];
        tx.execute("UPDATE changes SET written_at = $1", long_ago).await.unwrap();
        assert_eq!(forget_old(&mut tx).await.unwrap(), 1);
        tx.commit().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn topics_are_told_apart() {
    let alice = "alice".parse().unwrap();
    let (at, project) = (id(), id());
    let all = [
        Topic::Project(project).digest(),
        Topic::Owner(at, None).digest(),
        Topic::Owner(at, Some(&alice)).digest(),
        Topic::ApiKey(id()).digest(),
        Topic::Session(id()).digest(),
    ];
    let different: std::collections::BTreeSet<_> = all.into_iter().collect();
    assert_eq!(different.len(), all.len());
}

/// Every write of what is remembered says so.
#[tokio::test]
async fn k2_whatever_changes_an_owners_connections_says_so() {
    on_both(async |db| {
        let world = world(&db).await;
        db.follow().await.unwrap();
        let stored = connection(&world, "acc");
        let (tenant, at) = (world.tenant, world.project_connector.id);
        let stamp = || {
            let owner = Topic::Owner(at, Some(&world.end_user));
            db.stamp(&[Topic::Project(tenant.project), owner]).unwrap()
        };
        let why = astralform_domain::StatusReason::UserRevoked;
        let now = Timestamp::from_secs(1);
        for step in 0..11 {
            let before = stamp();
            let mut tx = db.begin().await.unwrap();
            let (tx_ref, c) = (&mut tx, &stored);
            match step {
                0 => connections::create(tx_ref, c, Some(world.end_user_key)).await.unwrap(),
                1 => connections::update(tx_ref, c).await.unwrap(),
                2 => connections::make_default(tx_ref, c).await.unwrap(),
                3 => drop(connections::mark_dead(tx_ref, c, ("user", 0), why).await.unwrap()),
                4 => drop(connections::revoke(tx_ref, c, why, now).await.unwrap()),
                5 => drop(connections::expire_all(tx_ref, tenant, at, why).await.unwrap()),
                6 => drop(
                    connections::revoke_unconfirmed(tx_ref, tenant, at, why, now).await.unwrap(),
                ),
                7 => drop(
                    connections::revoke_all(
                        tx_ref,
                        tenant,
                        at,
                        connections::Which::default(),
                        why,
                        now,
                    )
                    .await
                    .unwrap(),
                ),
                8 => crate::tokens::erase(tx_ref, c).await.unwrap(),
                9 => connections::merge(tx_ref, c).await.unwrap(),
                _ => {
                    let agent = agents::Agent {
                        id: id(),
                        name: "new".to_owned(),
                        is_default: false,
                        is_enabled: true,
                        connectors: None,
                    };
                    agents::create(tx_ref, tenant.project, &agent, now).await.unwrap();
                }
            }
            tx.commit().await.unwrap();
            assert!(!db.holds(&before), "step {step}");
        }
    })
    .await;
}
