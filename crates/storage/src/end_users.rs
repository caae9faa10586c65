//! The developers' own users, as far as we know them, and members who connect accounts of their
//! own.

use astralform_domain::{EndUserId, EndUserKey, Owner, Tenant, Timestamp};

use crate::{
    Error, Result, Tx,
    bind::binds,
    db::{Row, Run as _},
    row::Record,
};

struct Key(EndUserKey);

impl Record for Key {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self(row.parse("id")?))
    }
}

/// Returns the row of a person, made with the id `fresh` when there was none; the project has none.
/// It stays locked until the transaction ends, so that what is decided about one person is decided
/// one after another.
pub async fn ensure(
    tx: &mut Tx,
    tenant: Tenant,
    owner: &Owner,
    fresh: EndUserKey,
    now: Timestamp,
) -> Result<Option<EndUserKey>> {
    const SQL: &str = "
        INSERT INTO end_users (id, project_id, environment, external_id, created_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (project_id, environment, external_id)
        DO UPDATE SET external_id = excluded.external_id
        RETURNING id";
    let Tenant { project, environment } = tenant;
    if *owner == Owner::Project {
        return Ok(None);
    }
    let binds = binds![fresh, project, environment, owner, now];
    let found: Option<Key> = tx.returning(SQL, binds).await?;
    found.map(|Key(key)| Some(key)).ok_or_else(|| Error::Corrupt {
        column: "external_id",
        why: "a row just written is gone".into(),
    })
}

/// Returns the row of an end user, where there is one; locked as by [`ensure`].
pub async fn lock(tx: &mut Tx, tenant: Tenant, end_user: &EndUserId) -> Result<Option<EndUserKey>> {
    const SQL: &str = "
        UPDATE end_users SET external_id = external_id
        WHERE project_id = $1 AND environment = $2 AND external_id = $3 RETURNING id";
    let binds = binds![tenant.project, tenant.environment, end_user];
    let found: Option<Key> = tx.returning(SQL, binds).await?;
    Ok(found.map(|Key(key)| key))
}

/// Forgets what is known of the accounts of an end user all of whose connections have ended. Their
/// id stays: what has yet to be ended at providers is bound to it.
pub async fn forget_accounts(tx: &mut Tx, of: EndUserKey) -> Result<()> {
    const CONNECTIONS: &str = "
        UPDATE connections SET account_id = '', account_label = '', label = NULL
        WHERE end_user_id = $1 AND status = 'revoked'";
    const REQUESTS: &str = "UPDATE auth_requests SET account_hint = NULL WHERE end_user_id = $1";
    tx.execute(CONNECTIONS, binds![of]).await?;
    tx.execute(REQUESTS, binds![of]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use astralform_domain::Environment;

    use super::*;
    use crate::{
        Db, connections,
        testing::{ACTOR, World, connection, id, on_both, world},
    };

    /// Adds a connection where its transaction sees none; returns whether it did.
    async fn first_one_adds(db: Db, world: std::sync::Arc<World>) -> bool {
        let now = Timestamp::from_secs(1);
        let mut tx = db.begin(ACTOR).await.unwrap();
        let tenant = world.tenant;
        let alice = world.owner();
        let owner = ensure(&mut tx, tenant, &alice, id(), now).await.unwrap();
        let pcon = world.project_connector.id;
        let known = connections::serving(&mut tx, tenant, pcon, &alice).await.unwrap();
        if known.is_empty() {
            let new = connection(&world, "acc");
            connections::create(&mut tx, &new, owner).await.unwrap();
        }
        tx.commit().await.unwrap();
        known.is_empty()
    }

    #[tokio::test]
    async fn decisions_about_one_end_user_are_made_one_after_another() {
        on_both(async |db| {
            let world = std::sync::Arc::new(world(&db).await);
            let racing: Vec<_> = (0..8)
                .map(|_| tokio::spawn(first_one_adds(db.clone(), std::sync::Arc::clone(&world))))
                .collect();
            let mut first = 0;
            for race in racing {
                first += usize::from(race.await.unwrap());
            }
            assert_eq!(first, 1);
        })
        .await;
    }

    #[tokio::test]
    async fn an_end_user_is_one_row_in_each_environment() {
        on_both(async |db| {
            let tenant = world(&db).await.tenant;
            let live = Tenant { environment: Environment::Live, ..tenant };
            let alice = Owner::EndUser("alice".parse().unwrap());
            let now = Timestamp::from_secs(1);
            let mut tx = db.begin(ACTOR).await.unwrap();
            let first = ensure(&mut tx, tenant, &alice, id(), now).await.unwrap();
            let again = ensure(&mut tx, tenant, &alice, id(), now).await.unwrap();
            let elsewhere = ensure(&mut tx, live, &alice, id(), now).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(first, again);
            assert_ne!(first, elsewhere);
            assert!(first.is_some());
        })
        .await;
    }

    #[tokio::test]
    async fn a_member_is_a_row_apart_from_an_end_user_of_the_same_name_and_the_project_is_none() {
        on_both(async |db| {
            let tenant = world(&db).await.tenant;
            let member = Owner::Member(id());
            let named_alike = member.member().unwrap().to_string();
            let now = Timestamp::from_secs(1);
            let mut tx = db.begin(ACTOR).await.unwrap();
            let key = ensure(&mut tx, tenant, &member, id(), now).await.unwrap();
            assert!(key.is_some());
            assert_eq!(ensure(&mut tx, tenant, &member, id(), now).await.unwrap(), key);
            let end_user = Owner::EndUser(named_alike.parse().unwrap());
            assert_ne!(ensure(&mut tx, tenant, &end_user, id(), now).await.unwrap(), key);
            assert_eq!(ensure(&mut tx, tenant, &Owner::Project, id(), now).await.unwrap(), None);
            tx.commit().await.unwrap();
        })
        .await;
    }

    #[tokio::test]
    async fn what_is_known_of_the_accounts_of_an_end_user_can_be_forgotten() {
        on_both(async |db| {
            let world = world(&db).await;
            let tenant = world.tenant;
            let alice = &world.end_user;
            let ended = connection(&world, "a");
            let active = connection(&world, "b");
            let mut tx = db.begin(ACTOR).await.unwrap();
            for new in [&ended, &active] {
                connections::create(&mut tx, new, Some(world.end_user_key)).await.unwrap();
            }
            let why = astralform_domain::StatusReason::EndUserDeleted;
            connections::revoke(&mut tx, &ended, why, Timestamp::from_secs(9)).await.unwrap();
            assert_eq!(lock(&mut tx, tenant, &"bob".parse().unwrap()).await.unwrap(), None);
            let key = lock(&mut tx, tenant, alice).await.unwrap().unwrap();
            assert_eq!(key, world.end_user_key);
            forget_accounts(&mut tx, key).await.unwrap();
            tx.commit().await.unwrap();
            for (of, expected) in [(&ended, ""), (&active, "b@example.com")] {
                let found = connections::find(&db, tenant, of.id).await.unwrap().unwrap();
                assert_eq!(found.account.label, expected);
            }
        })
        .await;
    }
}
