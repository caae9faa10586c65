//! Pending prompts to end users.

mod endings;
mod returns;

use astralform_domain::{
    AuthFailure, AuthRequest, AuthRequestId, AuthRequestState, AuthStatus, ConnectionId,
    EndUserKey, ProviderError, Tenant, Timestamp,
};

use crate::{
    Db, Error, Result, Tx,
    bind::{binds, json},
    connection_events::{PromptUpdate, note_opened_prompt},
    connections::owner,
    db::{Row, Run as _},
    row::{Count, Record, corrupt},
};
pub use endings::{
    Expired, decline, decline_all, decline_ended, expire_pending, fail_all, forget_ended,
    unconfirmed,
};
pub use returns::{Returns, returns};

impl Record for AuthRequest {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.parse("id")?,
            tenant: row.tenant()?,
            project_connector: row.parse("project_connector_id")?,
            connector: row.parse("connector")?,
            owner: owner(row)?,
            agent: row.parse("agent_id")?,
            reason: row.parse("reason")?,
            required_scopes: row.json("required_scopes")?,
            granted_scopes: row.json("granted_scopes")?,
            renews: row.optional_parse("renews")?,
            account_hint: row.optional_text("account_hint")?,
            return_url: row.optional_text("return_url")?,
            state: state(row)?,
            expires_at: row.time("expires_at")?,
        })
    }
}

fn state(row: &Row) -> Result<AuthRequestState> {
    let failure = row.optional_parse("failure")?;
    let said = row.optional_json("provider_error")?;
    let connection = row.optional_parse("connection_id")?;
    let state = AuthRequestState::of(row.parse("status")?, failure, said, connection);
    state.ok_or_else(|| corrupt("status", "it does not go with failure, error and connection"))
}

/// Returns the open request that asks for the same, or else stores `new` and returns it. Requests
/// whose time has passed are expired first.
pub async fn open(
    tx: &mut Tx,
    new: &AuthRequest,
    end_user: Option<EndUserKey>,
    asks_for: &str,
    now: Timestamp,
) -> Result<AuthRequest> {
    expire_same(tx, new, end_user, asks_for, now).await?;
    if insert(tx, new, end_user, asks_for, now).await? {
        note_opened_prompt(tx, new).await?;
    }
    let found = find_same(tx, new, end_user, asks_for).await?;
    found.ok_or_else(|| Error::Corrupt {
        column: "asks_for",
        why: "a row just written is gone".into(),
    })
}

async fn expire_same(
    tx: &mut Tx,
    new: &AuthRequest,
    end_user: Option<EndUserKey>,
    asks_for: &str,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE auth_requests SET status = 'expired', last_change = $5
        WHERE project_connector_id = $1 AND COALESCE(end_user_id, '') = $2 AND asks_for = $3
          AND status = 'pending' AND expires_at <= $4";
    let update = PromptUpdate::new(tx);
    let binds = binds![new.project_connector, or_none(end_user), asks_for, now, update];
    if tx.execute(SQL, binds).await? > 0 {
        update.tell(tx).await?;
    }
    Ok(())
}

/// Stores a request as it is, also one that is completed from the start, since everything was
/// granted before; returns whether no open one asks for the same.
pub async fn insert(
    tx: &mut Tx,
    new: &AuthRequest,
    end_user: Option<EndUserKey>,
    asks_for: &str,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "
        INSERT INTO auth_requests
            (id, project_id, environment, project_connector_id, end_user_id, agent_id, asks_for,
             renews, reason, required_scopes, granted_scopes, account_hint, return_url, status,
             connection_id, expires_at, latest_end, attempts, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 0, $18)
        ON CONFLICT DO NOTHING";
    let binds = binds![
        new.id,
        new.tenant.project,
        new.tenant.environment,
        new.project_connector,
        end_user,
        new.agent,
        asks_for,
        new.renews,
        new.reason,
        json(&new.required_scopes),
        json(&new.granted_scopes),
        &new.account_hint,
        &new.return_url,
        new.status(),
        new.state.connection(),
        new.expires_at,
        new.expires_at.after(AuthRequest::PHASE),
        now,
    ];
    Ok(tx.execute(SQL, binds).await? == 1)
}

