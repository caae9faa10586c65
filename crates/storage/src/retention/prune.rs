//! The statements that remove rows, and the few tables for which one statement is not enough.

use astralform_domain::{EndUserKey, ProjectConnectorId, ProjectId, Timestamp};

use crate::{
    Result, Tx,
    bind::binds,
    db::{Row, Run as _},
    row::{Id, Record},
    status_changes::StatusUpdate,
};

pub(super) const OAUTH_STATES: &str = "
    DELETE FROM oauth_states WHERE state_hash IN
        (SELECT state_hash FROM oauth_states WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

pub(super) const SESSIONS: &str = "
    DELETE FROM sessions WHERE id IN
        (SELECT id FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

pub(super) const IDEMPOTENT_REQUESTS: &str = "
    DELETE FROM idempotent_requests WHERE id IN
        (SELECT id FROM idempotent_requests WHERE created_at <= $1
         ORDER BY created_at LIMIT $2)";

pub(super) const CHANGES: &str = "
    DELETE FROM changes WHERE id IN
        (SELECT id FROM changes WHERE written_at <= $1 ORDER BY written_at LIMIT $2)";

pub(super) const WEBHOOK_DELIVERIES: &str = "
    DELETE FROM webhook_deliveries WHERE (webhook_id, event_id) IN
        (SELECT webhook_id, event_id FROM webhook_deliveries
         WHERE ended_at IS NOT NULL AND ended_at <= $1 ORDER BY ended_at LIMIT $2)";

/// The condition of the index `auth_requests_by_end`, word by word.
pub(super) const AUTH_REQUESTS: &str = "
    DELETE FROM auth_requests WHERE id IN
        (SELECT id FROM auth_requests
         WHERE status NOT IN ('pending', 'awaiting_confirmation') AND expires_at <= $1
         ORDER BY expires_at LIMIT $2)";

pub(super) const API_KEYS: &str = "
    DELETE FROM api_keys WHERE id IN
        (SELECT id FROM api_keys
         WHERE (revoked_at IS NOT NULL AND revoked_at <= $1)
            OR (expires_at IS NOT NULL AND expires_at <= $1)
         LIMIT $2)";

pub(super) const ADMIN_TOKENS: &str = "
    DELETE FROM admin_tokens WHERE id IN
        (SELECT id FROM admin_tokens
         WHERE (revoked_at IS NOT NULL AND revoked_at <= $1)
            OR (expires_at IS NOT NULL AND expires_at <= $1)
         LIMIT $2)";

pub(super) const AGENTS: &str = "
    DELETE FROM agents WHERE id IN
        (SELECT id FROM agents
         WHERE deleted_at IS NOT NULL AND deleted_at <= $1
           AND NOT EXISTS (SELECT 1 FROM api_keys WHERE api_keys.agent_id = agents.id)
           AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.agent_id = agents.id)
           AND NOT EXISTS (SELECT 1 FROM auth_requests WHERE auth_requests.agent_id = agents.id)
         ORDER BY deleted_at LIMIT $2)";

pub(super) const CONNECTION_EVENTS: &str = "
    DELETE FROM connection_events WHERE (connection_id, number, mark) IN
        (SELECT connection_id, number, mark FROM connection_events
         WHERE last_at <= $1 ORDER BY last_at LIMIT $2)";

/// Removes connections that ended until then, with their uses, histories and receipts. One whose tokens are yet
/// to be ended at the provider, or that a prompt refers to, waits.
pub(super) async fn connections(tx: &mut Tx, until: Timestamp, limit: i64) -> Result<u64> {
    // Marked first, so that every statement means the same rows.
    const MARK: &str = "
        UPDATE connections SET last_change = $3 WHERE id IN
            (SELECT id FROM connections
             WHERE ended_at IS NOT NULL AND ended_at <= $1
               AND NOT EXISTS (SELECT 1 FROM revocations
                               WHERE revocations.connection_id = connections.id
                                 AND revocations.status = 'pending')
               AND NOT EXISTS (SELECT 1 FROM auth_requests
                               WHERE auth_requests.connection_id = connections.id)
               AND NOT EXISTS (SELECT 1 FROM auth_requests
                               WHERE auth_requests.renews = connections.id)
             ORDER BY ended_at LIMIT $2)";
    const PARTS: [&str; 5] = [
        "DELETE FROM connection_events WHERE connection_id IN
            (SELECT id FROM connections WHERE last_change = $1)",
        "DELETE FROM connection_uses WHERE connection_id IN
            (SELECT id FROM connections WHERE last_change = $1)",
        "DELETE FROM refreshes WHERE connection_id IN
            (SELECT id FROM connections WHERE last_change = $1)",
        "DELETE FROM tokens WHERE connection_id IN
            (SELECT id FROM connections WHERE last_change = $1)",
        "DELETE FROM revocations WHERE connection_id IN
            (SELECT id FROM connections WHERE last_change = $1)",
    ];
    const SQL: &str = "DELETE FROM connections WHERE last_change = $1";
    let mark = StatusUpdate::new(tx);
    if tx.execute(MARK, binds![until, limit, mark]).await? == 0 {
        return Ok(0);
    }
    for part in PARTS {
        tx.execute(part, binds![mark]).await?;
    }
    tx.execute(SQL, binds![mark]).await
}

/// Removes project connectors that were disabled until then and that nothing refers to any more.
pub(super) async fn project_connectors(tx: &mut Tx, until: Timestamp, limit: i64) -> Result<u64> {
    const FIND: &str = "
        SELECT id FROM project_connectors
        WHERE disabled_at IS NOT NULL AND disabled_at <= $1
          AND NOT EXISTS (SELECT 1 FROM connections
                          WHERE connections.project_connector_id = project_connectors.id)
          AND NOT EXISTS (SELECT 1 FROM auth_requests
                          WHERE auth_requests.project_connector_id = project_connectors.id)
          AND NOT EXISTS (SELECT 1 FROM revocations
                          WHERE revocations.project_connector_id = project_connectors.id)
        ORDER BY disabled_at LIMIT $2";
    const PAUSE: &str = "DELETE FROM revocation_pauses WHERE project_connector_id = $1";
    const SQL: &str = "DELETE FROM project_connectors WHERE id = $1";
    let mut removed = 0;
    for Id(id) in tx.all::<Id<ProjectConnectorId>>(FIND, binds![until, limit]).await? {
        tx.execute(PAUSE, binds![id]).await?;
        removed += tx.execute(SQL, binds![id]).await?;
    }
    Ok(removed)
}

/// Removes projects that were deleted until then, with what they were set up with, some at a time:
/// for each, the database looks through every table that could refer to it.
///
/// Connections, prompts and receipts all refer to a connector of their project, so that a project
/// without one has none of them.
pub(super) async fn projects(tx: &mut Tx, until: Timestamp, limit: i64) -> Result<u64> {
    const AT_ONCE: i64 = 10;
    const FIND: &str = "
        SELECT id FROM projects
        WHERE deleted_at IS NOT NULL AND deleted_at <= $1
          AND NOT EXISTS (SELECT 1 FROM project_connectors WHERE project_id = projects.id)
          AND NOT EXISTS (SELECT 1 FROM api_keys WHERE project_id = projects.id)
          AND NOT EXISTS (SELECT 1 FROM end_users WHERE project_id = projects.id)
        ORDER BY deleted_at LIMIT $2";
    const PARTS: [&str; 10] = [
        "DELETE FROM audit_entries WHERE chain = $1",
        "DELETE FROM audit_heads WHERE chain = $1",
        "DELETE FROM audit_names WHERE project_id = $1",
        "DELETE FROM webhooks WHERE project_id = $1",
        "DELETE FROM sessions WHERE project_id = $1",
        "DELETE FROM idempotent_requests WHERE project_id = $1",
        "DELETE FROM agents WHERE project_id = $1",
        "DELETE FROM environments WHERE project_id = $1",
        "DELETE FROM project_logos WHERE project_id = $1",
        "DELETE FROM data_keys WHERE project_id = $1",
    ];
    const SQL: &str = "DELETE FROM projects WHERE id = $1";
    let mut removed = 0;
    for Id(id) in tx.all::<Id<ProjectId>>(FIND, binds![until, limit.min(AT_ONCE)]).await? {
        for part in PARTS {
            tx.execute(part, binds![id]).await?;
        }
        removed += tx.execute(SQL, binds![id]).await?;
    }
    Ok(removed)
}

struct MetaValue(String);

impl Record for MetaValue {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self(row.text("value")?))
    }
}

