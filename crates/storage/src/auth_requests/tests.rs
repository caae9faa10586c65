use astralform_domain::{AuthReason, Environment};

use super::*;
use crate::testing::{ACTOR, World, auth_request, id, on_both, world};

const NOW: Timestamp = Timestamp::from_secs(1_000);
const LATER: Timestamp = Timestamp::from_secs(2_000);

async fn ask(db: &Db, world: &World, asks_for: &str, now: Timestamp) -> AuthRequest {
    let new = AuthRequest { expires_at: now.after(AuthRequest::PHASE), ..auth_request(world) };
    let mut tx = db.begin(ACTOR).await.unwrap();
    let open = open(&mut tx, &new, Some(world.end_user_key), asks_for, now).await.unwrap();
    tx.commit().await.unwrap();
    open
}

async fn move_on(db: &Db, seen: &AuthRequest, next: &AuthRequestState) -> bool {
    let mut tx = db.begin(ACTOR).await.unwrap();
    let moved = advance(&mut tx, seen, next, LATER).await.unwrap();
    tx.commit().await.unwrap();
    moved
}

/// Has a request lead to a new connection that awaits confirmation; returns the request as it is
/// then, and that connection.
async fn led_to(db: &Db, world: &World, asked: &AuthRequest) -> (AuthRequest, ConnectionId) {
    let connection = crate::testing::connection(world, "acc");
    let mut tx = db.begin(ACTOR).await.unwrap();
    crate::connections::create(&mut tx, &connection, Some(world.end_user_key)).await.unwrap();
    tx.commit().await.unwrap();
    let state = AuthRequestState::AwaitingConfirmation { connection: connection.id };
    assert!(move_on(db, asked, &state).await);
    (find(db, world.tenant, asked.id).await.unwrap().unwrap(), connection.id)
}

#[tokio::test]
async fn asking_for_the_same_again_returns_the_open_request() {
    on_both(async |db| {
        let world = world(&db).await;
        let first = ask(&db, &world, "default read", NOW).await;
        assert_eq!(ask(&db, &world, "default read", NOW).await.id, first.id);
        assert_ne!(ask(&db, &world, "default read write", NOW).await.id, first.id);
        let owner = astralform_domain::Owner::EndUser(world.end_user);
        assert_eq!((first.owner, first.reason), (owner, AuthReason::NotConnected));
    })
    .await;
}

#[tokio::test]
async fn a_request_whose_time_has_passed_makes_way() {
    on_both(async |db| {
        let world = world(&db).await;
        let first = ask(&db, &world, "default read", NOW).await;
        assert_ne!(ask(&db, &world, "default read", LATER).await.id, first.id);
        let stored = find(&db, world.tenant, first.id).await.unwrap().unwrap();
        assert_eq!(stored.state, AuthRequestState::Expired);
    })
    .await;
}

