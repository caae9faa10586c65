use std::time::Duration;

use astralform_domain::{EndUserId, Tenant, Timestamp};

use super::{CallStore, search::known_as};
use crate::{
    Db, Result,
    bind::{Bind, binds},
    db::{Row, Run as _},
    row::Record,
};

/// How long after somebody was deleted a call may end that had begun before.
const STILL_ENDING: Duration = Duration::from_mins(5);

/// How many lines are removed at once.
const BATCH: i64 = 1_000;

struct Moment(Timestamp);

impl Record for Moment {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self(row.time("at")?))
    }
}

impl CallStore {
    /// Removes the lines about an end user of calls that had begun by then; those of somebody who
    /// was given the same id later stay. Nobody knows any more whom other lines are about, if there
    /// are none of those.
    ///
    /// # Errors
    /// When the database does not answer; what was removed until then stays removed.
    pub async fn erase_end_user(
        &self,
        tenant: Tenant,
        end_user: &EndUserId,
        until: Timestamp,
    ) -> Result<()> {
        const FIND: &str = "
            SELECT at FROM calls
            WHERE end_user = $1 AND project_id = $2 AND at <= $3 AND at - took <= $4
            ORDER BY at LIMIT 1 OFFSET $5";
        const REMOVE: &str = "
            DELETE FROM calls
            WHERE end_user = $1 AND project_id = $2 AND at <= $3 AND at - took <= $4";
        const FORGET: &str = "
            DELETE FROM call_end_users
            WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM calls WHERE calls.end_user = $1)";
        let db = self.db().await?;
        self.known_end_users.forget();
        let Some(id) = known_as(db, tenant, end_user).await? else { return Ok(()) };
        let which = || binds![id.as_str(), tenant.project];
        remove_in_batches(db, [FIND, REMOVE], which, until).await?;
        db.execute(FORGET, binds![id.as_str()]).await?;
        Ok(())
    }

    /// Returns whether there is anything about an end user.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn knows(&self, tenant: Tenant, end_user: &EndUserId) -> Result<bool> {
        Ok(known_as(self.db().await?, tenant, end_user).await?.is_some())
    }

    /// Removes everything about a project in one environment.
    ///
    /// # Errors
    /// As of [`Self::erase_end_user`].
    pub async fn erase_tenant(&self, tenant: Tenant, until: Timestamp) -> Result<()> {
        const FIND: &str = "
            SELECT at FROM calls
            WHERE project_id = $1 AND environment = $2 AND at <= $3 AND at - took <= $4
            ORDER BY at LIMIT 1 OFFSET $5";
        const REMOVE: &str = "
            DELETE FROM calls
            WHERE project_id = $1 AND environment = $2 AND at <= $3 AND at - took <= $4";
        const NAMES: &str = "DELETE FROM call_end_users WHERE project_id = $1 AND environment = $2";
        const USAGE: &str = "DELETE FROM call_usage WHERE project_id = $1 AND environment = $2";
        let db = self.db().await?;
        self.known_end_users.forget();
        let which = || binds![tenant.project, tenant.environment];
        db.execute(NAMES, which()).await?;
        db.execute(USAGE, which()).await?;
        remove_in_batches(db, [FIND, REMOVE], which, until).await
    }
}

/// Removes lines some at a time, the oldest first, so that nobody waits for long.
async fn remove_in_batches(
    db: &Db,
    [find, remove]: [&'static str; 2],
    which: impl Fn() -> Vec<Bind>,
    until: Timestamp,
) -> Result<()> {
    let ends = until.after(STILL_ENDING);
    loop {
        let mut binds = which();
        binds.extend(binds![ends, until, BATCH - 1]);
        let last: Option<Moment> = db.optional(find, binds).await?;
        let to = last.as_ref().map_or(ends, |Moment(at)| *at);
        let mut binds = which();
        binds.extend(binds![to, until]);
        db.execute(remove, binds).await?;
        if last.is_none() {
            return Ok(());
        }
    }
}