async fn find_same(
    tx: &mut Tx,
    like: &AuthRequest,
    end_user: Option<EndUserKey>,
    asks_for: &str,
) -> Result<Option<AuthRequest>> {
    const SQL: &str = "
        SELECT auth_requests.*, end_users.external_id, project_connectors.connector
        FROM auth_requests
        LEFT JOIN end_users ON end_users.id = auth_requests.end_user_id
        JOIN project_connectors ON project_connectors.id = auth_requests.project_connector_id
        WHERE auth_requests.project_connector_id = $1
          AND COALESCE(auth_requests.end_user_id, '') = $2
          AND auth_requests.asks_for = $3
          AND auth_requests.status IN ('pending', 'awaiting_confirmation')";
    tx.optional(SQL, binds![like.project_connector, or_none(end_user), asks_for]).await
}

/// Writes an end user as the index of open requests has them.
fn or_none(end_user: Option<EndUserKey>) -> String {
    end_user.map_or_else(String::new, |key| key.to_string())
}

/// Returns the auth request of that id, for a caller confined to `tenant`.
pub async fn find(db: &Db, tenant: Tenant, id: AuthRequestId) -> Result<Option<AuthRequest>> {
    Ok(find_in_any_tenant(db, id).await?.filter(|found| found.tenant == tenant))
}

/// Returns the auth request of that id, for the browser that holds its link.
pub async fn find_in_any_tenant(db: &Db, id: AuthRequestId) -> Result<Option<AuthRequest>> {
    const SQL: &str = "
        SELECT auth_requests.*, end_users.external_id, project_connectors.connector
        FROM auth_requests
        LEFT JOIN end_users ON end_users.id = auth_requests.end_user_id
        JOIN project_connectors ON project_connectors.id = auth_requests.project_connector_id
        WHERE auth_requests.id = $1";
    db.optional(SQL, binds![id]).await
}

/// Moves an auth request on to a state whose phase ends at `expires_at`, if it still has the status
/// that was seen; returns whether it had.
pub async fn advance(
    tx: &mut Tx,
    seen: &AuthRequest,
    next: &AuthRequestState,
    expires_at: Timestamp,
) -> Result<bool> {
    let written =
        write(tx, seen, next.status(), next.failure(), next.connection(), expires_at).await?;
    let Some(update) = written else { return Ok(false) };
    if let Some(said) = next.provider_error() {
        note_provider_error(tx, seen.id, said).await?;
    }
    if let AuthRequestState::Completed { connection } = next {
        update.tell_completed(tx, *connection).await?;
    } else {
        update.tell(tx).await?;
    }
    Ok(true)
}

/// Completes an auth request that awaits confirmation, if it still does; returns whether it did.
/// What it led to is said by [`point_to`] in the same transaction: the connection that waited may
/// be removed before, since its account was connected already.
pub async fn confirm(tx: &mut Tx, seen: &AuthRequest) -> Result<bool> {
    if seen.status() != AuthStatus::AwaitingConfirmation {
        return Ok(false);
    }
    let written = write(tx, seen, AuthStatus::Completed, None, None, seen.expires_at).await?;
    Ok(written.is_some())
}

/// Writes another status, if it still has the one that was seen; returns what is then to be told.
async fn write(
    tx: &mut Tx,
    seen: &AuthRequest,
    status: AuthStatus,
    failure: Option<AuthFailure>,
    connection: Option<ConnectionId>,
    expires_at: Timestamp,
) -> Result<Option<PromptUpdate>> {
    const SQL: &str = "
        UPDATE auth_requests
        SET status = $3, failure = $4, connection_id = $5, expires_at = $6, last_change = $7
        WHERE id = $1 AND status = $2";
    let update = PromptUpdate::new(tx);
    let binds = binds![seen.id, seen.status(), status, failure, connection, expires_at, update];
    Ok((tx.execute(SQL, binds).await? == 1).then_some(update))
}

