use std::{collections::BTreeMap, time::Duration};

use astralform_domain::{Connection, ConnectionStatus, ScopeSet, Sealed, StatusReason};
use tokio::task::JoinSet;

use super::*;
use crate::{
    connections::{self, ConnectionSelection},
    testing::{ACTOR, World, connection, on_both, state_of, world},
    tokens::{self, Token},
};

const NODE: crate::refreshes::Claimant<'_> =
    crate::refreshes::Claimant { node: "node", takes_over: true };

const WHY: StatusReason = StatusReason::ConnectorDisabled;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(seconds)
}

async fn connect(db: &Db, world: &World, account: &str, status: ConnectionStatus) -> Connection {
    let made = Connection { state: state_of(status), ..connection(world, account) };
    let mut tx = db.begin(ACTOR).await.unwrap();
    connections::create(&mut tx, &made, Some(world.end_user_key)).await.unwrap();
    for kind in ["bot", "user"] {
        let token = Token {
            kind: kind.to_owned(),
            generation: 1,
            access_token: Sealed::from_bytes(vec![1]),
            refresh_token: None,
            expires_at: None,
            scopes: ScopeSet::default(),
            written_at: at(0),
            refresh_at: None,
            in_doubt: false,
            doubts: tokens::Doubts::default(),
        };
        tokens::put(&mut tx, &made, &token).await.unwrap();
    }
    tx.commit().await.unwrap();
    made
}

/// Returns so many connections that have ended at second 10.
async fn ended(db: &Db, world: &World, number: usize) -> Vec<Connection> {
    let mut all = Vec::new();
    for account in 0..number {
        all.push(connect(db, world, &account.to_string(), ConnectionStatus::Active).await);
    }
    let tenant = world.tenant;
    let pcon = world.project_connector.id;
    let mut tx = db.begin(ACTOR).await.unwrap();
    let selection = ConnectionSelection::default();
    connections::revoke_all(&mut tx, tenant, pcon, selection, WHY, at(10)).await.unwrap();
    tx.commit().await.unwrap();
    all
}

