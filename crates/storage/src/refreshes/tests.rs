use astralform_domain::ScopeSet;

use super::*;
use crate::{
    connection_uses, connections, freezes,
    nodes::{self, Node},
    testing::{ACTOR, connection, on_both, world},
    tokens,
};

const MINUTE: Duration = Duration::from_mins(1);
const A: Claimant<'_> = Claimant { node: "a", takes_over: true };

/// Returns a connection with a token that is due at 100 s, and the key of its refresh.
async fn stored(db: &Db, account: &str) -> (Connection, RefreshKey) {
    let world = world(db).await;
    let connection = connection(&world, account);
    let token = Token {
        kind: "user".to_owned(),
        generation: 3,
        access_token: Sealed::from_bytes(vec![1]),
        refresh_token: Some(Sealed::from_bytes(vec![2])),
        expires_at: Some(Timestamp::from_secs(200)),
        scopes: ScopeSet::default(),
        written_at: Timestamp::from_secs(1),
        refresh_at: Some(Timestamp::from_secs(100)),
        in_doubt: false,
        doubts: tokens::Doubts::default(),
    };
    let mut tx = db.begin(ACTOR).await.unwrap();
    connections::create(&mut tx, &connection, Some(world.end_user_key)).await.unwrap();
    tokens::put(&mut tx, &connection, &token).await.unwrap();
    tx.commit().await.unwrap();
    let key = RefreshKey { connection: connection.id, kind: token.kind };
    (connection, key)
}

async fn claimed(db: &Db, key: &RefreshKey, node: &str, length: Duration) -> Option<Lease> {
    let mut tx = db.begin(ACTOR).await.unwrap();
    let lease = claim(&mut tx, key, Claimant { node, takes_over: true }, length).await.unwrap();
    tx.commit().await.unwrap();
    lease
}

async fn sent(db: &Db, lease: &Lease) {
    let mut tx = db.begin(ACTOR).await.unwrap();
    mark_sent(&mut tx, lease, 3).await.unwrap();
    tx.commit().await.unwrap();
}

/// Returns what is abandoned at any project connector.
async fn abandoned_by(db: &Db, by: Claimant<'_>) -> Vec<Wanted> {
    let never = Timestamp::from_secs(0);
    let mut all = Vec::new();
    for at in waiting(db, by, never, never).await.unwrap() {
        all.extend(abandoned(db, at.project_connector, by, 9).await.unwrap());
    }
    all
}

/// Returns what is due at any project connector.
async fn due(db: &Db, now: Timestamp, since: Timestamp) -> Vec<Wanted> {
    let mut all = Vec::new();
    for at in waiting(db, A, now, since).await.unwrap() {
        all.extend(super::due(db, at.project_connector, now, since, 9).await.unwrap());
    }
    all
}

