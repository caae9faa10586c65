use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use astralform_domain::{
    Actor, AgentId, ApiKeyId, CallId, CallLine, CallOutcome, CallTimes, ConnectionId,
    ConnectorSlug, EndUserId, EndUserKey, RequestId, SessionId, Tenant, Timestamp,
};
use thiserror::Error;

use super::CallStore;
use crate::{
    Db, Result,
    bind::{Bind, binds},
    db::{Row, Run as _},
    row::{Id, Record, corrupt},
};

/// Which lines are looked for: those that match every field that is set, the newest first.
#[derive(Clone, Debug, Default)]
pub struct CallFilter {
    /// Of calls that ended then or later.
    pub since: Option<Timestamp>,
    /// Of calls that ended before then.
    pub until: Option<Timestamp>,
    /// Of this call.
    pub id: Option<CallId>,
    /// Of the call that came by this request.
    pub request: Option<RequestId>,
    /// Of this end user.
    pub end_user: Option<EndUserId>,
    /// Paid by this connection.
    pub connection: Option<ConnectionId>,
    /// By this agent.
    pub agent: Option<AgentId>,
    /// Of this connector's tools.
    pub connector: Option<ConnectorSlug>,
    /// Of this tool.
    pub tool: Option<String>,
    /// That ended so.
    pub outcome: Option<CallOutcome>,
    /// For this reason.
    pub reason: Option<String>,
}

/// Which of the lines that are looked for are wanted.
#[derive(Clone, Copy, Debug)]
pub struct CallPart {
    /// Those behind this place.
    pub after: Option<Place>,
    /// So many at most.
    pub limit: i64,
}

/// A place in the log of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    at: Timestamp,
    id: CallId,
}

/// A text that names no place.
#[derive(Debug, Error)]
#[error("this is no cursor of the call log")]
pub struct InvalidPlace;

/// A line as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedCall(pub CallLine);

/// What was found.
#[derive(Debug, Default)]
pub struct CallPage {
    /// Lines, the newest first.
    pub calls: Vec<ListedCall>,
    /// Where to go on, where there may be more.
    pub next: Option<Place>,
    /// How far back was looked, where it was not the whole time that was asked for and fewer lines
    /// were found than were wanted.
    pub searched_back_to: Option<Timestamp>,
}

/// How many lines a page looks at to find those that are wanted: twice, at most.
const LOOKED_AT: i64 = 20_000;

/// By how much the time in an id may be apart from the time at which its call ended, either way.
const BEFORE_ID: Duration = Duration::from_mins(1);
const AFTER_ID: Duration = Duration::from_mins(15);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at.as_micros(), self.id)
    }
}

impl FromStr for Place {
    type Err = InvalidPlace;
    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let (at, id) = text.split_once('.').ok_or(InvalidPlace)?;
        let at = at.parse().map(Timestamp::from_micros).map_err(|_| InvalidPlace)?;
        Ok(Self { at, id: id.parse().map_err(|_| InvalidPlace)? })
    }
}

impl Record for Place {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self { at: row.time("at")?, id: row.parse("id")? })
    }
}

impl Record for ListedCall {
    fn read(row: &Row) -> Result<Self> {
        let took =
            |column| Ok::<_, crate::Error>(Duration::from_micros(row.int(column)?.unsigned_abs()));
        let first_byte = row.optional_int("first_byte")?;
        let status = row.optional_int("status")?;
        Ok(Self(CallLine {
            id: row.parse("id")?,
            tenant: row.tenant()?,
            at: row.time("at")?,
            took: took("took")?,
            request: row.optional_parse("request_id")?,
            connector: row.optional_parse("connector")?,
            tool: row.text("tool")?,
            agent: row.parse("agent_id")?,
            end_user: row.optional_parse("named_end_user")?,
            by: actor(&row.text("actor")?)?,
            connection: row.optional_parse("connection_id")?,
            outcome: row.parse("outcome")?,
            reason: row.optional_text("reason")?.map(Cow::Owned),
            status: status.and_then(|status| u16::try_from(status).ok()),
            attempts: u16::try_from(row.int("attempts")?).unwrap_or(u16::MAX),
            times: CallTimes {
                authenticate: took("authenticate")?,
                credential: took("credential")?,
                plan: took("plan")?,
                provider: took("provider")?,
                first_byte: first_byte.map(|micros| Duration::from_micros(micros.unsigned_abs())),
                shape: took("shape")?,
            },
            summary: row.optional_text("summary")?,
        }))
    }
}

