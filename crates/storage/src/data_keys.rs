//! The keys of projects and the installation's own, each wrapped with a master key.

use std::fmt;

use astralform_domain::{ProjectId, Sealed, Timestamp};

use crate::{
    Result, Run, Topic, Tx,
    bind::{Bind, binds},
    db::Row,
    row::{Record, corrupt},
};

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRole {
    /// It seals.
    Current,
    /// It is about to seal, once every node knows it.
    Next,
    /// It sealed before, and still opens.
    Older,
    /// It makes tags, such as those of links.
    Tags,
}

/// A wrapped key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// What stands in front of everything that it sealed.
    pub id: [u8; 16],
    /// The project; nothing for the installation's own.
    pub project: Option<ProjectId>,
    /// What it does.
    pub role: KeyRole,
    /// Since when.
    pub role_since: Timestamp,
    /// Whether what it sealed is being sealed anew.
    pub is_leaving: bool,
    /// The key, wrapped.
    pub envelope: Sealed,
}

/// How many keys a master key wraps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrapping {
    /// The master key's fingerprint.
    pub master: [u8; 16],
    /// How many.
    pub keys: i64,
}

impl KeyRole {
    const ALL: [Self; 4] = [Self::Current, Self::Next, Self::Older, Self::Tags];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Next => "next",
            Self::Older => "older",
            Self::Tags => "tags",
        }
    }
}

impl fmt::Display for KeyRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<KeyRole> for Bind {
    fn from(role: KeyRole) -> Self {
        role.as_str().into()
    }
}

impl Record for WrappedKey {
    fn read(row: &Row) -> Result<Self> {
        let role = row.text("role")?;
        let role = KeyRole::ALL.into_iter().find(|known| known.as_str() == role);
        Ok(Self {
            id: row.key_id("id")?,
            project: row.optional_parse("project_id")?,
            role: role.ok_or_else(|| corrupt("role", "a key has no such role"))?,
            role_since: row.time("role_since")?,
            is_leaving: row.flag("is_leaving")?,
            envelope: row.sealed("envelope")?,
        })
    }
}

impl Record for Wrapping {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self { master: row.key_id("master")?, keys: row.int("keys")? })
    }
}

/// Stores a fresh key.
///
/// # Errors
/// A conflict where there is one of that role already.
pub async fn add(tx: &mut Tx, new: &WrappedKey) -> Result<()> {
    const SQL: &str = "
        INSERT INTO data_keys (id, project_id, role, role_since, is_leaving, envelope)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let WrappedKey { id, project, role, role_since, is_leaving, envelope } = new;
    let binds = binds![id, *project, *role, *role_since, *is_leaving, envelope];
    match project {
        Some(project) => tx.change(Topic::Project(*project), SQL, binds).await?,
        None => tx.execute(SQL, binds).await?,
    };
    Ok(())
}

/// Returns the key of the installation, which makes the tags of rows that grant something.
pub async fn of_installation(db: impl Run) -> Result<Option<WrappedKey>> {
    const SQL: &str = "SELECT * FROM data_keys WHERE project_id IS NULL AND role = 'tags'";
    db.optional(SQL, binds![]).await
}

/// Returns the keys of a project.
pub async fn of(db: impl Run, project: ProjectId) -> Result<Vec<WrappedKey>> {
    const SQL: &str = "SELECT * FROM data_keys WHERE project_id = $1 ORDER BY role_since DESC, id";
    db.all(SQL, binds![project]).await
}

/// Returns all keys.
pub async fn all(db: impl Run) -> Result<Vec<WrappedKey>> {
    const SQL: &str = "SELECT * FROM data_keys ORDER BY project_id, role_since DESC, id";
    db.all(SQL, binds![]).await
}

/// Returns the master keys in use, with how many keys each of them wraps.
pub async fn wrappings(db: impl Run) -> Result<Vec<Wrapping>> {
    const SQL: &str = "
        SELECT substr(envelope, 2, 16) AS master, COUNT(*) AS keys
        FROM data_keys GROUP BY substr(envelope, 2, 16)";
    db.all(SQL, binds![]).await
}

/// Returns keys that another master key than that one wraps, `limit` at most.
pub async fn wrapped_otherwise(
    db: impl Run,
    master: &[u8; 16],
    limit: i64,
) -> Result<Vec<WrappedKey>> {
    const SQL: &str = "
        SELECT * FROM data_keys WHERE substr(envelope, 2, 16) <> $1 ORDER BY id LIMIT $2";
    db.all(SQL, binds![master, limit]).await
}

