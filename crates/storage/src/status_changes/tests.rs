use ConnectionStatus::{Active, AwaitingConfirmation, NeedsReauth, Revoked};
use astralform_domain::{
    Clock, Connection, ConnectionState, ConnectionStatus, Environment, Event, Owner,
    RevocationStatus, ScopeSet, Sealed, StatusChange, StatusReason, Tenant, Timestamp,
    WebhookDisabled,
};

use crate::{
    Db,
    connections::{
        self, ConnectionSelection, create, create_replaced, expire_all, mark_dead, merge, revoke,
        revoke_all, revoke_unconfirmed, update,
    },
    revocations,
    testing::{ACTOR, World, connection, id, on_both, state_of, webhook, world},
    tokens::{self, Token},
    webhook_deliveries::of_webhook,
    webhooks,
};

const NOW: i64 = 5_000;

struct Told {
    db: Db,
    world: World,
    webhook: astralform_domain::WebhookId,
    read: usize,
}

impl Told {
    async fn new(db: Db) -> Self {
        let db = db.at_the_time_of(Clock::manual(Timestamp::from_secs(NOW)));
        let world = world(&db).await;
        let new = webhook(world.tenant);
        let live = Tenant { environment: Environment::Live, ..world.tenant };
        let paused = webhook(world.tenant);
        let mut tx = db.begin(ACTOR).await.unwrap();
        for one in [&new, &webhook(live), &paused] {
            webhooks::create(&mut tx, one).await.unwrap();
        }
        let disabled = Some(WebhookDisabled::Paused);
        let paused = astralform_domain::Webhook { disabled, ..paused };
        webhooks::update(&mut tx, &paused).await.unwrap();
        tx.commit().await.unwrap();
        Self { db, world, webhook: new.id, read: 0 }
    }

    async fn change(&self, what: impl AsyncFnOnce(&mut crate::Tx)) {
        let mut tx = self.db.begin(ACTOR).await.unwrap();
        what(&mut tx).await;
        tx.commit().await.unwrap();
    }

    async fn stored(&self, account: &str, status: ConnectionStatus) -> Connection {
        let new = Connection { state: state_of(status), ..connection(&self.world, account) };
        let end_user = Some(self.world.end_user_key);
        self.change(async |tx| create(tx, &new, end_user).await.unwrap()).await;
        new
    }

    /// Returns what was told since the last time, in the order of the connections' changes.
    async fn told(&mut self) -> Vec<(Option<ConnectionStatus>, ConnectionStatus, i64)> {
        let place = (self.world.tenant, self.webhook);
        let mut all = of_webhook(&self.db, place, None, 100).await.unwrap();
        all.sort_by_key(|delivery| delivery.event.clone());
        let changes: Vec<StatusChange> = all.into_iter().map(|one| changed(&one.what)).collect();
        let number = changes.len();
        let fresh = number - self.read;
        self.read = number;
        let mut told: Vec<_> =
            changes.into_iter().map(|change| (change.old, change.new, change.sequence)).collect();
        told.sort_by_key(|(.., sequence)| *sequence);
        told.split_off(number - fresh)
    }
}

fn changed(event: &Event) -> StatusChange {
    let Event::StatusChanged(change) = event else { panic!("{event:?}") };
    change.clone()
}

#[tokio::test]
async fn each_kind_of_change_is_told_once_with_the_status_before_and_after() {
    on_both(async |db| {
        let mut told = Told::new(db).await;
        let why = StatusReason::TokenRejected;
        let waiting = told.stored("acc", AwaitingConfirmation).await;
        assert_eq!(told.told().await, [(None, AwaitingConfirmation, 1)]);

        let active = Connection { state: ConnectionState::ACTIVE, ..waiting };
        told.change(async |tx| update(tx, &active).await.unwrap()).await;
        assert_eq!(told.told().await, [(Some(AwaitingConfirmation), Active, 2)]);
        told.change(async |tx| update(tx, &active).await.unwrap()).await;
        assert_eq!(told.told().await, [], "nothing has changed");

        told.change(async |tx| assert!(mark_dead(tx, &active, ("user", 1), why).await.unwrap()))
            .await;
        assert_eq!(told.told().await, [(Some(Active), NeedsReauth, 3)]);
        told.change(async |tx| assert!(!mark_dead(tx, &active, ("user", 1), why).await.unwrap()))
            .await;
        assert_eq!(told.told().await, [], "it was not active any more");

        told.change(async |tx| update(tx, &active).await.unwrap()).await;
        assert_eq!(told.told().await, [(Some(NeedsReauth), Active, 4)]);

        let ended = StatusReason::UserRevoked;
        let now = Timestamp::from_secs(NOW);
        told.change(async |tx| assert!(revoke(tx, &active, ended, now).await.unwrap())).await;
        assert_eq!(told.told().await, [(Some(Active), Revoked, 5)]);
        told.change(async |tx| assert!(!revoke(tx, &active, ended, now).await.unwrap())).await;
        assert_eq!(told.told().await, []);
    })
    .await;
}

