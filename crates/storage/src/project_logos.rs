//! The logos of applications, as they are served.

use astralform_domain::ProjectId;

use crate::{
    Db, Result, Tx,
    bind::{Bind, binds},
    db::{Row, Run as _},
    row::Record,
};

/// A logo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    /// The picture, a PNG.
    pub png: Vec<u8>,
    /// Its digest, which is part of its address.
    pub digest: String,
}

impl Record for Logo {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self { png: row.bytes("png")?, digest: row.text("digest")? })
    }
}

/// Returns the logo of a project that is not deleted.
pub async fn find(db: &Db, project: ProjectId) -> Result<Option<Logo>> {
    const SQL: &str = "
        SELECT project_logos.png, project_logos.digest
        FROM project_logos JOIN projects ON projects.id = project_logos.project_id
        WHERE project_id = $1 AND projects.deleted_at IS NULL";
    db.optional(SQL, binds![project]).await
}

/// Stores the logo of a project, in place of the one before.
pub async fn set(tx: &mut Tx, project: ProjectId, logo: &Logo) -> Result<()> {
    const SQL: &str = "
        INSERT INTO project_logos (project_id, png, digest) VALUES ($1, $2, $3)
        ON CONFLICT (project_id) DO UPDATE SET png = $2, digest = $3";
    let png = Bind::Bytes(Some(logo.png.clone()));
    tx.execute(SQL, binds![project, png, logo.digest.as_str()]).await?;
    Ok(())
}

/// Removes the logo of a project; returns whether it had one.
pub async fn remove(tx: &mut Tx, project: ProjectId) -> Result<bool> {
    const SQL: &str = "DELETE FROM project_logos WHERE project_id = $1";
    Ok(tx.execute(SQL, binds![project]).await? == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ACTOR, id, on_both, world};

    #[tokio::test]
    async fn a_project_has_one_logo_at_most() {
        on_both(async |db| {
            let project = world(&db).await.tenant.project;
            let logo = |png: &[u8]| Logo { png: png.to_vec(), digest: format!("{}", png[0]) };
            assert_eq!(find(&db, project).await.unwrap(), None);
            for png in [b"1", b"2"] {
                let mut tx = db.begin(ACTOR).await.unwrap();
                set(&mut tx, project, &logo(png)).await.unwrap();
                tx.commit().await.unwrap();
                assert_eq!(find(&db, project).await.unwrap(), Some(logo(png)));
                assert_eq!(find(&db, id()).await.unwrap(), None);
            }
            let mut tx = db.begin(ACTOR).await.unwrap();
            for expected in [true, false] {
                assert_eq!(remove(&mut tx, project).await.unwrap(), expected);
            }
        })
        .await;
    }
}
