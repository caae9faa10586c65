use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

use astralform_domain::{Actor, CallLine, EndUserId, EndUserKey, Tenant, Timestamp};

use super::{
    CallStore,
    usage::{self, UsageKey},
};
use crate::{
    Result, Tx,
    bind::{Bind, binds},
    db::{Row, Run as _, made::ManyRows},
    row::Record,
};

/// The ids that end users have in this log, for a moment: a node that goes on with one that another
/// node has removed writes lines that lead to nobody.
#[derive(Default)]
pub(super) struct KnownEndUsers(Mutex<HashMap<Tenant, HashMap<EndUserId, KnownEndUser>>>);

#[derive(Clone, Copy)]
struct KnownEndUser {
    id: EndUserKey,
    since: Timestamp,
}

/// For how long an id is taken to be still the one.
const FRESH: Duration = Duration::from_mins(1);
/// How many are known at most.
const MOST: usize = 20_000;

/// An end user whom a line names.
type Named<'a> = (Tenant, &'a EndUserId);

struct Interned {
    id: EndUserKey,
    tenant: Tenant,
    end_user: EndUserId,
}

impl Record for Interned {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self { id: row.parse("id")?, tenant: row.tenant()?, end_user: row.parse("end_user")? })
    }
}

impl KnownEndUsers {
    fn find(&self, (tenant, end_user): Named<'_>, now: Timestamp) -> Option<EndUserKey> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(&tenant)?.get(end_user)?;
        (now < found.since.after(FRESH)).then_some(found.id)
    }

    fn remember(&self, found: Vec<Interned>, since: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.values().map(HashMap::len).sum::<usize>() + found.len() > MOST {
            known.clear();
        }
        for Interned { id, tenant, end_user } in found {
            known.entry(tenant).or_default().insert(end_user, KnownEndUser { id, since });
        }
    }

    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl CallStore {
    /// Writes lines and what else is to be counted, all or nothing.
    ///
    /// # Errors
    /// When the database does not take them.
    pub async fn write(&self, lines: &[CallLine], counts: &[(UsageKey, u64)]) -> Result<()> {
        let written = self.write_all(lines, counts).await;
        if written.is_err() {
            self.known_days.forget();
            self.known_end_users.forget();
        }
        written
    }

    async fn write_all(&self, lines: &[CallLine], counts: &[(UsageKey, u64)]) -> Result<()> {
        let db = self.db().await?;
        self.ensure_days(db, lines).await?;
        let mut tx = db.begin(Actor::Product).await?;
        let now = tx.now();
        let mut ids = BTreeMap::new();
        let mut unknown = BTreeSet::new();
        for line in lines {
            let Some(end_user) = &line.end_user else { continue };
            let named = (line.tenant, end_user);
            match self.known_end_users.find(named, now) {
                Some(id) => drop(ids.insert(named, id)),
                None => drop(unknown.insert(named)),
            }
        }
        let interned = intern(&mut tx, unknown).await?;
        ids.extend(interned.iter().map(|found| ((found.tenant, &found.end_user), found.id)));
        let rows = lines.iter().map(|line| row_of(line, &ids)).collect();
        for (sql, binds) in LINES.statements(&tx, rows) {
            tx.execute(sql, binds).await?;
        }
        usage::add(&mut tx, lines, counts).await?;
        tx.commit().await?;
        self.known_end_users.remember(interned, now);
        Ok(())
    }
}

/// Returns the ids that end users have in this log, made for those that have none. They come in
/// order, so that two nodes never wait for each other.
async fn intern(tx: &mut Tx, end_users: BTreeSet<Named<'_>>) -> Result<Vec<Interned>> {
    static STATEMENT: LazyLock<ManyRows> = LazyLock::new(|| {
        ManyRows::new(
            "INSERT INTO call_end_users (id, project_id, environment, end_user, seen_at)",
            5,
            "ON CONFLICT (project_id, environment, end_user)
             DO UPDATE SET seen_at = excluded.seen_at
             RETURNING id, project_id, environment, end_user",
        )
    });
    let now = tx.now();
    let rows = end_users.into_iter().map(|(Tenant { project, environment }, end_user)| {
        let id = EndUserKey::new(&tx.clock, &tx.feed.entropy);
        binds![id, project, environment, end_user, now]
    });
    let mut found = Vec::new();
    for (sql, binds) in STATEMENT.statements(tx, rows.collect()) {
        found.extend(tx.returning_all(sql, binds).await?);
    }
    Ok(found)
}

static LINES: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "INSERT INTO calls
            (id, project_id, environment, at, took, request_id, connector, tool, agent_id, end_user,
             actor, connection_id, outcome, reason, status, attempts, authenticate, credential,
             plan, provider, first_byte, shape, summary)",
        23,
        "",
    )
});

fn row_of(line: &CallLine, end_users: &BTreeMap<Named<'_>, EndUserKey>) -> Vec<Bind> {
    let end_user = line.end_user.as_ref();
    let times = &line.times;
    binds![
        line.id,
        line.tenant.project,
        line.tenant.environment,
        line.at,
        micros(line.took),
        line.request,
        line.connector.as_ref(),
        line.tool.as_str(),
        line.agent,
        end_user.and_then(|end_user| end_users.get(&(line.tenant, end_user)).copied()),
        line.by.to_string(),
        line.connection,
        line.outcome,
        line.reason.as_deref(),
        line.status.map(i64::from),
        i64::from(line.attempts),
        micros(times.authenticate),
        micros(times.credential),
        micros(times.plan),
        micros(times.provider),
        times.first_byte.map(micros),
        micros(times.shape),
        line.summary.as_deref(),
    ]
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