async fn end(tx: Tx, commits: bool) {
    if commits {
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn b6_whatever_ends_a_connection_with_tokens_leaves_a_row_in_the_same_transaction() {
    on_both(async |db| {
        let world = world(&db).await;
        let tenant = world.tenant;
        let pcon = world.project_connector.id;
        let active = ConnectionStatus::Active;
        let waiting = ConnectionStatus::AwaitingConfirmation;
        for (step, status) in [(0, active), (1, waiting), (2, waiting)] {
            let made = connect(&db, &world, &format!("acc-{step}"), status).await;
            for commits in [false, true] {
                let mut tx = db.begin(ACTOR).await.unwrap();
                let tx_ref = &mut tx;
                match step {
                    0 => drop(connections::revoke(tx_ref, &made, WHY, at(10)).await.unwrap()),
                    1 => drop(
                        connections::revoke_unconfirmed(tx_ref, tenant, pcon, WHY, at(10))
                            .await
                            .unwrap(),
                    ),
                    _ => drop(
                        connections::revoke_all(
                            tx_ref,
                            tenant,
                            pcon,
                            ConnectionSelection::default(),
                            WHY,
                            at(10),
                        )
                        .await
                        .unwrap(),
                    ),
                }
                end(tx, commits).await;
                let row = find(&db, tenant, made.id).await.unwrap();
                assert_eq!(row.is_some(), commits, "step {step}");
            }
            let row = find(&db, tenant, made.id).await.unwrap().unwrap();
            assert_eq!((row.status, row.attempts), (RevocationStatus::Pending, 0));
            assert_eq!((row.requested_at, row.next_attempt_at), (at(10), at(10)));
            assert_eq!(row.connector, world.project_connector.connector);
        }
        let bare = connection(&world, "bare");
        let mut tx = db.begin(ACTOR).await.unwrap();
        connections::create(&mut tx, &bare, Some(world.end_user_key)).await.unwrap();
        connections::revoke(&mut tx, &bare, WHY, at(10)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(find(&db, tenant, bare.id).await.unwrap(), None, "there is nothing to end");
    })
    .await;
}

#[tokio::test]
async fn b6_a_row_is_taken_by_one_at_a_time_until_the_lease_is_over() {
    on_both(async |db| {
        let world = world(&db).await;
        let all = ended(&db, &world, 12).await;
        let pcon = world.project_connector.id;
        assert!(claim(&db, pcon, at(9), at(70), 99).await.unwrap().is_empty(), "not due yet");
        let racing: JoinSet<_> = (0..8)
            .map(|_| {
                let db = db.clone();
                async move { claim(&db, pcon, at(10), at(70), 3).await.unwrap() }
            })
            .collect();
        let mut taken: Vec<_> = racing.join_all().await.into_iter().flatten().collect();
        taken.extend(claim(&db, pcon, at(10), at(70), 99).await.unwrap());
        let mut times: BTreeMap<_, usize> = BTreeMap::new();
        for row in &taken {
            assert_eq!((row.attempts, row.next_attempt_at), (1, at(70)));
            *times.entry(row.connection).or_default() += 1;
        }
        assert_eq!((times.len(), times.values().max()), (12, Some(&1)));
        assert_eq!(due(&db, at(69)).await.unwrap(), []);
        assert_eq!(due(&db, at(70)).await.unwrap().len(), 1);
        assert_eq!(claim(&db, pcon, at(70), at(130), 99).await.unwrap().len(), all.len());
    })
    .await;
}

#[tokio::test]
async fn one_row_can_be_taken_unless_it_is_taken_or_its_provider_is_paused() {
    on_both(async |db| {
        let world = world(&db).await;
        let all = ended(&db, &world, 2).await;
        let taken = claim_one(&db, all[0].id, at(10), at(70)).await.unwrap().unwrap();
        assert_eq!(taken.connection, all[0].id);
        assert_eq!(claim_one(&db, all[0].id, at(10), at(70)).await.unwrap(), None);
        let mut tx = db.begin(ACTOR).await.unwrap();
        release(&mut tx, &taken, at(10)).await.unwrap();
        pause(&mut tx, world.project_connector.id, 1, at(20), None).await.unwrap();
        tx.commit().await.unwrap();
        for id in [all[0].id, all[1].id] {
            assert_eq!(claim_one(&db, id, at(30), at(90)).await.unwrap(), None);
        }
        resume(&db, world.project_connector.id).await.unwrap();
        let taken = claim_one(&db, all[0].id, at(30), at(90)).await.unwrap().unwrap();
        assert_eq!(taken.attempts, 1, "what was given back was not tried");
    })
    .await;
}

#[tokio::test]
async fn a_paused_provider_is_due_again_after_its_pause_and_probed_by_one() {
    on_both(async |db| {
        let world = world(&db).await;
        ended(&db, &world, 1).await;
        let pcon = world.project_connector.id;
        let mut tx = db.begin(ACTOR).await.unwrap();
        pause(&mut tx, pcon, 1, at(100), None).await.unwrap();
        pause(&mut tx, pcon, 2, at(50), None).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(due(&db, at(99)).await.unwrap(), []);
        let expected = Due { tenant: world.tenant, project_connector: pcon, failures: 2 };
        assert_eq!(due(&db, at(100)).await.unwrap(), [expected]);
        assert!(!probe(&db, pcon, at(99), at(160)).await.unwrap());
        assert!(probe(&db, pcon, at(100), at(160)).await.unwrap());
        assert!(!probe(&db, pcon, at(100), at(160)).await.unwrap());
        assert_eq!(due(&db, at(159)).await.unwrap(), []);
    })
    .await;
}

/// A connection that ended before, and whose row is gone, stands for the many that ended before.
#[tokio::test]
async fn only_those_are_requested_that_a_change_has_just_ended() {
    const FORGET: &str = "DELETE FROM revocations";
    on_both(async |db| {
        let world = world(&db).await;
        let before = ended(&db, &world, 2).await;
        let mut tx = db.begin(ACTOR).await.unwrap();
        tx.execute(FORGET, binds![]).await.unwrap();
        tx.commit().await.unwrap();
        let now = connect(&db, &world, "now", ConnectionStatus::Active).await;
        let tenant = world.tenant;
        let pcon = world.project_connector.id;
        let mut tx = db.begin(ACTOR).await.unwrap();
        let which = ConnectionSelection::default();
        let revoked = connections::revoke_all(&mut tx, tenant, pcon, which, WHY, at(20)).await;
        tx.commit().await.unwrap();
        assert_eq!(revoked.unwrap(), 1);
        assert!(find(&db, tenant, now.id).await.unwrap().is_some());
        assert!(find(&db, tenant, before[0].id).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn what_a_probe_took_for_itself_is_over_with_its_answer() {
    on_both(async |db| {
        let world = world(&db).await;
        ended(&db, &world, 1).await;
        let pcon = world.project_connector.id;
        let paused = async |until, of_probe| {
            let mut tx = db.begin(ACTOR).await.unwrap();
            pause(&mut tx, pcon, 1, until, of_probe).await.unwrap();
            tx.commit().await.unwrap();
        };
        paused(at(100), None).await;
        assert!(probe(&db, pcon, at(100), at(160)).await.unwrap());
        paused(at(104), Some(at(160))).await;
        assert_eq!(due(&db, at(103)).await.unwrap(), []);
        assert_eq!(due(&db, at(104)).await.unwrap().len(), 1, "not left alone for longer");
        assert!(probe(&db, pcon, at(104), at(164)).await.unwrap());
        paused(at(900), None).await;
        paused(at(108), Some(at(164))).await;
        assert_eq!(due(&db, at(899)).await.unwrap(), [], "somebody else was told to wait");
    })
    .await;
}

#[tokio::test]
async fn b6_a_receipt_is_final() {
    on_both(async |db| {
        let world = world(&db).await;
        let all = ended(&db, &world, 1).await;
        let tenant = world.tenant;
        let id = all[0].id;
        let mut tx = db.begin(ACTOR).await.unwrap();
        postpone(&mut tx, id, at(40), "status 503").await.unwrap();
        tx.commit().await.unwrap();
        let row = find(&db, tenant, id).await.unwrap().unwrap();
        assert_eq!(row.last_error.as_deref(), Some("status 503"));
        assert_eq!((row.next_attempt_at, row.finished_at), (at(40), None));
        assert_eq!(pending(&db).await.unwrap(), 1);
        for (to, why, now) in [
            (RevocationStatus::ProviderConfirmed, None, at(50)),
            (RevocationStatus::GaveUp, Some("too late"), at(60)),
        ] {
            let mut tx = db.begin(ACTOR).await.unwrap();
            settle(&mut tx, id, to, why, now).await.unwrap();
            postpone(&mut tx, id, at(99), "too late").await.unwrap();
            tx.commit().await.unwrap();
        }
        let row = find(&db, tenant, id).await.unwrap().unwrap();
        assert_eq!(row.status, RevocationStatus::ProviderConfirmed);
        assert_eq!((row.finished_at, row.last_error), (Some(at(50)), None));
        assert_eq!(due(&db, at(9_999)).await.unwrap(), []);
        assert_eq!(pending(&db).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn b6_only_the_token_that_was_ended_is_erased_not_the_one_that_replaced_it() {
    on_both(async |db| {
        let world = world(&db).await;
        let id = ended(&db, &world, 1).await[0].id;
        let mut tx = db.begin(ACTOR).await.unwrap();
        erase_token(&mut tx, id, "bot", 1).await.unwrap();
        erase_token(&mut tx, id, "user", 7).await.unwrap();
        assert!(has_tokens(&mut tx, id).await.unwrap());
        tx.commit().await.unwrap();
        let left = tokens::of(&db, id).await.unwrap();
        assert_eq!(left.iter().map(|token| token.kind.as_str()).collect::<Vec<_>>(), ["user"]);
        let mut tx = db.begin(ACTOR).await.unwrap();
        erase(&mut tx, id).await.unwrap();
        assert!(!has_tokens(&mut tx, id).await.unwrap());
        tx.commit().await.unwrap();
        assert!(tokens::of(&db, id).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_refresh_that_is_under_way_is_seen_until_its_answer_is_stored() {
    on_both(async |db| {
        let world = world(&db).await;
        let id = ended(&db, &world, 1).await[0].id;
        assert!(!is_refreshed(&db, id).await.unwrap());
        let key = RefreshKey { connection: id, kind: "user".to_owned() };
        let mut tx = db.begin(ACTOR).await.unwrap();
        let lease = crate::refreshes::claim(&mut tx, &key, NODE, Duration::from_secs(0)).await;
        let lease = lease.unwrap().unwrap();
        tx.commit().await.unwrap();
        assert!(!is_refreshed(&db, id).await.unwrap(), "nothing was sent, and the lease is over");
        let mut tx = db.begin(ACTOR).await.unwrap();
        crate::refreshes::mark_sent(&mut tx, &lease, 1).await.unwrap();
        tx.commit().await.unwrap();
        assert!(is_refreshed(&db, id).await.unwrap());
        let mut tx = db.begin(ACTOR).await.unwrap();
        crate::refreshes::end(&mut tx, &key).await.unwrap();
        tx.commit().await.unwrap();
        assert!(!is_refreshed(&db, id).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn only_what_was_requested_long_ago_is_given_up() {
    on_both(async |db| {
        let world = world(&db).await;
        let all = ended(&db, &world, 2).await;
        let pcon = world.project_connector.id;
        for (until, expected) in [(at(9), 0), (at(10), 2), (at(10), 0)] {
            let mut tx = db.begin(ACTOR).await.unwrap();
            let given_up = give_up(&mut tx, pcon, until, "status 503", at(99)).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(given_up, expected);
            let left = tokens::of(&db, all[0].id).await.unwrap().len();
            assert_eq!(left, if until == at(9) { 2 } else { 0 });
        }
        let row = find(&db, world.tenant, all[1].id).await.unwrap().unwrap();
        assert_eq!((row.status, row.finished_at), (RevocationStatus::GaveUp, Some(at(99))));
    })
    .await;
}

/// Ten thousand end in one transaction, with one statement for their rows.
#[tokio::test]
async fn b6_ten_thousand_connections_end_in_one_transaction() {
    const CONNECTIONS: &str = "
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
        INSERT INTO connections
            (id, project_id, environment, project_connector_id, end_user_id, account_id,
             account_label, is_default, status, scopes, hosts, created_at)
        SELECT 'conn_01JAAAAAAAAAAAAAAA' || CAST(10000000 + i AS TEXT), $1, $2, $3, $4,
               CAST(i AS TEXT), '', FALSE, 'active', '[]', '[]', 1
        FROM n";
    const TOKENS: &str = "
        INSERT INTO tokens
            (connection_id, kind, generation, access_token, scopes, written_at, in_doubt)
        SELECT id, 'default', 1, $1, '[]', 1, FALSE FROM connections";
    on_both(async |db| {
        let world = world(&db).await;
        let tenant = world.tenant;
        let pcon = world.project_connector.id;
        let mut tx = db.begin(ACTOR).await.unwrap();
        let binds = binds![tenant.project, tenant.environment, pcon, world.end_user_key];
        tx.execute(CONNECTIONS, binds).await.unwrap();
        tx.execute(TOKENS, binds![&Sealed::from_bytes(vec![1; 200])]).await.unwrap();
        tx.commit().await.unwrap();

        let began = std::time::Instant::now();
        let mut tx = db.begin(ACTOR).await.unwrap();
        let all = ConnectionSelection::default();
        let revoked =
            connections::revoke_all(&mut tx, tenant, pcon, all, WHY, at(10)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(revoked, 10_000);
        assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
        let taken = claim(&db, pcon, at(10), at(70), 99_999).await.unwrap();
        assert_eq!(taken.len(), 10_000);
    })
    .await;
}

/// F12: one that hangs is asked after those that are well.
#[tokio::test]
async fn b6_providers_that_are_well_are_asked_before_those_that_were_not() {
    on_both(async |db| {
        let mut ended = Vec::new();
        for (requested, failures) in [(10, 3), (30, 0), (20, 0)] {
            let world = world(&db).await;
            let gone = connect(&db, &world, "acc", ConnectionStatus::Active).await;
            let mut tx = db.begin(ACTOR).await.unwrap();
            connections::revoke(&mut tx, &gone, WHY, at(requested)).await.unwrap();
            if failures > 0 {
                let pcon = gone.project_connector;
                pause(&mut tx, pcon, failures, at(requested), None).await.unwrap();
            }
            tx.commit().await.unwrap();
            ended.push(gone.project_connector);
        }
        let order: Vec<_> = due(&db, at(100)).await.unwrap();
        let order: Vec<_> = order.iter().map(|due| due.project_connector).collect();
        assert_eq!(order, [ended[2], ended[1], ended[0]]);
    })
    .await;
}