/// Looks at the next end users, and removes those that came until then and of whom nothing is left.
///
/// Which of them have nothing left is not written anywhere, so all are looked at, some in each turn;
/// where the last turn ended is kept. Returns 0: there is always a next one.
pub(super) async fn end_users(tx: &mut Tx, until: Timestamp, limit: i64) -> Result<u64> {
    const WHERE: &str = "SELECT value FROM meta WHERE name = 'retention_end_users'";
    const PAGE: &str = "SELECT id FROM end_users WHERE id > $1 ORDER BY id LIMIT $2";
    const SQL: &str = "
        DELETE FROM end_users
        WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM connections WHERE end_user_id = $1)
          AND NOT EXISTS (SELECT 1 FROM auth_requests WHERE end_user_id = $1)";
    // Locked first: a transaction that connects them at this moment has begun before, and is seen,
    // or begins after, and makes the row anew.
    const LOCK: &str = "UPDATE end_users SET external_id = external_id WHERE id = $1";
    const LEFT: &str = "
        SELECT id FROM end_users
        WHERE id > $1 AND id <= $2 AND created_at <= $3
          AND NOT EXISTS (SELECT 1 FROM connections WHERE end_user_id = end_users.id)
          AND NOT EXISTS (SELECT 1 FROM auth_requests WHERE end_user_id = end_users.id)
        ORDER BY id";
    const NEXT: &str = "
        INSERT INTO meta (name, value) VALUES ('retention_end_users', $1)
        ON CONFLICT (name) DO UPDATE SET value = $1";
    let after: Option<MetaValue> = tx.optional(WHERE, binds![]).await?;
    let after = after.map_or_else(String::new, |MetaValue(after)| after);
    let page: Vec<Id<EndUserKey>> = tx.all(PAGE, binds![after.as_str(), limit]).await?;
    let is_last = i64::try_from(page.len()).is_ok_and(|number| number < limit);
    let Some(Id(last)) = page.last() else {
        tx.execute(NEXT, binds![String::new()]).await?;
        return Ok(0);
    };
    for Id(id) in tx.all::<Id<EndUserKey>>(LEFT, binds![after.as_str(), *last, until]).await? {
        tx.execute(LOCK, binds![id]).await?;
        tx.execute(SQL, binds![id]).await?;
    }
    let next = if is_last { String::new() } else { last.to_string() };
    tx.execute(NEXT, binds![next]).await?;
    Ok(0)
}
