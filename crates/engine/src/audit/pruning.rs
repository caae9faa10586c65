use std::time::Duration;

use astralform_domain::Actor;
use astralform_storage::audit::{self, Mark};

use super::{AuditChain, head_tag};
use crate::{Fault, base::Base};

/// For how long entries are kept.
pub(crate) const TERM: Duration = Duration::from_hours(365 * 24);

/// How many entries are removed at once.
const AT_ONCE: i64 = 500;

impl AuditChain {
    /// Removes entries that are older than a year, some at a time, and has the head vouch for where
    /// the chain begins; returns how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn prune(&self, base: &Base) -> Result<u64, Fault> {
        let until = base.now().before(TERM);
        let mut tx = base.begin(Actor::Product).await?;
        if audit::lock_head(&mut tx, &self.name).await?.is_none() {
            return Ok(0);
        }
        let Some(last) = audit::last_until(&mut tx, &self.name, until, AT_ONCE).await? else {
            return Ok(0);
        };
        let tag = head_tag(&self.key, &self.name, "removed", last.number, &last.mac);
        let removed = Mark { number: last.number, mac: last.mac, tag };
        let number = audit::remove_until(&mut tx, &self.name, &removed).await?;
        tx.commit().await?;
        Ok(number)
    }
}
