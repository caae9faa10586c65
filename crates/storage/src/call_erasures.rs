//! What is to be removed from the call log, because an end user or a project was deleted: noted in the
//! transaction that deletes them, as the log is a store of its own.

use std::time::Duration;

use astralform_domain::{EndUserId, Tenant, Timestamp};

use crate::{
    Db, Result, Tx,
    bind::binds,
    calls::CallStore,
    db::{Row, Run as _},
    row::Record,
};

/// Lines that are to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallErasure {
    /// Where.
    pub tenant: Tenant,
    /// About whom; all of them where this is nobody.
    pub end_user: Option<EndUserId>,
    /// Of calls that had begun by then.
    pub until: Timestamp,
}

impl Record for CallErasure {
    fn read(row: &Row) -> Result<Self> {
        let named = row.text("end_user")?;
        Ok(Self {
            tenant: row.tenant()?,
            end_user: if named.is_empty() { None } else { Some(row.parse("end_user")?) },
            until: row.time("until")?,
        })
    }
}

/// When lines are looked for once more: none can be written so late.
pub const ONCE_MORE: Duration = Duration::from_mins(10);

/// Notes that lines are to be removed.
///
/// # Errors
/// When the database does not take it.
pub async fn note(tx: &mut Tx, tenant: Tenant, end_user: Option<&EndUserId>) -> Result<()> {
    const SQL: &str = "
        INSERT INTO call_erasures (project_id, environment, end_user, until, due_at)
        VALUES ($1, $2, $3, $4, $4)
        ON CONFLICT (project_id, environment, end_user)
        DO UPDATE SET until = excluded.until, due_at = excluded.due_at";
    let named = end_user.map_or("", EndUserId::as_str);
    let now = tx.now();
    tx.execute(SQL, binds![tenant.project, tenant.environment, named, now]).await?;
    Ok(())
}

/// Removes lines that are to be removed, of so many end users and projects at most; returns of how
/// many.
///
/// # Errors
/// When a database does not answer; what is left is removed the next time.
pub async fn carry_out(db: &Db, calls: &CallStore, now: Timestamp, most: i64) -> Result<usize> {
    const DUE: &str = "SELECT * FROM call_erasures WHERE due_at <= $1 ORDER BY due_at LIMIT $2";
    const LATER: &str = "
        UPDATE call_erasures SET due_at = $5
        WHERE project_id = $1 AND environment = $2 AND end_user = $3 AND until = $4";
    const DONE: &str = "
        DELETE FROM call_erasures
        WHERE project_id = $1 AND environment = $2 AND end_user = $3 AND until = $4";
    let due: Vec<CallErasure> = db.all(DUE, binds![now, most]).await?;
    for CallErasure { tenant, end_user, until } in &due {
        match end_user {
            Some(end_user) => calls.erase_end_user(*tenant, end_user, *until).await?,
            None => calls.erase_tenant(*tenant, *until).await?,
        }
        let named = end_user.as_ref().map_or("", EndUserId::as_str);
        let mut binds = binds![tenant.project, tenant.environment, named, *until];
        let once_more = until.after(ONCE_MORE);
        if now < once_more {
            binds.extend(binds![once_more]);
            db.execute(LATER, binds).await?;
        } else {
            db.execute(DONE, binds).await?;
        }
    }
    Ok(due.len())
}
