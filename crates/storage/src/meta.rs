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

/// The fingerprint of the master key that this database was written with, if it was.
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
