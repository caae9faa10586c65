//! Requests that carried an `Idempotency-Key`, and what they were answered.

use astralform_domain::{Sealed, Tenant, Timestamp};

use crate::{
    Db, Result, Tx,
    bind::binds,
    db::{Row, Run as _},
    row::Record,
};

/// The table, for bindings.
pub const TABLE: &str = "idempotent_requests";

/// A request that came before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// SHA-256 of its body.
    pub request_digest: [u8; 32],
    /// What it was answered; nothing while it is under way.
    pub answer: Option<Sealed>,
    /// When it came.
    pub created_at: Timestamp,
}

/// A request as it comes.
#[derive(Clone, Copy)]
pub struct Arriving<'a> {
    /// A digest of the key and of all that it is scoped to.
    pub id: &'a str,
    /// The project and environment it belongs to.
    pub tenant: Tenant,
    /// SHA-256 of its body.
    pub request_digest: &'a [u8; 32],
}

impl Record for Earlier {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            request_digest: row.digest("request_digest")?,
            answer: row.optional_sealed("answer")?,
            created_at: row.time("created_at")?,
        })
    }
}

/// Claims the place of a request; returns the earlier request that has it, or nothing. One that
/// came before `since` is forgotten.
pub async fn claim(
    tx: &mut Tx,
    new: Arriving<'_>,
    since: Timestamp,
    now: Timestamp,
) -> Result<Option<Earlier>> {
    const FORGET: &str = "DELETE FROM idempotent_requests WHERE id = $1 AND created_at <= $2";
    const CLAIM: &str = "
        INSERT INTO idempotent_requests (id, project_id, environment, request_digest, created_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    const FIND: &str = "
        SELECT request_digest, answer, created_at FROM idempotent_requests WHERE id = $1";
    tx.execute(FORGET, binds![new.id, since]).await?;
    let Tenant { project, environment } = new.tenant;
    let binds = binds![new.id, project, environment, new.request_digest, now];
    let claimed = tx.execute(CLAIM, binds).await? == 1;
    if claimed { Ok(None) } else { tx.optional(FIND, binds![new.id]).await }
}

/// Keeps the answer to a request.
pub async fn answer(db: &Db, id: &str, answer: &Sealed) -> Result<()> {
    const SQL: &str = "UPDATE idempotent_requests SET answer = $2 WHERE id = $1";
    db.execute(SQL, binds![id, answer]).await?;
    Ok(())
}

/// Forgets a request, so that it can be made again.
pub async fn forget(db: &Db, id: &str) -> Result<()> {
    const SQL: &str = "DELETE FROM idempotent_requests WHERE id = $1";
    db.execute(SQL, binds![id]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        retention,
        testing::{ACTOR, on_both, pruned, world},
    };

    const LONG_AGO: Timestamp = Timestamp::from_secs(0);

    async fn arrive(db: &Db, tenant: Tenant, since: Timestamp) -> Option<Earlier> {
        let new = Arriving { id: "key", tenant, request_digest: &[7; 32] };
        let mut tx = db.begin(ACTOR).await.unwrap();
        let earlier = claim(&mut tx, new, since, Timestamp::from_secs(9)).await.unwrap();
        tx.commit().await.unwrap();
        earlier
    }

    async fn is_first(db: Db, tenant: Tenant) -> bool {
        arrive(&db, tenant, LONG_AGO).await.is_none()
    }

    #[tokio::test]
    async fn the_first_to_come_is_the_first_and_the_others_see_its_answer() {
        on_both(async |db| {
            let tenant = world(&db).await.tenant;
            assert_eq!(arrive(&db, tenant, LONG_AGO).await, None);
            let earlier = arrive(&db, tenant, LONG_AGO).await.unwrap();
            assert_eq!((earlier.request_digest, earlier.answer), ([7; 32], None));
            let sealed = Sealed::from_bytes(vec![1]);
            answer(&db, "key", &sealed).await.unwrap();
            assert_eq!(arrive(&db, tenant, LONG_AGO).await.unwrap().answer, Some(sealed));
        })
        .await;
    }

    #[tokio::test]
    async fn a_forgotten_request_can_be_made_again() {
        on_both(async |db| {
            let tenant = world(&db).await.tenant;
            assert_eq!(arrive(&db, tenant, LONG_AGO).await, None);
            forget(&db, "key").await.unwrap();
            assert_eq!(arrive(&db, tenant, LONG_AGO).await, None);
            assert_eq!(arrive(&db, tenant, Timestamp::from_secs(9)).await, None);
            let day = retention::IDEMPOTENT_REQUESTS;
            let over = Timestamp::from_secs(9).after(day);
            let early = over.before(std::time::Duration::from_secs(1));
            assert_eq!(pruned(&db, "idempotent_requests", early).await, 0);
            assert_eq!(pruned(&db, "idempotent_requests", over).await, 1);
        })
        .await;
    }

    #[tokio::test]
    async fn of_many_that_come_at_once_one_is_the_first() {
        on_both(async |db| {
            let tenant = world(&db).await.tenant;
            let racing: Vec<_> =
                (0..8).map(|_| tokio::spawn(is_first(db.clone(), tenant))).collect();
            let mut first = 0;
            for race in racing {
                first += usize::from(race.await.unwrap());
            }
            assert_eq!(first, 1);
        })
        .await;
    }
}