/// Replaces the wrapping of a key; returns whether it was still as it was read.
pub async fn wrap_again(tx: &mut Tx, read: &WrappedKey, envelope: &Sealed) -> Result<bool> {
    const SQL: &str = "UPDATE data_keys SET envelope = $3 WHERE id = $1 AND envelope = $2";
    Ok(tx.execute(SQL, binds![&read.id, &read.envelope, envelope]).await? == 1)
}

/// Begins to replace the keys that seal: each of them is to leave.
pub async fn mark_leaving(tx: &mut Tx) -> Result<u64> {
    const SQL: &str = "
        UPDATE data_keys SET is_leaving = TRUE WHERE role = 'current' AND NOT is_leaving";
    tx.execute(SQL, binds![]).await
}

/// Returns whether keys that sealed are being replaced.
pub async fn any_leaving(db: impl Run) -> Result<bool> {
    const SQL: &str = "SELECT * FROM data_keys WHERE is_leaving LIMIT 1";
    Ok(db.optional::<WrappedKey>(SQL, binds![]).await?.is_some())
}

/// Returns keys that seal and are to leave, of projects that have no next one yet, `limit` at most.
pub async fn without_successor(db: impl Run, limit: i64) -> Result<Vec<WrappedKey>> {
    const SQL: &str = "
        SELECT * FROM data_keys
        WHERE role = 'current' AND is_leaving
          AND NOT EXISTS (SELECT 1 FROM data_keys AS other
                          WHERE other.project_id = data_keys.project_id AND other.role = 'next')
        ORDER BY id LIMIT $1";
    db.all(SQL, binds![limit]).await
}

/// Returns keys of that role, `limit` at most.
pub async fn in_role(db: impl Run, role: KeyRole, limit: i64) -> Result<Vec<WrappedKey>> {
    const SQL: &str = "
        SELECT * FROM data_keys WHERE role = $1 ORDER BY role_since DESC, id LIMIT $2";
    db.all(SQL, binds![role, limit]).await
}

/// Makes the next key of a project the one that seals; the one before only opens from then on.
pub async fn promote(tx: &mut Tx, project: ProjectId, now: Timestamp) -> Result<()> {
    const RETIRE: &str = "
        UPDATE data_keys SET role = 'older', role_since = $2
        WHERE project_id = $1 AND role = 'current'
          AND EXISTS (SELECT 1 FROM data_keys AS other
                      WHERE other.project_id = $1 AND other.role = 'next')";
    const PROMOTE: &str = "
        UPDATE data_keys SET role = 'current', role_since = $2
        WHERE project_id = $1 AND role = 'next'";
    tx.change(Topic::Project(project), RETIRE, binds![project, now]).await?;
    tx.change(Topic::Project(project), PROMOTE, binds![project, now]).await?;
    Ok(())
}

/// Notes that nothing is left to be sealed anew.
pub async fn end_leaving(tx: &mut Tx) -> Result<u64> {
    const SQL: &str = "UPDATE data_keys SET is_leaving = FALSE WHERE is_leaving";
    tx.execute(SQL, binds![]).await
}