/// Notes what the provider said of a request that it refused.
async fn note_provider_error(tx: &mut Tx, id: AuthRequestId, said: &ProviderError) -> Result<()> {
    const SQL: &str = "UPDATE auth_requests SET provider_error = $2 WHERE id = $1";
    tx.execute(SQL, binds![id, json(said)]).await?;
    Ok(())
}

/// Replaces the end of a pending request's phase, and where its browser goes.
pub async fn prolong(tx: &mut Tx, request: &AuthRequest) -> Result<()> {
    const SQL: &str = "
        UPDATE auth_requests SET expires_at = $2, latest_end = $3, return_url = $4
        WHERE id = $1 AND status = 'pending'";
    let latest_end = request.expires_at.after(AuthRequest::PHASE);
    let binds = binds![request.id, request.expires_at, latest_end, &request.return_url];
    tx.execute(SQL, binds).await?;
    Ok(())
}

/// Counts an attempt of the person who holds a pending request's link, and gives them time until
/// `until`, or as much of it as there is; returns whether an attempt was left.
pub async fn attempt(
    tx: &mut Tx,
    id: AuthRequestId,
    until: Timestamp,
    at_most: i64,
) -> Result<bool> {
    const SQL: &str = "
        UPDATE auth_requests
        SET attempts = attempts + 1,
            expires_at = CASE WHEN expires_at >= $2 THEN expires_at
                              WHEN latest_end < $2 THEN latest_end
                              ELSE $2 END
        WHERE id = $1 AND status = 'pending' AND attempts < $3";
    Ok(tx.execute(SQL, binds![id, until, at_most]).await? == 1)
}

/// Returns how many requests of an end user are open, `at_most` at most.
pub async fn open_of(tx: &mut Tx, end_user: EndUserKey, at_most: i64) -> Result<i64> {
    const SQL: &str = "
        SELECT COUNT(*) AS number FROM (
            SELECT id FROM auth_requests
            WHERE end_user_id = $1 AND status IN ('pending', 'awaiting_confirmation')
            LIMIT $2) AS found";
    Ok(tx.optional::<Count>(SQL, binds![end_user, at_most]).await?.map_or(0, |found| found.0))
}

/// Returns how many requests of an environment are open, `at_most` at most.
pub async fn open_in(db: &Db, tenant: Tenant, at_most: i64) -> Result<i64> {
    const SQL: &str = "
        SELECT COUNT(*) AS number FROM (
            SELECT id FROM auth_requests
            WHERE project_id = $1 AND environment = $2
              AND status IN ('pending', 'awaiting_confirmation')
            LIMIT $3) AS found";
    let binds = binds![tenant.project, tenant.environment, at_most];
    Ok(db.optional::<Count>(SQL, binds).await?.map_or(0, |found| found.0))
}

/// Notes which connection a completed auth request led to.
pub async fn point_to(tx: &mut Tx, id: AuthRequestId, connection: ConnectionId) -> Result<()> {
    const SQL: &str = "
        UPDATE auth_requests SET connection_id = $2, last_change = $3 WHERE id = $1";
    let update = PromptUpdate::new(tx);
    tx.execute(SQL, binds![id, connection, update]).await?;
    update.tell_completed(tx, connection).await
}

/// Notes the account that an auth request for one more found connected already.
pub async fn note_account(tx: &mut Tx, id: AuthRequestId, label: &str) -> Result<()> {
    const SQL: &str = "UPDATE auth_requests SET account_hint = $2 WHERE id = $1";
    tx.execute(SQL, binds![id, label]).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
