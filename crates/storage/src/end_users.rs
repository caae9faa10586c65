//! The developers' own users, as far as we know them.

use astralform_domain::{EndUserId, EndUserKey, Tenant, Timestamp};

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

/// The row of an end user; made with the id `fresh` when there was none.
pub async fn ensure(
    tx: &mut Tx,
    tenant: Tenant,
    end_user: &EndUserId,
    fresh: EndUserKey,
    now: Timestamp,
) -> Result<EndUserKey> {
    const INSERT: &str = "
        INSERT INTO end_users (id, project_id, environment, external_id, created_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (project_id, environment, external_id) DO NOTHING";
    const FIND: &str = "
        SELECT id FROM end_users
        WHERE project_id = $1 AND environment = $2 AND external_id = $3";
    let Tenant { project, environment } = tenant;
    tx.execute(INSERT, binds![fresh, project, environment, end_user, now]).await?;
    let found: Option<Key> = tx.optional(FIND, binds![project, environment, end_user]).await?;
    let missing =
        || Error::Corrupt { column: "external_id", why: "a row just written is gone".into() };
    found.map(|Key(key)| key).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use astralform_domain::Environment;

    use super::*;
    use crate::testing::{id, on_both, world};

    #[tokio::test]
    async fn an_end_user_is_one_row_in_each_environment() {
        on_both(async |db| {
            let tenant = world(&db).await.tenant;
            let live = Tenant { environment: Environment::Live, ..tenant };
            let alice = "alice".parse().unwrap();
            let now = Timestamp::from_secs(1);
            let mut tx = db.begin().await.unwrap();
            let first = ensure(&mut tx, tenant, &alice, id(), now).await.unwrap();
            let again = ensure(&mut tx, tenant, &alice, id(), now).await.unwrap();
            let elsewhere = ensure(&mut tx, live, &alice, id(), now).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(first, again);
            assert_ne!(first, elsewhere);
        })
        .await;
    }
}
