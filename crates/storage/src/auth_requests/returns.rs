use astralform_domain::{AuthStatus, ProjectConnectorId, Timestamp};

use crate::{
    Db, Result,
    bind::binds,
    db::{Row, Run as _},
    row::Record,
};

/// How the last prompts that were opened at a provider ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Returns {
    /// How many browsers never came back.
    pub never: usize,
    /// How many came back, with an account or without.
    pub came_back: usize,
}

struct Opened(AuthStatus, Timestamp);

impl Record for Opened {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self(row.parse("status")?, row.time("expires_at")?))
    }
}

/// Returns how the last prompts of a project connector ended that were opened at its provider, a
/// hundred at most.
pub async fn returns(db: &Db, at: ProjectConnectorId, now: Timestamp) -> Result<Returns> {
    const SQL: &str = "
        SELECT status, expires_at FROM auth_requests
        WHERE project_connector_id = $1 AND attempts > 0
        ORDER BY id DESC LIMIT 100";
    let opened: Vec<Opened> = db.all(SQL, binds![at]).await?;
    let mut returns = Returns::default();
    for Opened(status, expires_at) in opened {
        match status {
            AuthStatus::Expired => returns.never += 1,
            AuthStatus::Pending if expires_at <= now => returns.never += 1,
            // The browser is at the provider.
            AuthStatus::Pending => {}
            _ => returns.came_back += 1,
        }
    }
    Ok(returns)
}