async fn noted(db: &Db, connection: ConnectionId, at: Timestamp) {
    let mut tx = db.begin(ACTOR).await.unwrap();
    connection_uses::note(&mut tx, connection, at).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn r1_one_holds_the_lease_until_it_lapses_and_the_next_knows_what_was_sent() {
    on_both(async |db| {
        let (_, key) = stored(&db, "acc").await;
        let first = claimed(&db, &key, "a", MINUTE).await.unwrap();
        assert_eq!((first.was_sent, first.failures), (false, 0));
        sent(&db, &first).await;
        assert_eq!(claimed(&db, &key, "b", MINUTE).await, None, "it is held");
        assert!(holder(&db, &key, 3, A).await.unwrap().is_some());
        assert!(holder(&db, &key, 2, A).await.unwrap().is_none(), "the token is newer than that");
        let mut tx = db.begin(ACTOR).await.unwrap();
        let node = |process| Node { name: "node", process, catalog: "same" };
        for living in ["a", "b"] {
            let found = nodes::beat(&mut tx, node(living)).await.unwrap();
            assert_eq!(found.taken_over, 0, "{living} holds nothing, or lives");
        }
        nodes::leave(&mut tx, node("a")).await.unwrap();
        assert_eq!(nodes::beat(&mut tx, node("b")).await.unwrap().taken_over, 1);
        tx.commit().await.unwrap();
        assert!(holder(&db, &key, 3, A).await.unwrap().is_none());
        let wanted = abandoned_by(&db, A).await;
        assert_eq!(wanted.iter().map(|wanted| &wanted.key).collect::<Vec<_>>(), [&key]);
        let next = claimed(&db, &key, "b", MINUTE).await.unwrap();
        assert_eq!((next.fence, next.was_sent, next.generation), (first.fence + 1, true, 3));
    })
    .await;
}

#[tokio::test]
async fn r3_what_another_node_has_sent_waits_for_its_answer_and_nothing_else_does() {
    on_both(async |db| {
        let (_, key) = stored(&db, "acc").await;
        let cautious = |node| Claimant { node, takes_over: false };
        let claimed_by = async |by, length| {
            let mut tx = db.begin(ACTOR).await.unwrap();
            let lease = claim(&mut tx, &key, by, length).await.unwrap();
            tx.commit().await.unwrap();
            lease
        };
        claimed_by(cautious("a"), Duration::ZERO).await.unwrap();
        assert!(holder(&db, &key, 3, cautious("b")).await.unwrap().is_none());
        let second = claimed_by(cautious("b"), Duration::ZERO).await;
        assert_eq!(second.map(|lease| lease.was_sent), Some(false), "nothing was sent");
        let first = claimed_by(cautious("a"), Duration::ZERO).await.unwrap();
        sent(&db, &first).await;

        assert_eq!(claimed_by(cautious("b"), MINUTE).await, None);
        assert!(holder(&db, &key, 3, cautious("b")).await.unwrap().is_some());
        assert!(holder(&db, &key, 3, cautious("a")).await.unwrap().is_none());
        assert_eq!(abandoned_by(&db, cautious("b")).await, []);
        assert_eq!(abandoned_by(&db, cautious("a")).await.len(), 1, "it is its own");
        assert!(claimed_by(cautious("a"), Duration::ZERO).await.unwrap().was_sent);

        let taken_over = Claimant { node: "b", takes_over: true };
        assert!(holder(&db, &key, 3, taken_over).await.unwrap().is_none());
        assert_eq!(abandoned_by(&db, taken_over).await.len(), 1);
        let lease = claimed_by(taken_over, Duration::ZERO).await.unwrap();
        assert!(keep_answer(&db, &lease, &Sealed::from_bytes(vec![7])).await.unwrap());
        assert_eq!(abandoned_by(&db, cautious("c")).await.len(), 1, "it is answered");
        assert!(holder(&db, &key, 3, cautious("c")).await.unwrap().is_none());
        assert!(claimed_by(cautious("c"), MINUTE).await.unwrap().answer.is_some());
    })
    .await;
}

#[tokio::test]
async fn r1_whoever_lost_the_lease_writes_nothing_any_more() {
    on_both(async |db| {
        let (_, key) = stored(&db, "acc").await;
        let late = claimed(&db, &key, "a", Duration::ZERO).await.unwrap();
        sent(&db, &late).await;
        let next = claimed(&db, &key, "b", MINUTE).await.unwrap();
        let answer = Sealed::from_bytes(vec![7]);
        assert!(!keep_answer(&db, &late, &answer).await.unwrap());
        let mut tx = db.begin(ACTOR).await.unwrap();
        put_off(&mut tx, &late, MINUTE, None).await.unwrap();
        give_back(&mut tx, &late).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(claimed(&db, &key, "c", MINUTE).await, None, "b still holds it");
        assert!(keep_answer(&db, &next, &answer).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn r2_an_answer_outlives_whoever_received_it() {
    on_both(async |db| {
        let (connection, key) = stored(&db, "acc").await;
        let first = claimed(&db, &key, "a", Duration::ZERO).await.unwrap();
        sent(&db, &first).await;
        let answer = Sealed::from_bytes(vec![7]);
        assert!(keep_answer(&db, &first, &answer).await.unwrap());
        let next = claimed(&db, &key, "b", Duration::ZERO).await.unwrap();
        assert_eq!(next.answer, Some(answer));
        let mut tx = db.begin(ACTOR).await.unwrap();
        tokens::erase(&mut tx, &connection).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(abandoned_by(&db, A).await, []);
    })
    .await;
}

#[tokio::test]
async fn r4_a_failure_is_counted_and_puts_the_next_try_off() {
    on_both(async |db| {
        let (_, key) = stored(&db, "acc").await;
        for failures in 0..3 {
            let lease = claimed(&db, &key, "a", MINUTE).await.unwrap();
            assert_eq!((lease.failures, lease.was_sent), (failures, false));
            sent(&db, &lease).await;
            let mut tx = db.begin(ACTOR).await.unwrap();
            let now = tx.clock().await.unwrap();
            assert!(failures == 0 || lease.not_before > now);
            put_off(&mut tx, &lease, MINUTE, None).await.unwrap();
            tx.commit().await.unwrap();
        }
        assert_eq!(abandoned_by(&db, A).await, [], "nobody is to blame");
    })
    .await;
}

#[tokio::test]
async fn r8_those_are_due_that_were_used_lately_and_nobody_is_at() {
    on_both(async |db| {
        let (connection, key) = stored(&db, "acc").await;
        let [early, now, since] = [99, 100, 50].map(Timestamp::from_secs);
        assert_eq!(due(&db, now, since).await, [], "it was never used");
        noted(&db, connection.id, since).await;
        assert_eq!(due(&db, now, since).await, [], "it was used long ago");
        noted(&db, connection.id, now).await;
        noted(&db, connection.id, early).await;
        assert_eq!(due(&db, early, since).await, [], "it is not time yet");
        let wanted = Wanted { tenant: connection.tenant, key: key.clone(), generation: 3 };
        let project = Some(connection.tenant.project);
        let mut tx = db.begin(ACTOR).await.unwrap();
        freezes::freeze(&mut tx, project, now).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(due(&db, now, early).await, [], "its project is frozen");
        let mut tx = db.begin(ACTOR).await.unwrap();
        freezes::unfreeze(&mut tx, project).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(due(&db, now, early).await, [wanted]);
        let lease = claimed(&db, &key, "a", MINUTE).await.unwrap();
        assert_eq!(due(&db, now, since).await, [], "somebody is at it");
        let mut tx = db.begin(ACTOR).await.unwrap();
        put_off(&mut tx, &lease, MINUTE, None).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(due(&db, now, since).await, [], "it has just failed");
    })
    .await;
}

/// F9: what cannot be refreshed at present waits in the database, not in front of others.
#[tokio::test]
async fn r8_what_is_put_off_is_neither_due_nor_abandoned_and_each_project_connector_has_its_own() {
    on_both(async |db| {
        let now = Timestamp::from_secs(100);
        let since = now.before(MINUTE);
        let (unusable, late) = stored(&db, "late").await;
        let (_, sent_key) = stored(&db, "sent").await;
        let (healthy, key) = stored(&db, "healthy").await;
        for connection in [&unusable, &healthy] {
            noted(&db, connection.id, now).await;
        }
        let lease = claimed(&db, &sent_key, "gone", Duration::ZERO).await.unwrap();
        sent(&db, &lease).await;
        let all = waiting(&db, A, now, since).await.unwrap();
        assert_eq!(all.len(), 3);
        assert!(all.is_sorted_by_key(|one| one.project_connector.to_string()));

        let mut tx = db.begin(ACTOR).await.unwrap();
        for key in [&late, &sent_key] {
            postpone(&mut tx, key, "a", MINUTE).await.unwrap();
            postpone(&mut tx, key, "a", Duration::ZERO).await.unwrap();
        }
        tx.commit().await.unwrap();
        let all = waiting(&db, A, now, since).await.unwrap();
        let WaitingConnector { tenant, project_connector } = all[0];
        assert_eq!(
            (all.len(), tenant, project_connector),
            (1, healthy.tenant, healthy.project_connector)
        );
        let wanted = Wanted { tenant, key, generation: 3 };
        assert_eq!(super::due(&db, project_connector, now, since, 9).await.unwrap(), [wanted]);
        let next = claimed(&db, &sent_key, "b", MINUTE).await.unwrap();
        assert_eq!((next.was_sent, next.failures), (true, 0), "what was sent stays so");
    })
    .await;
}

/// F11: an answer out of a file is taken as long as the token is there that it replaces.
#[tokio::test]
async fn r2_an_answer_out_of_a_file_is_taken_also_where_its_refresh_was_given_up() {
    on_both(async |db| {
        let (connection, key) = stored(&db, "acc").await;
        let answer = Sealed::from_bytes(vec![7]);
        let another = Sealed::from_bytes(vec![8]);
        let mut tx = db.begin(ACTOR).await.unwrap();
        assert!(!take_answer(&mut tx, &key, 2, "a", &answer).await.unwrap(), "of another token");
        assert!(take_answer(&mut tx, &key, 3, "a", &answer).await.unwrap());
        assert!(!take_answer(&mut tx, &key, 3, "a", &another).await.unwrap(), "there is one");
        tx.commit().await.unwrap();
        assert_eq!(abandoned_by(&db, A).await.len(), 1);
        let lease = claimed(&db, &key, "b", MINUTE).await.unwrap();
        assert_eq!((lease.generation, lease.answer), (3, Some(answer.clone())));
        let mut tx = db.begin(ACTOR).await.unwrap();
        tokens::erase(&mut tx, &connection).await.unwrap();
        assert!(!take_answer(&mut tx, &key, 3, "a", &answer).await.unwrap(), "it has ended");
        tx.commit().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn r1_a_token_is_replaced_once() {
    on_both(async |db| {
        let (connection, key) = stored(&db, "acc").await;
        let mut tx = db.begin(ACTOR).await.unwrap();
        tokens::doubt(&mut tx, &connection, "user", 3).await.unwrap();
        let old = tokens::find(&mut tx, connection.id, &key.kind).await.unwrap().unwrap();
        assert!(old.in_doubt);
        let new = Token { generation: 4, in_doubt: false, ..old };
        assert!(tokens::replace(&mut tx, &connection, &new, 3).await.unwrap());
        assert!(!tokens::replace(&mut tx, &connection, &new, 3).await.unwrap());
        let found = tokens::find(&mut tx, connection.id, &key.kind).await.unwrap().unwrap();
        assert_eq!(found, new);
        let doubtful = Token { generation: 5, in_doubt: true, ..new };
        assert!(tokens::replace(&mut tx, &connection, &doubtful, 4).await.unwrap());
        let found = tokens::find(&mut tx, connection.id, &key.kind).await.unwrap().unwrap();
        assert_eq!(found, doubtful);
    })
    .await;
}
