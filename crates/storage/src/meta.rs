//! Facts about the database itself.

use crate::{
    Db, Result, Tx,
    bind::binds,
    db::{Row, Run as _},
    row::Record,
};

struct Value(String);

impl Record for Value {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self(row.text("value")?))
    }
}

const KEY_CHECK: &str = "master_key";

/// Returns the fingerprint of the master key that this database was written with, if it was.
pub async fn key_check(db: &Db) -> Result<Option<String>> {
    const SQL: &str = "SELECT value FROM meta WHERE name = $1";
    let found: Option<Value> = db.optional(SQL, binds![KEY_CHECK]).await?;
    Ok(found.map(|Value(value)| value))
}

/// Ties the database to a master key.
///
/// # Errors
/// A conflict when it is tied to one already.
pub async fn set_key_check(tx: &mut Tx, fingerprint: &str) -> Result<()> {
    const SQL: &str = "INSERT INTO meta (name, value) VALUES ($1, $2)";
    tx.execute(SQL, binds![KEY_CHECK, fingerprint]).await?;
    Ok(())
}

/// Writes a value without a meaning, to see whether the database takes writes.
pub(crate) async fn touch(tx: &mut Tx) -> Result<()> {
    const SQL: &str = "
        INSERT INTO meta (name, value) VALUES ('written', '1')
        ON CONFLICT (name) DO UPDATE SET value = '1'";
    tx.execute(SQL, Vec::new()).await?;
    Ok(())
}

/// Returns the key check, locked until the transaction ends.
pub async fn lock_key_check(tx: &mut Tx) -> Result<Option<String>> {
    const SQL: &str = "UPDATE meta SET value = value WHERE name = $1 RETURNING value";
    let found: Option<Value> = tx.returning(SQL, binds![KEY_CHECK]).await?;
    Ok(found.map(|Value(value)| value))
}

/// Ties the database to another master key: new keys are wrapped with it from then on.
pub async fn move_key_check(tx: &mut Tx, fingerprint: &str) -> Result<()> {
    const SQL: &str = "UPDATE meta SET value = $2 WHERE name = $1";
    tx.execute(SQL, binds![KEY_CHECK, fingerprint]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ACTOR, on_both, on_both_empty};

    #[tokio::test]
    async fn v4_a_database_is_tied_to_one_key() {
        on_both(async |db| {
            assert_eq!(key_check(&db).await.unwrap(), None);
            let mut tx = db.begin(ACTOR).await.unwrap();
            set_key_check(&mut tx, "one").await.unwrap();
            tx.commit().await.unwrap();
            let mut tx = db.begin(ACTOR).await.unwrap();
            assert!(set_key_check(&mut tx, "two").await.unwrap_err().is_conflict());
            drop(tx);
            assert_eq!(key_check(&db).await.unwrap().as_deref(), Some("one"));
        })
        .await;
    }

    #[tokio::test]
    async fn an_empty_database_says_that_the_schema_is_missing() {
        on_both_empty(async |db| assert!(key_check(&db).await.unwrap_err().is_missing_table()))
            .await;
    }

    #[tokio::test]
    async fn a_migrated_database_knows_its_schema_version() {
        on_both_empty(async |db| {
            assert!(db.schema_version().await.is_err());
            db.migrate().await.unwrap();
            assert_eq!(db.schema_version().await.unwrap(), 1);
        })
        .await;
    }
}