/// Reads what a runtime request was authenticated with.
fn actor(text: &str) -> Result<Actor> {
    let key = text.parse::<ApiKeyId>().map(Actor::ApiKey);
    let session = || text.parse::<SessionId>().map(Actor::Session);
    key.or_else(|_| session()).map_err(|why| corrupt("actor", why))
}

impl CallFilter {
    /// Returns the time in which what is looked for can be: ids say when they were made.
    fn window(&self) -> (i64, i64) {
        let mut since = self.since.map_or(i64::MIN, Timestamp::as_micros);
        let mut until = self.until.map_or(i64::MAX, Timestamp::as_micros);
        let named = [self.id.map(CallId::made_at), self.request.map(RequestId::made_at)];
        for made in named.into_iter().flatten() {
            since = since.max(made.before(BEFORE_ID).as_micros());
            until = until.min(made.after(AFTER_ID).as_micros());
        }
        (since, until)
    }

    /// Returns whether lines of the time that is asked for may be passed over.
    fn is_selective(&self) -> bool {
        self.id.is_some()
            || self.request.is_some()
            || self.connection.is_some()
            || self.agent.is_some()
            || self.connector.is_some()
            || self.tool.is_some()
            || self.outcome.is_some()
            || self.reason.is_some()
    }
}

/// The part of an index that a page is read from: from a place on, back to another one.
struct Stretch {
    tenant: Tenant,
    end_user: Option<String>,
    since: i64,
    from: (i64, String),
}

impl Stretch {
    fn binds(&self) -> Vec<Bind> {
        let Self { tenant, end_user, since, from } = self;
        binds![tenant.project, tenant.environment, end_user, *since, from.0, from.1.as_str()]
    }

    /// Returns the place behind which no page looks on.
    async fn end(&self, db: &Db) -> Result<Option<Place>> {
        const ALL: &str = "
            SELECT at, id FROM calls
            WHERE project_id = $1 AND environment = $2 AND $3 IS NULL
              AND at >= $4 AND at <= $5 AND (at, id) < ($5, $6)
            ORDER BY at DESC, id DESC LIMIT 1 OFFSET $7";
        const OF_END_USER: &str = "
            SELECT at, id FROM calls
            WHERE end_user = $3 AND project_id = $1 AND environment = $2
              AND at >= $4 AND at <= $5 AND (at, id) < ($5, $6)
            ORDER BY at DESC, id DESC LIMIT 1 OFFSET $7";
        let sql = if self.end_user.is_some() { OF_END_USER } else { ALL };
        let mut binds = self.binds();
        binds.extend(binds![LOOKED_AT - 1]);
        db.optional(sql, binds).await
    }