#[tokio::test]
async fn a_change_of_many_connections_is_told_of_each() {
    on_both(async |db| {
        let mut told = Told::new(db).await;
        let tenant = told.world.tenant;
        let pcon = told.world.project_connector.id;
        let now = Timestamp::from_secs(NOW);
        let all = ConnectionSelection::default();
        for account in ["1", "2", "3"] {
            told.stored(account, Active).await;
        }
        told.stored("4", AwaitingConfirmation).await;
        assert_eq!(told.told().await.len(), 4);

        let why = StatusReason::ClientChanged;
        told.change(async |tx| assert_eq!(expire_all(tx, tenant, pcon, why).await.unwrap(), 3))
            .await;
        assert_eq!(told.told().await, [(Some(Active), NeedsReauth, 2); 3]);
        told.change(async |tx| {
            assert_eq!(revoke_unconfirmed(tx, tenant, pcon, why, now).await.unwrap(), 1);
        })
        .await;
        assert_eq!(told.told().await.len(), 1);
        let why = StatusReason::ConnectorDisabled;
        told.change(async |tx| {
            assert_eq!(revoke_all(tx, tenant, pcon, all, why, now).await.unwrap(), 3);
        })
        .await;
        assert_eq!(told.told().await, [(Some(NeedsReauth), Revoked, 3); 3]);
    })
    .await;
}

#[tokio::test]
async fn an_event_says_which_connection_whose_and_when() {
    on_both(async |db| {
        let told = Told::new(db).await;
        let waiting = told.stored("acc", AwaitingConfirmation).await;
        told.change(async |tx| merge(tx, &waiting).await.unwrap()).await;
        let place = (told.world.tenant, told.webhook);
        let all = of_webhook(&told.db, place, None, 100).await.unwrap();
        let merged = all.iter().max_by_key(|one| changed(&one.what).sequence).unwrap();
        assert_eq!(
            changed(&merged.what),
            StatusChange {
                connection: waiting.id,
                connector: "chat".to_owned(),
                end_user: Some(told.world.end_user.clone()),
                old: Some(AwaitingConfirmation),
                new: Revoked,
                reason: Some(StatusReason::Merged),
                sequence: 2,
            }
        );
        assert_eq!(merged.occurred_at, Timestamp::from_secs(NOW));
        assert!(!merged.event.contains('.'), "a full stop would end the id in what is signed");
    })
    .await;
}

#[tokio::test]
async fn what_did_not_happen_is_not_told() {
    on_both(async |db| {
        let mut told = Told::new(db).await;
        let active = told.stored("acc", Active).await;
        told.told().await;
        let mut tx = told.db.begin(ACTOR).await.unwrap();
        revoke(&mut tx, &active, StatusReason::UserRevoked, Timestamp::from_secs(NOW))
            .await
            .unwrap();
        drop(tx);
        assert_eq!(told.told().await, []);
    })
    .await;
}

#[tokio::test]
async fn what_stands_for_replaced_tokens_has_a_row_in_the_outbox_and_is_told_to_nobody() {
    on_both(async |db| {
        let mut told = Told::new(db).await;
        let ended = Connection {
            state: ConnectionState::Revoked(StatusReason::Replaced),
            ..connection(&told.world, "acc")
        };
        let token = Token {
            kind: "default".to_owned(),
            generation: 1,
            access_token: Sealed::from_bytes(vec![1]),
            refresh_token: None,
            expires_at: None,
            scopes: ScopeSet::default(),
            written_at: Timestamp::from_secs(NOW),
            refresh_at: None,
            in_doubt: false,
            doubts: tokens::Doubts::default(),
        };
        let end_user = Some(told.world.end_user_key);
        let tenant = ended.tenant;
        let now = Timestamp::from_secs(NOW);
        told.change(async |tx| {
            create_replaced(tx, &ended, end_user).await.unwrap();
            tokens::put(tx, &ended, &token).await.unwrap();
            revocations::request(tx, tenant, ended.id, now).await.unwrap();
        })
        .await;
        assert_eq!(told.told().await, []);
        let row = revocations::find(&told.db, tenant, ended.id).await.unwrap().unwrap();
        assert_eq!((row.status, row.next_attempt_at), (RevocationStatus::Pending, now));
        let stored = connections::find(&told.db, tenant, ended.id).await.unwrap();
        assert_eq!(stored, Some(ended));
    })
    .await;
}

#[tokio::test]
async fn what_a_member_connects_for_themselves_is_told_to_nobody() {
    on_both(async |db| {
        let mut told = Told::new(db).await;
        let owner = Owner::Member(id());
        let own = Connection { owner: owner.clone(), ..connection(&told.world, "acc") };
        let tenant = told.world.tenant;
        told.change(async |tx| {
            let now = Timestamp::from_secs(NOW);
            let key = crate::end_users::ensure(tx, tenant, &owner, id(), now).await.unwrap();
            create(tx, &own, key).await.unwrap();
        })
        .await;
        assert_eq!(told.told().await, []);
    })
    .await;
}

/// Fails for a new statement that sets a status and does not take part.
#[test]
fn every_statement_that_sets_a_status_of_connections_takes_part() {
    let text = concat!(include_str!("../connections.rs"), include_str!("../connections/many.rs"));
    let statements: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
    let sets = |sql: &str| {
        let assignments = sql.split("WHERE").next().unwrap_or_default();
        sql.contains("INSERT INTO connections")
            || sql.contains("UPDATE connections")
                && assignments.contains(" status = ")
                && !assignments.contains("SET status = status")
    };
    let setting: Vec<_> = statements.into_iter().filter(|sql| sets(sql)).collect();
    assert!(setting.len() >= 8, "{}", setting.len());
    for sql in setting {
        assert!(sql.contains("last_change"), "{sql}");
        let is_new = sql.contains("INSERT");
        assert!(is_new || sql.contains("previous_status = status,"), "{sql}");
        assert!(is_new || sql.contains("status_changes = status_changes + "), "{sql}");
        let stays = sql.contains("'revoked', ") && !sql.contains("'merged'");
        assert!(!stays || sql.contains("ended_at = "), "it would be kept for ever: {sql}");
    }
    let told = text.matches("change.tell(tx)").count();
    assert_eq!(told, text.matches("StatusUpdate::new(tx)").count());
}