#[tokio::test]
async fn a_request_is_found_by_its_own_project_and_environment_and_by_its_link() {
    on_both(async |db| {
        let world = world(&db).await;
        let asked = ask(&db, &world, "default read", NOW).await;
        let live = Tenant { environment: Environment::Live, ..world.tenant };
        let other = Tenant { project: id(), ..world.tenant };
        assert!(find(&db, live, asked.id).await.unwrap().is_none());
        assert!(find(&db, other, asked.id).await.unwrap().is_none());
        assert!(find(&db, world.tenant, asked.id).await.unwrap().is_some());
        assert!(find_in_any_tenant(&db, asked.id).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn a_request_moves_on_only_from_the_status_that_was_seen() {
    on_both(async |db| {
        let world = world(&db).await;
        let asked = ask(&db, &world, "default read", NOW).await;
        let said = ProviderError::new("access_denied", None);
        let declined = AuthRequestState::Declined { said: Some(said) };
        assert!(move_on(&db, &asked, &declined).await);
        let why = AuthFailure::CodeRejected;
        assert!(!move_on(&db, &asked, &AuthRequestState::Failed { why, said: None }).await);
        let stored = find(&db, world.tenant, asked.id).await.unwrap().unwrap();
        assert_eq!(stored.state, declined);
        assert_ne!(ask(&db, &world, "default read", NOW).await.id, asked.id);
    })
    .await;
}

#[tokio::test]
async fn what_nobody_finished_or_confirmed_in_time_is_found() {
    on_both(async |db| {
        let world = world(&db).await;
        let confirming = ask(&db, &world, "default read", NOW).await;
        let pending = ask(&db, &world, "default write", NOW).await;
        led_to(&db, &world, &confirming).await;

        assert!(unconfirmed(&db, NOW, 10).await.unwrap().is_empty());
        let late = unconfirmed(&db, LATER, 10).await.unwrap();
        assert_eq!(late.iter().map(|request| request.id).collect::<Vec<_>>(), [confirming.id]);

        let mut tx = db.begin(ACTOR).await.unwrap();
        assert_eq!(expire_pending(&mut tx, NOW).await.unwrap(), []);
        let connector = world.project_connector.connector.clone();
        let expired = [Expired { tenant: world.tenant, connector }];
        assert_eq!(expire_pending(&mut tx, LATER).await.unwrap(), expired);
        tx.commit().await.unwrap();
        let stored = find(&db, world.tenant, pending.id).await.unwrap().unwrap();
        assert_eq!(stored.state, AuthRequestState::Expired);
    })
    .await;
}

#[tokio::test]
async fn a_request_remembers_the_connection_it_led_to_and_the_account_it_found() {
    on_both(async |db| {
        let world = world(&db).await;
        let asked = ask(&db, &world, "default read", NOW).await;
        let (waiting, connection) = led_to(&db, &world, &asked).await;
        assert_eq!(waiting.state, AuthRequestState::AwaitingConfirmation { connection });
        let mut tx = db.begin(ACTOR).await.unwrap();
        assert!(!confirm(&mut tx, &asked).await.unwrap(), "it was seen when it was pending");
        assert!(confirm(&mut tx, &waiting).await.unwrap());
        assert!(!confirm(&mut tx, &waiting).await.unwrap());
        point_to(&mut tx, asked.id, connection).await.unwrap();
        note_account(&mut tx, asked.id, "ada in Acme").await.unwrap();
        tx.commit().await.unwrap();
        let stored = find(&db, world.tenant, asked.id).await.unwrap().unwrap();
        assert_eq!(stored.state, AuthRequestState::Completed { connection });
        assert_eq!(stored.account_hint.as_deref(), Some("ada in Acme"));
    })
    .await;
}

#[tokio::test]
async fn every_open_request_of_a_connector_can_be_ended() {
    on_both(async |db| {
        let world = world(&db).await;
        let tenant = world.tenant;
        let pcon = world.project_connector.id;
        let now = Timestamp::from_secs(1);
        let mine = auth_request(&world);
        let shared = auth_request(&world);
        let shared = AuthRequest { owner: astralform_domain::Owner::Project, ..shared };
        let mut tx = db.begin(ACTOR).await.unwrap();
        open(&mut tx, &mine, Some(world.end_user_key), "x", now).await.unwrap();
        let opened = open(&mut tx, &shared, None, "x", now).await.unwrap();
        let again = AuthRequest { id: id(), ..shared.clone() };
        assert_eq!(open(&mut tx, &again, None, "x", now).await.unwrap().id, opened.id);
        let why = AuthFailure::SettingsChanged;
        assert_eq!(fail_all(&mut tx, tenant, pcon, why).await.unwrap(), 2);
        assert_eq!(fail_all(&mut tx, tenant, pcon, why).await.unwrap(), 0);
        tx.commit().await.unwrap();
        let found = find(&db, tenant, shared.id).await.unwrap().unwrap();
        assert_eq!(found.state, AuthRequestState::Failed { why, said: None });
        assert_eq!(found.owner, astralform_domain::Owner::Project);
    })
    .await;
}

#[tokio::test]
async fn a_pending_request_can_be_prolonged_and_an_answered_one_stored() {
    on_both(async |db| {
        let world = world(&db).await;
        let mut asked = ask(&db, &world, "default read", NOW).await;
        asked.expires_at = LATER;
        asked.return_url = Some("https://app.example.com/done".to_owned());
        let connection = crate::testing::connection(&world, "acc");
        let state = AuthRequestState::Completed { connection: connection.id };
        let answered = AuthRequest { state: state.clone(), ..auth_request(&world) };
        let mut tx = db.begin(ACTOR).await.unwrap();
        crate::connections::create(&mut tx, &connection, Some(world.end_user_key)).await.unwrap();
        prolong(&mut tx, &asked).await.unwrap();
        insert(&mut tx, &answered, Some(world.end_user_key), "granted", NOW).await.unwrap();
        tx.commit().await.unwrap();
        let stored = find(&db, world.tenant, asked.id).await.unwrap().unwrap();
        assert_eq!((stored.expires_at, stored.return_url), (LATER, asked.return_url));
        let stored = find(&db, world.tenant, answered.id).await.unwrap().unwrap();
        assert_eq!(stored.state, state);
    })
    .await;
}

#[tokio::test]
async fn disconnecting_what_awaits_confirmation_ends_its_request() {
    on_both(async |db| {
        let world = world(&db).await;
        let asked = ask(&db, &world, "default read", NOW).await;
        let (_, connection) = led_to(&db, &world, &asked).await;
        let mut tx = db.begin(ACTOR).await.unwrap();
        assert_eq!(decline(&mut tx, id()).await.unwrap(), 0);
        assert_eq!(decline(&mut tx, connection).await.unwrap(), 1);
        tx.commit().await.unwrap();
        let stored = find(&db, world.tenant, asked.id).await.unwrap().unwrap();
        assert_eq!(stored.state, AuthRequestState::Declined { said: None });
    })
    .await;
}

#[tokio::test]
async fn f15_attempts_are_counted_and_prolong_a_phase_once() {
    on_both(async |db| {
        let world = world(&db).await;
        let asked = ask(&db, &world, "default read", NOW).await;
        let end = asked.expires_at;
        let latest = asked.expires_at.after(AuthRequest::PHASE);
        let try_until = async |until: Timestamp, expected: Timestamp| {
            let mut tx = db.begin(ACTOR).await.unwrap();
            assert!(attempt(&mut tx, asked.id, until, 4).await.unwrap());
            tx.commit().await.unwrap();
            let found = find_in_any_tenant(&db, asked.id).await.unwrap().unwrap();
            assert_eq!(found.expires_at, expected);
        };
        try_until(NOW, end).await;
        let between = end.after(std::time::Duration::from_mins(1));
        try_until(between, between).await;
        try_until(latest, latest).await;
        try_until(latest.after(AuthRequest::PHASE), latest).await;
        let mut tx = db.begin(ACTOR).await.unwrap();
        assert!(!attempt(&mut tx, asked.id, NOW, 4).await.unwrap(), "there is no fifth of four");
    })
    .await;
}

#[tokio::test]
async fn f15_open_requests_are_counted_up_to_a_limit() {
    on_both(async |db| {
        let world = world(&db).await;
        for number in 0..3 {
            ask(&db, &world, &format!("scopes {number}"), NOW).await;
        }
        let mut tx = db.begin(ACTOR).await.unwrap();
        assert_eq!(open_of(&mut tx, world.end_user_key, 9).await.unwrap(), 3);
        assert_eq!(open_of(&mut tx, world.end_user_key, 2).await.unwrap(), 2);
        assert_eq!(open_of(&mut tx, id(), 9).await.unwrap(), 0);
        drop(tx);
        let live = Tenant { environment: Environment::Live, ..world.tenant };
        assert_eq!(open_in(&db, world.tenant, 9).await.unwrap(), 3);
        assert_eq!(open_in(&db, world.tenant, 2).await.unwrap(), 2);
        assert_eq!(open_in(&db, live, 9).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn f15_the_oldest_requests_of_an_end_user_that_have_ended_are_forgotten() {
    on_both(async |db| {
        let world = world(&db).await;
        let mut all = Vec::new();
        for number in 0..5 {
            let asked = ask(&db, &world, &format!("scopes {number}"), NOW).await;
            all.push(asked);
        }
        all.sort_by_key(|asked| asked.id.to_string());
        for ended in &all[..4] {
            assert!(move_on(&db, ended, &AuthRequestState::Declined { said: None }).await);
        }
        let mut tx = db.begin(ACTOR).await.unwrap();
        assert_eq!(forget_ended(&mut tx, world.end_user_key, 4).await.unwrap(), 0);
        assert_eq!(forget_ended(&mut tx, world.end_user_key, 2).await.unwrap(), 2);
        tx.commit().await.unwrap();
        let mut left = Vec::new();
        for asked in all {
            left.push(find_in_any_tenant(&db, asked.id).await.unwrap().is_some());
        }
        assert_eq!(left, [false, false, true, true, true]);
    })
    .await;
}

#[tokio::test]
async fn a_row_whose_status_goes_with_nothing_beside_it_is_refused() {
    on_both(async |db| {
        let world = world(&db).await;
        let asked = ask(&db, &world, "default read", NOW).await;
        for sql in [
            "UPDATE auth_requests SET status = 'completed'",
            "UPDATE auth_requests SET status = 'failed'",
            "UPDATE auth_requests SET status = 'pending', failure = 'frozen'",
        ] {
            let mut tx = db.begin(ACTOR).await.unwrap();
            tx.execute(sql, binds![]).await.unwrap();
            tx.commit().await.unwrap();
            let refused = find(&db, world.tenant, asked.id).await.unwrap_err();
            assert!(matches!(refused, Error::Corrupt { column: "status", .. }), "{sql}");
        }
    })
    .await;
}
