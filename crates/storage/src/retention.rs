//! For how long the rows of each table are kept: nothing grows for ever.
//!
//! Every table stands in [`ALL`], with a term or with a reason for having none; a test compares the
//! list with the schema, and `docs/operations.md` shows it. Rows whose term is over are removed some
//! at a time, each batch in a short transaction of its own ([`Retention::prune`]), by one node at a
//! time ([`take_turn`]).

mod prune;

use std::time::Duration;

use astralform_domain::{Actor, Timestamp};

use crate::{Db, Result, Tx, bind::binds, changes::Lookback, db::Run as _};

/// For how long the rows of a table are kept.
pub struct Retention {
    /// The table.
    pub table: &'static str,
    /// How long.
    pub kept: Kept,
}

/// How long, or why.
pub enum Kept {
    /// So long after something, which is named for people.
    For {
        /// How long.
        term: Duration,
        /// After what.
        after: &'static str,
        /// How rows are found and removed.
        removal: Removal,
    },
    /// As long as something that is named for people, by which they go.
    With(&'static str),
}

/// How rows are removed whose term is over.
pub enum Removal {
    /// By a statement that takes the moment at which the term began, and how many rows at most.
    Rows(&'static str),
    /// By such a statement, with the moment by the clock of the announcements, which is not the product's.
    Announced(&'static str),
    /// Connections, with all that belongs to them.
    Connections,
    /// Project connectors that nothing refers to.
    ProjectConnectors,
    /// End users of whom nothing is left.
    EndUsers,
    /// Projects of which nothing is left but what they were set up with.
    Projects,
}

const DAY: Duration = Duration::from_hours(24);
/// Receipts, and what they are about.
const RECORDS: Duration = Duration::from_hours(90 * 24);

/// For how long the answer to a request with an `Idempotency-Key` is kept.
pub const IDEMPOTENT_REQUESTS: Duration = DAY;

const fn kept(
    table: &'static str,
    term: Duration,
    after: &'static str,
    removal: Removal,
) -> Retention {
    Retention { table, kept: Kept::For { term, after, removal } }
}

const fn with(table: &'static str, what: &'static str) -> Retention {
    Retention { table, kept: Kept::With(what) }
}

/// Every table, those first whose rows refer to others.
pub const ALL: &[Retention] = &[
    kept("oauth_states", Duration::ZERO, "they end", Removal::Rows(prune::OAUTH_STATES)),
    kept("sessions", Duration::ZERO, "they end", Removal::Rows(prune::SESSIONS)),
    kept(
        "idempotent_requests",
        IDEMPOTENT_REQUESTS,
        "they came",
        Removal::Rows(prune::IDEMPOTENT_REQUESTS),
    ),
    kept(
        "changes",
        Lookback::KNOWN.saturating_mul(2),
        "they were announced",
        Removal::Announced(prune::CHANGES),
    ),
    kept(
        "webhook_deliveries",
        DAY.saturating_mul(7),
        "they were delivered or given up",
        Removal::Rows(prune::WEBHOOK_DELIVERIES),
    ),
    kept(
        "auth_requests",
        DAY.saturating_mul(30),
        "their last phase was over",
        Removal::Rows(prune::AUTH_REQUESTS),
    ),
    kept("connections", RECORDS, "they ended", Removal::Connections),
    with("connection_uses", "their connection"),
    kept(
        "connection_events",
        RECORDS,
        "they happened last, and not longer than their connection",
        Removal::Rows(prune::CONNECTION_EVENTS),
    ),
    with("tokens", "their connection, and not longer than the receipt takes"),
    with("refreshes", "the refresh, and not longer than their connection"),
    with("revocations", "their connection; pending ones keep it"),
    kept(
        "project_connectors",
        RECORDS,
        "they were disabled, once no connection or prompt of theirs is left",
        Removal::ProjectConnectors,
    ),
    with("revocation_pauses", "their project connector, one for each"),
    kept("end_users", DAY, "they came, once nothing of theirs is left", Removal::EndUsers),
    kept("api_keys", RECORDS, "they were revoked or expired", Removal::Rows(prune::API_KEYS)),
    kept(
        "admin_tokens",
        RECORDS,
        "they were revoked or expired",
        Removal::Rows(prune::ADMIN_TOKENS),
    ),
    with("webhooks", "their project, ten for each environment, until a member deletes them"),
    with("data_keys", "what they sealed, and eight days longer (`keys rotate`)"),
    kept(
        "agents",
        RECORDS,
        "they were deleted, once no key, session or prompt of theirs is left",
        Removal::Rows(prune::AGENTS),
    ),
    with("environments", "their project, two for each"),
    kept(
        "projects",
        RECORDS,
        "they were deleted, once no connector, key or end user of theirs is left",
        Removal::Projects,
    ),
    with("project_logos", "their project, one for each"),
    with("teams", "the installation; only an operator makes one"),
    with("members", "the installation; only an operator makes one"),
    with("memberships", "their team"),
    with("nodes", "their process lives, and a day longer; each beat removes older ones"),
    with("audit_entries", "their project, and not longer than a year"),
    with("audit_heads", "their project, team or installation, one for each"),
    with("audit_names", "entries are about them, and not longer than their end user"),
    with("call_erasures", "the lines of the call log that are to be removed, ten minutes"),
    with("meta", "the installation; a handful of rows"),
];

impl Retention {
    /// Removes rows whose term is over, `limit` at most, in one short transaction; returns how many.
    ///
    /// # Errors
    /// When the database does not answer; then none of them is removed.
    pub async fn prune(&self, db: &Db, now: Timestamp, limit: i64) -> Result<u64> {
        let Kept::For { term, removal, .. } = &self.kept else { return Ok(0) };
        let mut tx = db.begin(Actor::Product).await?;
        let removed = removal.carry_out(&mut tx, now, *term, limit).await?;
        tx.commit().await?;
        Ok(removed)
    }
}

impl Removal {
    async fn carry_out(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        term: Duration,
        limit: i64,
    ) -> Result<u64> {
        let since = now.before(term);
        match self {
            Self::Rows(sql) => tx.execute(sql, binds![since, limit]).await,
            Self::Announced(sql) => {
                let since = tx.feed.now().before(term);
                tx.execute(sql, binds![since, limit]).await
            }
            Self::Connections => prune::connections(tx, since, limit).await,
            Self::ProjectConnectors => prune::project_connectors(tx, since, limit).await,
            Self::EndUsers => prune::end_users(tx, since, limit).await,
            Self::Projects => prune::projects(tx, since, limit).await,
        }
    }
}

/// Takes the turn of removing rows, for `length`; returns whether it was free. One node at a time
/// has it, by the database's clock.
///
/// # Errors
/// When the database does not answer.
pub async fn take_turn(db: &Db, length: Duration) -> Result<bool> {
    const SQL: &str = "
        INSERT INTO meta (name, value) VALUES ('retention_turn', $2)
        ON CONFLICT (name) DO UPDATE SET value = $2 WHERE meta.value <= $1";
    let now = db.clock().await?;
    let binds = binds![write_sortable(now), write_sortable(now.after(length))];
    Ok(db.execute(SQL, binds).await? == 1)
}

/// Writes a time with as many digits as any other, so that the texts are ordered as the times are.
fn write_sortable(time: Timestamp) -> String {
    format!("{:020}", time.as_micros())
}

#[cfg(test)]
mod tests;