    /// Returns the lines that are wanted, down to a place.
    async fn lines(
        &self,
        db: &Db,
        filter: &CallFilter,
        end: Option<Place>,
        limit: i64,
    ) -> Result<Vec<ListedCall>> {
        const ALL: &str = "
            SELECT calls.*, call_end_users.end_user AS named_end_user
            FROM calls LEFT JOIN call_end_users ON call_end_users.id = calls.end_user
            WHERE calls.project_id = $1 AND calls.environment = $2 AND $3 IS NULL
              AND at >= $4 AND at <= $5 AND (at, calls.id) < ($5, $6)
              AND at >= $7 AND (at, calls.id) >= ($7, $8)
              AND ($9 IS NULL OR calls.id = $9) AND ($10 IS NULL OR request_id = $10)
              AND ($11 IS NULL OR connection_id = $11) AND ($12 IS NULL OR agent_id = $12)
              AND ($13 IS NULL OR connector = $13) AND ($14 IS NULL OR tool = $14)
              AND ($15 IS NULL OR outcome = $15) AND ($16 IS NULL OR reason = $16)
            ORDER BY at DESC, calls.id DESC LIMIT $17";
        const OF_END_USER: &str = "
            SELECT calls.*, call_end_users.end_user AS named_end_user
            FROM calls LEFT JOIN call_end_users ON call_end_users.id = calls.end_user
            WHERE calls.end_user = $3 AND calls.project_id = $1 AND calls.environment = $2
              AND at >= $4 AND at <= $5 AND (at, calls.id) < ($5, $6)
              AND at >= $7 AND (at, calls.id) >= ($7, $8)
              AND ($9 IS NULL OR calls.id = $9) AND ($10 IS NULL OR request_id = $10)
              AND ($11 IS NULL OR connection_id = $11) AND ($12 IS NULL OR agent_id = $12)
              AND ($13 IS NULL OR connector = $13) AND ($14 IS NULL OR tool = $14)
              AND ($15 IS NULL OR outcome = $15) AND ($16 IS NULL OR reason = $16)
            ORDER BY at DESC, calls.id DESC LIMIT $17";
        let sql = if self.end_user.is_some() { OF_END_USER } else { ALL };
        let (end_at, end_id) = match end {
            Some(Place { at, id }) => (at.as_micros(), id.to_string()),
            None => (i64::MIN, String::new()),
        };
        let mut binds = self.binds();
        binds.extend(binds![
            end_at,
            end_id,
            filter.id,
            filter.request,
            filter.connection,
            filter.agent,
            filter.connector.as_ref(),
            filter.tool.as_deref(),
            filter.outcome,
            filter.reason.as_deref(),
            limit,
        ]);
        db.all(sql, binds).await
    }
}

impl CallStore {
    /// Returns a page of lines. It looks at some 20,000 lines at most, and says how far that was.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn page(
        &self,
        tenant: Tenant,
        filter: &CallFilter,
        part: CallPart,
    ) -> Result<CallPage> {
        let CallPart { after, limit } = part;
        let db = self.db().await?;
        let end_user = match &filter.end_user {
            None => None,
            Some(end_user) => match known_as(db, tenant, end_user).await? {
                Some(id) => Some(id),
                None => return Ok(CallPage::default()),
            },
        };
        let (since, until) = filter.window();
        let start = match after {
            Some(Place { at, id }) if at.as_micros() < until => (at.as_micros(), id.to_string()),
            _ => (until, String::new()),
        };
        let stretch = Stretch { tenant, end_user, since, from: start };
        let end = if filter.is_selective() { stretch.end(db).await? } else { None };
        let mut calls = stretch.lines(db, filter, end, limit + 1).await?;
        let wanted = usize::try_from(limit).unwrap_or_default();
        if calls.len() <= wanted {
            return Ok(CallPage { calls, next: end, searched_back_to: end.map(|end| end.at) });
        }
        calls.truncate(wanted);
        let next = calls.last().map(|ListedCall(last)| Place { at: last.at, id: last.id });
        Ok(CallPage { calls, next, searched_back_to: None })
    }
}

/// Returns the id that an end user has in this log.
pub(super) async fn known_as(
    db: &Db,
    tenant: Tenant,
    end_user: &EndUserId,
) -> Result<Option<String>> {
    const SQL: &str = "
        SELECT id FROM call_end_users
        WHERE project_id = $1 AND environment = $2 AND end_user = $3";
    let found: Option<Id<EndUserKey>> =
        db.optional(SQL, binds![tenant.project, tenant.environment, end_user]).await?;
    Ok(found.map(|Id(id)| id.to_string()))
}
