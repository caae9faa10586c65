use std::time::Duration;

use astralform_domain::{Connection, DeliveryStatus, StatusReason};

use super::*;
use crate::{
    connections,
    testing::{ACTOR, World, connection, id, on_both, pruned, webhook, world},
    webhooks,
};

/// Makes a database whose time of events is that of the machine.
fn later() -> Timestamp {
    astralform_domain::Clock::system().now().after(Duration::from_mins(1))
}

async fn told(db: &Db, world: &World) -> WebhookId {
    let new = webhook(world.tenant);
    let mut tx = db.begin(ACTOR).await.unwrap();
    webhooks::create(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    new.id
}

/// Returns a connection that was made and revoked.
async fn two_events(db: &Db, world: &World, account: &str) -> Connection {
    let new = connection(world, account);
    let mut tx = db.begin(ACTOR).await.unwrap();
    connections::create(&mut tx, &new, Some(world.end_user_key)).await.unwrap();
    let why = StatusReason::UserRevoked;
    let now = Timestamp::from_secs(1);
    connections::revoke(&mut tx, &new, why, now).await.unwrap();
    tx.commit().await.unwrap();
    new
}

fn sequences(deliveries: &[Delivery]) -> Vec<i64> {
    let sequence = |delivery: &Delivery| match &delivery.what {
        Event::Test => 0,
        Event::StatusChanged(change) => change.sequence,
    };
    deliveries.iter().map(sequence).collect()
}

async fn save(db: &Db, delivery: &Delivery) -> bool {
    let mut tx = db.begin(ACTOR).await.unwrap();
    let saved = update(&mut tx, delivery).await.unwrap();
    tx.commit().await.unwrap();
    saved
}

#[tokio::test]
async fn the_events_of_a_connection_are_delivered_one_after_another() {
    on_both(async |db| {
        let world = world(&db).await;
        let webhook = told(&db, &world).await;
        two_events(&db, &world, "acc").await;
        let now = later();
        assert_eq!(due_webhooks(&db, now).await.unwrap()[0].number, 2);
        let mut first = due(&db, webhook, now, 10).await.unwrap();
        assert_eq!(sequences(&first), [1]);
        let until = now.after(Duration::from_secs(30));
        assert!(claim(&db, &mut first[0], until).await.unwrap());
        assert!(due(&db, webhook, now, 10).await.unwrap().is_empty(), "it is in hand");

        first[0].status = DeliveryStatus::Delivered;
        first[0].answered = Some(204);
        first[0].ended_at = Some(now);
        assert!(save(&db, &first[0]).await);
        assert_eq!(sequences(&due(&db, webhook, now, 10).await.unwrap()), [2]);
    })
    .await;
}

#[tokio::test]
async fn what_was_tried_for_a_while_is_overtaken() {
    on_both(async |db| {
        let world = world(&db).await;
        let webhook = told(&db, &world).await;
        two_events(&db, &world, "acc").await;
        let now = later();
        for _ in 0..PATIENT_ATTEMPTS {
            let mut first = due(&db, webhook, now, 10).await.unwrap();
            assert_eq!(sequences(&first), [1]);
            assert!(claim(&db, &mut first[0], now).await.unwrap());
        }
        let mut both = sequences(&due(&db, webhook, now, 10).await.unwrap());
        both.sort_unstable();
        assert_eq!(both, [1, 2]);
    })
    .await;
}

#[tokio::test]
async fn one_of_many_takes_a_delivery_in_hand_and_only_they_can_end_it() {
    on_both(async |db| {
        let world = world(&db).await;
        let webhook = told(&db, &world).await;
        two_events(&db, &world, "acc").await;
        let now = later();
        let seen = due(&db, webhook, now, 10).await.unwrap().remove(0);
        let racing: Vec<_> = (0..8)
            .map(|_| {
                let db = db.clone();
                let mut seen = seen.clone();
                tokio::spawn(async move { claim(&db, &mut seen, now).await.unwrap() })
            })
            .collect();
        let mut claimed = 0;
        for race in racing {
            claimed += usize::from(race.await.unwrap());
        }
        assert_eq!(claimed, 1);

        let mut late = due(&db, webhook, now, 10).await.unwrap().remove(0);
        let mut next = late.clone();
        assert!(claim(&db, &mut next, now).await.unwrap(), "the lease was over");
        late.status = DeliveryStatus::Failed;
        assert!(!save(&db, &late).await);
        let reconnect = Reconnect { request: id(), until: now };
        next.reconnect = Some(reconnect);
        next.failure = Some("down".to_owned());
        assert!(save(&db, &next).await);
        let found = find(&db, (world.tenant, webhook), &next.event).await.unwrap().unwrap();
        assert_eq!(found.reconnect, Some(reconnect));
        assert_eq!((found.attempts, found.failure.as_deref()), (2, Some("down")));
    })
    .await;
}

#[tokio::test]
async fn a_list_goes_back_page_by_page() {
    on_both(async |db| {
        let world = world(&db).await;
        let webhook = told(&db, &world).await;
        let place = (world.tenant, webhook);
        let mut tx = db.begin(ACTOR).await.unwrap();
        for (event, at) in [("evt_a", 1), ("evt_b", 2), ("evt_c", 2)] {
            add_test(&mut tx, place, event, Timestamp::from_secs(at)).await.unwrap();
        }
        tx.commit().await.unwrap();
        let events = async |after| {
            let page = of_webhook(&db, place, after, 2).await.unwrap();
            page.into_iter().map(|one| one.event).collect::<Vec<_>>()
        };
        assert_eq!(events(None).await, ["evt_c", "evt_b"]);
        assert_eq!(events(Some("evt_b")).await, ["evt_a"]);
        let foreign = Tenant { project: id(), ..world.tenant };
        assert!(of_webhook(&db, (foreign, webhook), None, 2).await.unwrap().is_empty());
        assert!(find(&db, (foreign, webhook), "evt_a").await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn what_a_disabled_webhook_waits_for_is_given_up_and_forgotten_in_time() {
    on_both(async |db| {
        let world = world(&db).await;
        let webhook = told(&db, &world).await;
        two_events(&db, &world, "acc").await;
        assert_eq!(pending(&db).await.unwrap(), 2);
        let now = later();
        let mut tx = db.begin(ACTOR).await.unwrap();
        assert_eq!(give_up(&mut tx, webhook, WebhookDisabled::Gone, now).await.unwrap(), 2);
        tx.commit().await.unwrap();
        assert_eq!(pending(&db).await.unwrap(), 0);
        let all = of_webhook(&db, (world.tenant, webhook), None, 9).await.unwrap();
        assert!(all.iter().all(|one| one.status == DeliveryStatus::Failed));
        assert_eq!(all[0].failure.as_deref(), Some("the webhook was disabled: gone"));

        let over = now.after(Duration::from_hours(7 * 24));
        let early = over.before(Duration::from_secs(1));
        assert_eq!(pruned(&db, "webhook_deliveries", early).await, 0);
        assert_eq!(pruned(&db, "webhook_deliveries", over).await, 2);
    })
    .await;
}
