use astralform_domain::{ConnectionStatus, Environment, ScopeSet, StatusReason, Timestamp};

use super::*;
use crate::{
    Db, end_users,
    testing::{ACTOR, World, connection, id, on_both, world},
};

async fn store(db: &Db, world: &World, connections: &[&Connection]) {
    let mut tx = db.begin(ACTOR).await.unwrap();
    for new in connections {
        create(&mut tx, new, Some(world.end_user_key)).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn an_end_user_is_served_by_their_own_connections_with_the_default_first() {
    on_both(async |db| {
        let world = world(&db).await;
        let second = connection(&world, "acc_2");
        let first = Connection { is_default: true, ..connection(&world, "acc_1") };
        let waiting = Connection {
            state: ConnectionState::AwaitingConfirmation,
            ..connection(&world, "acc_3")
        };
        store(&db, &world, &[&second, &first, &waiting]).await;

        let pcon = world.project_connector.id;
        let found = serving(&db, world.tenant, pcon, &world.owner()).await.unwrap();
        assert_eq!(found.iter().map(|c| c.id).collect::<Vec<_>>(), [first.id, second.id]);

        let bob = Owner::EndUser("bob".parse().unwrap());
        assert!(serving(&db, world.tenant, pcon, &bob).await.unwrap().is_empty());
        let live = Tenant { environment: Environment::Live, ..world.tenant };
        assert!(serving(&db, live, pcon, &world.owner()).await.unwrap().is_empty());
        assert!(serving(&db, world.tenant, id(), &world.owner()).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_account_is_connected_once_but_another_may_wait_for_confirmation() {
    on_both(async |db| {
        let world = world(&db).await;
        let waiting = Connection {
            state: ConnectionState::AwaitingConfirmation,
            ..connection(&world, "acc")
        };
        store(&db, &world, &[&connection(&world, "acc"), &waiting]).await;
        let mut tx = db.begin(ACTOR).await.unwrap();
        let again = create(&mut tx, &connection(&world, "acc"), Some(world.end_user_key)).await;
        assert!(again.unwrap_err().is_conflict());
    })
    .await;
}

#[tokio::test]
async fn a_connection_ends_only_from_the_status_that_was_seen() {
    on_both(async |db| {
        let world = world(&db).await;
        let stored = connection(&world, "acc");
        store(&db, &world, &[&stored]).await;
        let why = StatusReason::UserRevoked;
        let now = Timestamp::from_secs(9);
        let seen = Connection {
            state: ConnectionState::NeedsReauth(StatusReason::TokenRejected),
            ..stored.clone()
        };
        let mut tx = db.begin(ACTOR).await.unwrap();
        for (seen, expected) in [(&seen, false), (&stored, true), (&stored, false)] {
            assert_eq!(revoke(&mut tx, seen, why, now).await.unwrap(), expected);
        }
        tx.commit().await.unwrap();
        let found = find(&db, world.tenant, stored.id).await.unwrap().unwrap();
        assert_eq!((found.status(), found.reason()), (ConnectionStatus::Revoked, Some(why)));
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
            written_at: Timestamp::from_secs(0),
            refresh_at: None,
            in_doubt: false,
            doubts: crate::tokens::Doubts::default(),
        };
        let mut tx = db.begin(ACTOR).await.unwrap();
        crate::tokens::put(&mut tx, &stored, &token).await.unwrap();
        for (generation, expected) in [(1, false), (2, true), (2, false)] {
            let why = StatusReason::TokenRejected;
            let marked = mark_dead(&mut tx, &stored, ("user", generation), why).await;
            assert_eq!(marked.unwrap(), expected, "{generation}");
        }
        tx.commit().await.unwrap();
        let found = find(&db, world.tenant, stored.id).await.unwrap().unwrap();
        assert_eq!(found.status(), ConnectionStatus::NeedsReauth);
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
        let mut tx = db.begin(ACTOR).await.unwrap();
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
            let mut tx = db.begin(ACTOR).await.unwrap();
            merge(&mut tx, &Connection { tenant, ..stored.clone() }).await.unwrap();
            tx.commit().await.unwrap();
            let found = find(&db, world.tenant, stored.id).await.unwrap();
            assert_eq!(found.is_some(), left);
        }
    })
    .await;
}

#[tokio::test]
async fn a_members_own_connection_serves_that_member_alone() {
    on_both(async |db| {
        let world = world(&db).await;
        let pcon = world.project_connector.id;
        let [ada, ben] = [Owner::Member(id()), Owner::Member(id())];
        let own = Connection { owner: ada.clone(), ..connection(&world, "acc") };
        let named_alike = Owner::EndUser(ada.member().unwrap().to_string().parse().unwrap());
        let now = Timestamp::from_secs(1);
        let mut tx = db.begin(ACTOR).await.unwrap();
        let key = end_users::ensure(&mut tx, world.tenant, &ada, id(), now).await.unwrap();
        create(&mut tx, &own, key).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(find(&db, world.tenant, own.id).await.unwrap().unwrap().owner, ada);
        for (owner, expected) in
            [(&ada, 1), (&ben, 0), (&named_alike, 0), (&world.owner(), 0), (&Owner::Project, 0)]
        {
            let found = serving(&db, world.tenant, pcon, owner).await.unwrap();
            assert_eq!(found.len(), expected, "{owner:?}");
        }
        let named_alike = named_alike.end_user().unwrap();
        let found = of_end_user(&db, world.tenant, (named_alike, None), None, 9).await.unwrap();
        assert!(found.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_shared_connection_serves_everybody_and_the_request_that_names_nobody() {
    on_both(async |db| {
        let world = world(&db).await;
        let pcon = world.project_connector.id;
        let shared = Connection { owner: Owner::Project, ..connection(&world, "acc_shared") };
        let own = connection(&world, "acc_own");
        let mut tx = db.begin(ACTOR).await.unwrap();
        create(&mut tx, &shared, None).await.unwrap();
        create(&mut tx, &own, Some(world.end_user_key)).await.unwrap();
        tx.commit().await.unwrap();
        let bob = Owner::EndUser("bob".parse().unwrap());
        for (owner, expected) in [
            (world.owner(), vec![shared.id, own.id]),
            (bob, vec![shared.id]),
            (Owner::Project, vec![shared.id]),
        ] {
            let found = serving(&db, world.tenant, pcon, &owner).await.unwrap();
            let mut found: Vec<_> = found.iter().map(|c| c.id).collect();
            found.sort_by_key(|id| *id != shared.id);
            assert_eq!(found, expected, "{owner:?}");
        }
        let found = find(&db, world.tenant, shared.id).await.unwrap().unwrap();
        assert_eq!(found.owner, Owner::Project);
        let mut tx = db.begin(ACTOR).await.unwrap();
        let again = Connection { id: id(), ..shared.clone() };
        assert!(create(&mut tx, &again, None).await.unwrap_err().is_conflict());
    })
    .await;
}

#[tokio::test]
async fn an_end_users_connections_come_in_pages_without_the_revoked_ones() {
    on_both(async |db| {
        let world = world(&db).await;
        let kept: Vec<_> = ["a", "b", "c"].map(|account| connection(&world, account)).into();
        let revoked = Connection {
            state: ConnectionState::Revoked(StatusReason::UserRevoked),
            ..connection(&world, "d")
        };
        store(&db, &world, &[&kept[0], &kept[1], &kept[2], &revoked]).await;
        let mut expected: Vec<_> = kept.iter().map(|c| c.id).collect();
        expected.sort_by_key(ToString::to_string);

        let page = async |after| {
            let found =
                of_end_user(&db, world.tenant, (&world.end_user, None), after, 2).await.unwrap();
            found.iter().map(|c| c.id).collect::<Vec<_>>()
        };
        assert_eq!(page(None).await, expected[..2]);
        assert_eq!(page(Some(expected[1])).await, expected[2..]);
        let bob = "bob".parse().unwrap();
        assert!(of_end_user(&db, world.tenant, (&bob, None), None, 9).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_connections_of_an_account_are_found_whoever_owns_them() {
    on_both(async |db| {
        let world = world(&db).await;
        let tenant = world.tenant;
        let pcon = world.project_connector.id;
        let own = connection(&world, "acc");
        let shared = Connection { owner: Owner::Project, ..connection(&world, "acc") };
        let ended = Connection {
            state: ConnectionState::Revoked(StatusReason::UserRevoked),
            ..connection(&world, "acc")
        };
        store(&db, &world, &[&own, &ended, &connection(&world, "other")]).await;
        let mut tx = db.begin(ACTOR).await.unwrap();
        create(&mut tx, &shared, None).await.unwrap();
        tx.commit().await.unwrap();
        let mut found = of_account(&db, tenant, pcon, "acc").await.unwrap();
        found.sort_by_key(|found| found.id != own.id);
        assert_eq!(found.iter().map(|found| found.id).collect::<Vec<_>>(), [own.id, shared.id]);
        assert!(of_account(&db, tenant, id(), "acc").await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn all_connections_that_are_not_revoked_are_found_some_at_a_time() {
    on_both(async |db| {
        let world = world(&db).await;
        let tenant = world.tenant;
        let pcon = world.project_connector.id;
        let mut there: Vec<_> = ["a", "b", "c"].map(|account| connection(&world, account)).into();
        there[1].state = ConnectionState::NeedsReauth(StatusReason::TokenRejected);
        let ended = Connection {
            state: ConnectionState::Revoked(StatusReason::UserRevoked),
            ..connection(&world, "d")
        };
        store(&db, &world, &[&there[0], &ended, &there[1], &there[2]]).await;
        there.sort_by_key(|one| one.id.to_string());
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let some = left_after(&db, tenant, pcon, after, 2).await.unwrap();
            let Some(last) = some.last() else { break };
            after = Some(last.id);
            found.extend(some);
        }
        assert_eq!(found, there);
        assert!(left_after(&db, tenant, id(), None, 2).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_account_is_known_to_an_app_as_long_as_any_project_has_it_connected() {
    on_both(async |db| {
        let world = world(&db).await;
        let one = connection(&world, "acc");
        store(&db, &world, &[&one]).await;
        let slug = world.project_connector.connector.clone();
        let known = async |app, account| any_with_app(&db, (&slug, app), account).await.unwrap();
        assert!(known("client", "acc").await);
        assert!(!known("other", "acc").await && !known("client", "other").await);
        let mut tx = db.begin(ACTOR).await.unwrap();
        let why = StatusReason::AdminRevoked;
        revoke(&mut tx, &one, why, Timestamp::from_secs(9)).await.unwrap();
        tx.commit().await.unwrap();
        assert!(!known("client", "acc").await);
    })
    .await;
}

#[tokio::test]
async fn one_connection_of_an_owner_is_the_default() {
    on_both(async |db| {
        let world = world(&db).await;
        let first = Connection { is_default: true, ..connection(&world, "a") };
        let second = connection(&world, "b");
        store(&db, &world, &[&first, &second]).await;
        let shared =
            Connection { owner: Owner::Project, is_default: true, ..connection(&world, "s") };
        let mut tx = db.begin(ACTOR).await.unwrap();
        create(&mut tx, &shared, None).await.unwrap();
        make_default(&mut tx, &second).await.unwrap();
        tx.commit().await.unwrap();
        for (id, expected) in [(first.id, false), (second.id, true), (shared.id, true)] {
            let found = find(&db, world.tenant, id).await.unwrap().unwrap();
            assert_eq!(found.is_default, expected, "{id}");
        }
    })
    .await;
}

#[tokio::test]
async fn all_connections_of_a_connector_can_be_expired_counted_and_revoked() {
    on_both(async |db| {
        let world = world(&db).await;
        let tenant = world.tenant;
        let pcon = world.project_connector.id;
        let now = Timestamp::from_secs(9);
        let waiting =
            Connection { state: ConnectionState::AwaitingConfirmation, ..connection(&world, "w") };
        store(&db, &world, &[&connection(&world, "a"), &connection(&world, "b"), &waiting]).await;
        let mut tx = db.begin(ACTOR).await.unwrap();
        let why = StatusReason::ClientChanged;
        assert_eq!(expire_all(&mut tx, tenant, pcon, why).await.unwrap(), 2);
        tx.commit().await.unwrap();
        let mut found = counts(&db, tenant, pcon).await.unwrap();
        found.sort_unstable();
        let waits = ConnectionStatus::AwaitingConfirmation;
        let dead = ConnectionStatus::NeedsReauth;
        assert_eq!(found, [(waits, 1), (dead, 2)]);
        let mut tx = db.begin(ACTOR).await.unwrap();
        assert_eq!(revoke_unconfirmed(&mut tx, tenant, id(), why, now).await.unwrap(), 0);
        assert_eq!(revoke_unconfirmed(&mut tx, tenant, pcon, why, now).await.unwrap(), 1);
        let why = StatusReason::ConnectorDisabled;
        assert!(any_left(&db, tenant, pcon).await.unwrap());
        let all = ConnectionSelection::default();
        assert_eq!(revoke_all(&mut tx, tenant, pcon, all, why, now).await.unwrap(), 2);
        assert_eq!(revoke_all(&mut tx, tenant, id(), all, why, now).await.unwrap(), 0);
        tx.commit().await.unwrap();
        assert!(!any_left(&db, tenant, pcon).await.unwrap());
        assert!(serving(&db, tenant, pcon, &world.owner()).await.unwrap().is_empty());
    })
    .await;
}
