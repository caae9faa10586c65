//! Projects that an operator has frozen.

use astralform_domain::{ProjectId, Timestamp};

use crate::{Db, Result, Run, Topic, Tx, bind::binds, db::Row, row::Record};

/// A project, and whether it is frozen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freezable {
    /// Its id.
    pub project: ProjectId,
    /// What people call it.
    pub name: String,
    /// Since when it is frozen.
    pub frozen_at: Option<Timestamp>,
}

impl Record for Freezable {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            project: row.parse("id")?,
            name: row.text("name")?,
            frozen_at: row.optional_time("frozen_at")?,
        })
    }
}

/// Lists that project, or all of them, in the order in which they were made.
pub async fn list(db: impl Run, only: Option<ProjectId>) -> Result<Vec<Freezable>> {
    const SQL: &str = "
        SELECT id, name, frozen_at FROM projects WHERE id = COALESCE($1, id) ORDER BY id";
    db.all(SQL, binds![only]).await
}

/// Returns whether a project is frozen: then its tokens are not refreshed ahead of time either.
pub async fn is_frozen(db: &Db, project: ProjectId) -> Result<bool> {
    const SQL: &str = "SELECT id, name, frozen_at FROM projects WHERE id = $1";
    let found: Option<Freezable> = db.optional(SQL, binds![project]).await?;
    Ok(found.is_some_and(|found| found.frozen_at.is_some()))
}

/// Returns whether a project is not frozen; then it stays so until the transaction ends.
pub async fn is_thawed(tx: &mut Tx, project: ProjectId) -> Result<bool> {
    const SQL: &str = "
        UPDATE projects SET frozen_at = NULL WHERE id = $1 AND frozen_at IS NULL";
    Ok(tx.execute(SQL, binds![project]).await? == 1)
}

/// Freezes that project, or all of them; returns those that were not frozen before.
pub async fn freeze(
    tx: &mut Tx,
    only: Option<ProjectId>,
    now: Timestamp,
) -> Result<Vec<Freezable>> {
    const SQL: &str = "
        UPDATE projects SET frozen_at = $2
        WHERE id = COALESCE($1, id) AND frozen_at IS NULL RETURNING id, name, frozen_at";
    let frozen = tx.all(SQL, binds![only, now]).await?;
    Ok(told(tx, frozen))
}

/// Unfreezes that project, or all of them; returns those that were frozen.
pub async fn unfreeze(tx: &mut Tx, only: Option<ProjectId>) -> Result<Vec<Freezable>> {
    const SQL: &str = "
        UPDATE projects SET frozen_at = NULL
        WHERE id = COALESCE($1, id) AND frozen_at IS NOT NULL RETURNING id, name, frozen_at";
    let lifted = tx.all(SQL, binds![only]).await?;
    Ok(told(tx, lifted))
}

fn told(tx: &mut Tx, changed: Vec<Freezable>) -> Vec<Freezable> {
    for one in &changed {
        tx.touch(Topic::Project(one.project));
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ACTOR, on_both, world};

    async fn committed(db: &Db, only: Option<ProjectId>, freezing: bool) -> Vec<ProjectId> {
        let mut tx = db.begin(ACTOR).await.unwrap();
        let changed = if freezing {
            freeze(&mut tx, only, Timestamp::from_secs(7)).await.unwrap()
        } else {
            unfreeze(&mut tx, only).await.unwrap()
        };
        tx.commit().await.unwrap();
        changed.into_iter().map(|one| one.project).collect()
    }

    #[tokio::test]
    async fn one_project_is_frozen_or_all_and_each_once() {
        on_both(async |db| {
            let one = world(&db).await.tenant.project;
            let two = world(&db).await.tenant.project;
            assert_eq!(committed(&db, Some(one), true).await, [one]);
            assert!(is_frozen(&db, one).await.unwrap());
            let mut tx = db.begin(ACTOR).await.unwrap();
            assert!(!is_thawed(&mut tx, one).await.unwrap());
            assert!(is_thawed(&mut tx, two).await.unwrap());
            drop(tx);
            assert!(!is_frozen(&db, two).await.unwrap());
            assert_eq!(committed(&db, None, true).await, [two]);
            assert_eq!(committed(&db, Some(two), false).await, [two]);
            assert_eq!(committed(&db, None, false).await, [one]);
            assert!(list(&db, None).await.unwrap().iter().all(|one| one.frozen_at.is_none()));
        })
        .await;
    }

    #[tokio::test]
    async fn k2_whoever_remembers_a_project_hears_that_it_is_frozen_and_unfrozen() {
        on_both(async |db| {
            let project = world(&db).await.tenant.project;
            db.follow().await.unwrap();
            for freezing in [true, false] {
                let stamp = db.stamp(&[Topic::Project(project)]).unwrap();
                committed(&db, None, freezing).await;
                assert!(!db.holds(&stamp));
            }
        })
        .await;
    }
}
