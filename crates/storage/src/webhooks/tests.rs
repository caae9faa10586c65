use astralform_domain::{Environment, HostSet, Sealed, Timestamp, WebhookDisabled};

use super::*;
use crate::testing::{ACTOR, id, on_both, webhook, world};

#[tokio::test]
async fn a_webhook_is_read_as_it_was_written_and_only_where_it_belongs() {
    on_both(async |db| {
        let tenant = world(&db).await.tenant;
        let mut first = webhook(tenant);
        let second = webhook(tenant);
        let mut tx = db.begin(ACTOR).await.unwrap();
        create(&mut tx, &first).await.unwrap();
        create(&mut tx, &second).await.unwrap();
        first.url = "https://other.example.com/".to_owned();
        first.hosts = HostSet::from_iter(["other.example.com".to_owned()]);
        first.generation = 2;
        first.secret = Sealed::from_bytes(b"next".to_vec());
        let until = Timestamp::from_secs(9);
        first.previous = Some(Retired { secret: Sealed::from_bytes(b"sealed".to_vec()), until });
        first.disabled = Some(WebhookDisabled::Failing);
        first.failing_since = Some(Timestamp::from_secs(3));
        update(&mut tx, &first).await.unwrap();
        tx.commit().await.unwrap();

        let found = find(&db, tenant, first.id).await.unwrap().unwrap();
        assert_eq!(format!("{found:?}"), format!("{first:?}"));
        let all = of_environment(&db, tenant).await.unwrap();
        assert_eq!(all.len(), 2);
        let live = Tenant { environment: Environment::Live, ..tenant };
        let foreign = Tenant { project: id(), ..tenant };
        for other in [live, foreign] {
            assert!(find(&db, other, first.id).await.unwrap().is_none());
            assert!(of_environment(&db, other).await.unwrap().is_empty());
            let mut tx = db.begin(ACTOR).await.unwrap();
            assert!(lock(&mut tx, other, first.id).await.unwrap().is_none());
            assert!(!delete(&mut tx, other, first.id).await.unwrap());
        }
        let mut tx = db.begin(ACTOR).await.unwrap();
        assert!(lock(&mut tx, tenant, first.id).await.unwrap().is_some());
        assert!(delete(&mut tx, tenant, first.id).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(of_environment(&db, tenant).await.unwrap().len(), 1);
    })
    .await;
}
