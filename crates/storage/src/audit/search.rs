use astralform_domain::{Email, EndUserId, Environment, Timestamp};

use super::Entry;
use crate::{
    Result,
    bind::binds,
    db::{Row, Run},
    row::Record,
};

/// Which entries are looked for: those that match every field that is set, the newest first.
#[derive(Clone, Copy, Debug, Default)]
pub struct EntryFilter<'a> {
    /// Of this environment.
    pub environment: Option<Environment>,
    /// Of this action.
    pub action: Option<&'a str>,
    /// By this actor.
    pub actor: Option<&'a str>,
    /// About this subject.
    pub subject: Option<&'a str>,
    /// About the end user of this pseudonym.
    pub end_user: Option<&'a str>,
    /// Written then or later.
    pub since: Option<Timestamp>,
    /// Written before then.
    pub until: Option<Timestamp>,
    /// Those with a lower number.
    pub before: Option<i64>,
    /// So many at most.
    pub limit: i64,
}

/// An entry with the names behind its ids, as far as they are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedEntry {
    /// The entry.
    pub entry: Entry,
    /// The address of the member who acted.
    pub actor_email: Option<Email>,
    /// The end user whom it concerns, until they are deleted.
    pub end_user: Option<EndUserId>,
}

impl Record for ListedEntry {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            entry: Entry::read(row)?,
            actor_email: row.optional_parse("actor_email")?,
            end_user: row.optional_parse("named_end_user")?,
        })
    }
}

/// Returns entries of a chain, the newest first.
pub async fn list(db: impl Run, chain: &str, filter: EntryFilter<'_>) -> Result<Vec<ListedEntry>> {
    const SQL: &str = "
        SELECT audit_entries.*, members.email AS actor_email, audit_names.end_user AS named_end_user
        FROM audit_entries
        LEFT JOIN members ON members.id = audit_entries.actor
        LEFT JOIN audit_names ON audit_names.project_id = audit_entries.chain
            AND audit_names.pseudonym = audit_entries.end_user
        WHERE audit_entries.chain = $1 AND audit_entries.number < $2
          AND ($3 IS NULL OR audit_entries.environment = $3)
          AND ($4 IS NULL OR audit_entries.action = $4)
          AND ($5 IS NULL OR audit_entries.actor = $5)
          AND ($6 IS NULL OR audit_entries.subject = $6)
          AND ($7 IS NULL OR audit_entries.end_user = $7)
          AND ($8 IS NULL OR audit_entries.at >= $8) AND ($9 IS NULL OR audit_entries.at < $9)
        ORDER BY audit_entries.number DESC LIMIT $10";
    let EntryFilter { environment, action, actor, subject, end_user, since, until, before, limit } =
        filter;
    let owned = |text: Option<&str>| text.map(ToOwned::to_owned);
    let binds = binds![
        chain,
        before.unwrap_or(i64::MAX),
        environment,
        &owned(action),
        &owned(actor),
        &owned(subject),
        &owned(end_user),
        since,
        until,
        limit,
    ];
    db.all(SQL, binds).await
}
