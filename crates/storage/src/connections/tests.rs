use astralform_domain::{Environment, ScopeSet};

use super::*;
use crate::testing::{World, connection, id, on_both, world};

async fn store(db: &Db, world: &World, connections: &[&Connection]) {
    let mut tx = db.begin().await.unwrap();
    for new in connections {
        create(&mut tx, new, world.end_user_key).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn usable_connections_are_the_end_users_own_with_the_default_first() {
    on_both(async |db| {
        let world = world(&db).await;
        let second = connection(&world, "acc_2");
        let first = Connection { is_default: true, ..connection(&world, "acc_1") };
        let waiting = Connection {
            status: ConnectionStatus::AwaitingConfirmation,
            ..connection(&world, "acc_3")
        };
        store(&db, &world, &[&second, &first, &waiting]).await;

        let pcon = world.project_connector.id;
        let found = usable_of(&db, world.tenant, pcon, &world.end_user).await.unwrap();
        assert_eq!(found.iter().map(|c| c.id).collect::<Vec<_>>(), [first.id, second.id]);

        let bob = "bob".parse().unwrap();
        assert!(usable_of(&db, world.tenant, pcon, &bob).await.unwrap().is_empty());
        let live = Tenant { environment: Environment::Live, ..world.tenant };
        assert!(usable_of(&db, live, pcon, &world.end_user).await.unwrap().is_empty());
        assert!(usable_of(&db, world.tenant, id(), &world.end_user).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_account_is_connected_once_but_another_may_wait_for_confirmation() {
    on_both(async |db| {
        let world = world(&db).await;
        let waiting = Connection {
            status: ConnectionStatus::AwaitingConfirmation,
            ..connection(&world, "acc")
        };
        store(&db, &world, &[&connection(&world, "acc"), &waiting]).await;
        let mut tx = db.begin().await.unwrap();
        let again = create(&mut tx, &connection(&world, "acc"), world.end_user_key).await;
        assert!(again.unwrap_err().is_conflict());
    })
    .await;
}

#[tokio::test]
async fn a_status_changes_only_from_the_one_that_was_seen() {
    on_both(async |db| {
        let world = world(&db).await;
        let stored = connection(&world, "acc");
        store(&db, &world, &[&stored]).await;
        let to = (ConnectionStatus::NeedsReauth, Some(StatusReason::TokenRejected));
        let mut tx = db.begin().await.unwrap();
        for expected in [true, false] {
            let from = ConnectionStatus::Active;
            let changed = change_status(&mut tx, world.tenant, stored.id, from, to).await;
            assert_eq!(changed.unwrap(), expected);
        }
        tx.commit().await.unwrap();
        let found = find(&db, world.tenant, stored.id).await.unwrap().unwrap();
        assert_eq!((found.status, found.reason), to);
    })
    .await;
}

#[tokio::test]
async fn a_dead_token_does_not_end_a_connection_that_was_renewed_meanwhile() {
    on_both(async |db| {
        let world = world(&db).await;
        let stored = connection(&world, "acc");
        store(&db, &world, &[&stored]).await;
        let token = crate::tokens::Token {
            kind: "user".to_owned(),
            generation: 2,
            access_token: astralform_domain::Sealed::from_bytes(vec![1]),
            refresh_token: None,
            expires_at: None,
            scopes: ScopeSet::default(),
        };
        let mut tx = db.begin().await.unwrap();
        crate::tokens::put(&mut tx, stored.id, &token).await.unwrap();
        for (generation, expected) in [(1, false), (2, true), (2, false)] {
            let why = StatusReason::TokenRejected;
            let marked = mark_dead(&mut tx, world.tenant, stored.id, generation, why).await;
            assert_eq!(marked.unwrap(), expected, "{generation}");
        }
        tx.commit().await.unwrap();
        let found = find(&db, world.tenant, stored.id).await.unwrap().unwrap();
        assert_eq!(found.status, ConnectionStatus::NeedsReauth);
    })
    .await;
}

#[tokio::test]
async fn an_update_keeps_id_and_account() {
    on_both(async |db| {
        let world = world(&db).await;
        let stored = connection(&world, "acc");
        store(&db, &world, &[&stored]).await;
        let changed =
            Connection { scopes: ScopeSet::from_iter(["read", "write"]), ..stored.clone() };
        let mut tx = db.begin().await.unwrap();
        update(&mut tx, &changed).await.unwrap();
        tx.commit().await.unwrap();
        let found = find(&db, world.tenant, stored.id).await.unwrap().unwrap();
        assert_eq!(found.scopes, changed.scopes);
        assert_eq!(found.account, stored.account);
    })
    .await;
}

#[tokio::test]
async fn a_removed_connection_is_gone_from_its_own_environment_only() {
    on_both(async |db| {
        let world = world(&db).await;
        let stored = connection(&world, "acc");
        store(&db, &world, &[&stored]).await;
        let live = Tenant { environment: Environment::Live, ..world.tenant };
        for (tenant, left) in [(live, true), (world.tenant, false)] {
            let mut tx = db.begin().await.unwrap();
            remove(&mut tx, tenant, stored.id).await.unwrap();
            tx.commit().await.unwrap();
            let found = find(&db, world.tenant, stored.id).await.unwrap();
            assert_eq!(found.is_some(), left);
        }
    })
    .await;
}