/// Forgets a key that only opened.
pub async fn forget(tx: &mut Tx, key: &WrappedKey) -> Result<()> {
    const SQL: &str = "DELETE FROM data_keys WHERE id = $1 AND role = 'older'";
    let Some(project) = key.project else { return Ok(()) };
    tx.change(Topic::Project(project), SQL, binds![&key.id]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Db,
        testing::{ACTOR, on_both, world},
    };

    const NOW: Timestamp = Timestamp::from_secs(9);

    fn key(project: impl Into<Option<ProjectId>>, id: u8, role: KeyRole, master: u8) -> WrappedKey {
        let envelope = Sealed::from_bytes([[1].as_slice(), &[master; 16], &[id; 8]].concat());
        let id = [id; 16];
        let role_since = Timestamp::from_secs(1);
        let project = project.into();
        WrappedKey { id, project, role, role_since, is_leaving: false, envelope }
    }

    async fn store(db: &Db, keys: &[WrappedKey]) -> Result<()> {
        let mut tx = db.begin(ACTOR).await?;
        for key in keys {
            add(&mut tx, key).await?;
        }
        tx.commit().await
    }

    async fn roles(db: &Db, project: ProjectId) -> Vec<(u8, KeyRole)> {
        let mut keys: Vec<_> =
            of(db, project).await.unwrap().iter().map(|key| (key.id[0], key.role)).collect();
        keys.sort_by_key(|(id, _)| *id);
        keys
    }

    #[tokio::test]
    async fn a_project_has_one_key_of_each_role_and_any_number_of_older_ones() {
        on_both(async |db| {
            let project = world(&db).await.tenant.project;
            let first = [key(project, 1, KeyRole::Current, 7), key(project, 2, KeyRole::Tags, 7)];
            store(&db, &first).await.unwrap();
            for again in [KeyRole::Current, KeyRole::Tags] {
                let refused = store(&db, &[key(project, 3, again, 7)]).await;
                assert!(refused.unwrap_err().is_conflict());
            }
            let older = [key(project, 4, KeyRole::Older, 7), key(project, 5, KeyRole::Older, 7)];
            store(&db, &older).await.unwrap();
            assert_eq!(of(&db, project).await.unwrap().len(), 4);
            assert_eq!(of(&db, project).await.unwrap()[0], first[0]);
        })
        .await;
    }

    #[tokio::test]
    async fn v3_the_next_key_takes_the_place_of_the_current_one_and_nodes_hear_of_it() {
        on_both(async |db| {
            let project = world(&db).await.tenant.project;
            store(&db, &[key(project, 1, KeyRole::Current, 7)]).await.unwrap();
            let mut tx = db.begin(ACTOR).await.unwrap();
            promote(&mut tx, project, NOW).await.unwrap();
            assert_eq!(mark_leaving(&mut tx).await.unwrap(), 1);
            tx.commit().await.unwrap();
            assert_eq!(roles(&db, project).await, [(1, KeyRole::Current)], "there is no next");
            assert_eq!(without_successor(&db, 9).await.unwrap().len(), 1);

            db.follow().await.unwrap();
            let stamp = db.stamp(&[Topic::Project(project)]).unwrap();
            store(&db, &[key(project, 2, KeyRole::Next, 7)]).await.unwrap();
            assert!(!db.holds(&stamp));
            assert!(without_successor(&db, 9).await.unwrap().is_empty());
            let stamp = db.stamp(&[Topic::Project(project)]).unwrap();
            let mut tx = db.begin(ACTOR).await.unwrap();
            promote(&mut tx, project, NOW).await.unwrap();
            tx.commit().await.unwrap();
            assert!(!db.holds(&stamp));
            assert_eq!(roles(&db, project).await, [(1, KeyRole::Older), (2, KeyRole::Current)]);
            assert!(any_leaving(&db).await.unwrap());
            let mut tx = db.begin(ACTOR).await.unwrap();
            end_leaving(&mut tx).await.unwrap();
            let keys = of(&mut tx, project).await.unwrap();
            for key in &keys {
                forget(&mut tx, key).await.unwrap();
            }
            tx.commit().await.unwrap();
            assert!(!any_leaving(&db).await.unwrap());
            assert_eq!(roles(&db, project).await, [(2, KeyRole::Current)], "only older ones go");
        })
        .await;
    }

    #[tokio::test]
    async fn v3_wrappings_are_counted_and_replaced_one_by_one() {
        on_both(async |db| {
            let project = world(&db).await.tenant.project;
            let keys = [key(project, 1, KeyRole::Current, 7), key(project, 2, KeyRole::Tags, 8)];
            store(&db, &keys).await.unwrap();
            assert_eq!(wrappings(&db).await.unwrap().len(), 2);
            assert_eq!(wrapped_otherwise(&db, &[8; 16], 9).await.unwrap(), keys[..1]);
            let again = key(project, 1, KeyRole::Current, 8).envelope;
            let mut tx = db.begin(ACTOR).await.unwrap();
            assert!(wrap_again(&mut tx, &keys[0], &again).await.unwrap());
            assert!(!wrap_again(&mut tx, &keys[0], &again).await.unwrap(), "it was read before");
            tx.commit().await.unwrap();
            let all = Wrapping { master: [8; 16], keys: 2 };
            assert_eq!(wrappings(&db).await.unwrap(), [all]);
        })
        .await;
    }
}
