use astralform_domain::{ConnectionId, Timestamp};

use crate::{
    Db, Result,
    bind::binds,
    db::{Row, Run as _},
    row::Record,
};

/// A refresh that has failed and is to be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailingRefresh {
    /// Since when the provider refuses it in words that may mean anything.
    pub refused_since: Option<Timestamp>,
}

impl Record for FailingRefresh {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self { refused_since: row.optional_time("refused_since")? })
    }
}

/// Returns the refresh of a token, where it has failed and is to be tried again.
pub async fn failing(
    db: &Db,
    connection: ConnectionId,
    kind: &str,
) -> Result<Option<FailingRefresh>> {
    const SQL: &str = "
        SELECT refused_since FROM refreshes
        WHERE connection_id = $1 AND kind = $2 AND (failures > 0 OR refused_since IS NOT NULL)";
    db.optional(SQL, binds![connection, kind]).await
}
