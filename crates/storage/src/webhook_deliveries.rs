//! Events on their way to webhooks. Those of connections are written by `status_changes`.

use astralform_domain::{
    AuthRequestId, Delivery, Event, Reconnect, StatusChange, Tenant, Timestamp, WebhookDisabled,
    WebhookId,
};

use crate::{
    Db, Result, Tx,
    bind::binds,
    db::{Row, Run},
    row::{Count, Record},
};

/// How often the first of a connection's events is tried before those after it may overtake it.
pub const PATIENT_ATTEMPTS: i64 = 4;

impl Record for Delivery {
    fn read(row: &Row) -> Result<Self> {
        let request: Option<AuthRequestId> = row.optional_parse("reconnect")?;
        let until = row.optional_time("reconnect_until")?;
        Ok(Self {
            event: row.text("event_id")?,
            webhook: row.parse("webhook_id")?,
            tenant: row.tenant()?,
            what: event(row)?,
            occurred_at: row.time("occurred_at")?,
            status: row.parse("status")?,
            attempts: row.int("attempts")?,
            due_at: row.time("due_at")?,
            answered: row.get("answered")?,
            failure: row.optional_text("failure")?,
            ended_at: row.optional_time("ended_at")?,
            reconnect: request.zip(until).map(|(request, until)| Reconnect { request, until }),
        })
    }
}

fn event(row: &Row) -> Result<Event> {
    let Some(connection) = row.optional_parse("connection_id")? else { return Ok(Event::Test) };
    Ok(Event::StatusChanged(StatusChange {
        connection,
        connector: row.text("connector")?,
        end_user: row.optional_parse("end_user")?,
        old: row.optional_parse("old_status")?,
        new: row.parse("new_status")?,
        reason: row.optional_parse("reason")?,
        sequence: row.int("sequence")?,
    }))
}

/// A webhook that something is due at.
pub struct DueWebhook {
    /// The webhook.
    pub webhook: WebhookId,
    /// How much is due.
    pub number: i64,
}

impl Record for DueWebhook {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self { webhook: row.parse("webhook_id")?, number: row.int("number")? })
    }
}

/// Writes an event by which a member tries a webhook.
pub async fn add_test(
    tx: &mut Tx,
    (tenant, webhook): (Tenant, WebhookId),
    event: &str,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO webhook_deliveries
            (event_id, webhook_id, project_id, environment, sequence, occurred_at, status,
             attempts, due_at)
        VALUES ($1, $2, $3, $4, 0, $5, 'pending', 0, $5)";
    let Tenant { project, environment } = tenant;
    tx.execute(SQL, binds![event, webhook, project, environment, now]).await?;
    Ok(())
}

/// Returns the webhooks at which something is due.
pub async fn due_webhooks(db: &Db, now: Timestamp) -> Result<Vec<DueWebhook>> {
    const SQL: &str = "
        SELECT webhook_id, COUNT(*) AS number
        FROM webhook_deliveries
        WHERE status = 'pending' AND due_at <= $1
        GROUP BY webhook_id";
    db.all(SQL, binds![now]).await
}

/// Returns what is due at a webhook, the oldest first, `limit` at most. An event of a connection
/// waits for those before it, unless they have been tried for a while.
pub async fn due(db: &Db, webhook: WebhookId, now: Timestamp, limit: i64) -> Result<Vec<Delivery>> {
    const SQL: &str = "
        SELECT * FROM webhook_deliveries
        WHERE webhook_id = $1 AND status = 'pending' AND due_at <= $2
          AND NOT EXISTS (
              SELECT 1 FROM webhook_deliveries AS earlier
              WHERE earlier.webhook_id = webhook_deliveries.webhook_id
                AND earlier.connection_id = webhook_deliveries.connection_id
                AND earlier.sequence < webhook_deliveries.sequence
                AND earlier.status = 'pending' AND earlier.attempts < $4)
        ORDER BY due_at, event_id LIMIT $3";
    db.all(SQL, binds![webhook, now, limit, PATIENT_ATTEMPTS]).await
}

/// Claims a delivery until `until`, if no other node has done so since it was read; returns whether
/// it did. A node that does not end it by then leaves it to the next one.
pub async fn claim(db: &Db, delivery: &mut Delivery, until: Timestamp) -> Result<bool> {
    const SQL: &str = "
        UPDATE webhook_deliveries SET attempts = $4, due_at = $5
        WHERE webhook_id = $1 AND event_id = $2 AND status = 'pending' AND attempts = $3";
    let seen = delivery.attempts;
    let next = delivery.attempts + 1;
    let binds = binds![delivery.webhook, delivery.event.as_str(), seen, next, until];
    let claimed = db.execute(SQL, binds).await? == 1;
    if claimed {
        (delivery.attempts, delivery.due_at) = (next, until);
    }
    Ok(claimed)
}

/// Writes how far a delivery got, and what it carries, if the claim that was read still holds;
/// returns whether it does.
pub async fn update(tx: &mut Tx, delivery: &Delivery) -> Result<bool> {
    const SQL: &str = "
        UPDATE webhook_deliveries
        SET status = $4, due_at = $5, answered = $6, failure = $7, ended_at = $8, reconnect = $9,
            reconnect_until = $10
        WHERE webhook_id = $1 AND event_id = $2 AND attempts = $3 AND status = 'pending'";
    let reconnect = delivery.reconnect;
    let binds = binds![
        delivery.webhook,
        delivery.event.as_str(),
        delivery.attempts,
        delivery.status,
        delivery.due_at,
        delivery.answered,
        &delivery.failure,
        delivery.ended_at,
        reconnect.map(|reconnect| reconnect.request),
        reconnect.map(|reconnect| reconnect.until),
    ];
    Ok(tx.execute(SQL, binds).await? == 1)
}

/// Gives up what is on its way to a webhook that was disabled.
pub async fn give_up(
    tx: &mut Tx,
    webhook: WebhookId,
    why: WebhookDisabled,
    now: Timestamp,
) -> Result<u64> {
    const SQL: &str = "
        UPDATE webhook_deliveries SET status = 'failed', failure = $2, ended_at = $3
        WHERE webhook_id = $1 AND status = 'pending'";
    let failure = format!("the webhook was disabled: {why}");
    tx.execute(SQL, binds![webhook, failure, now]).await
}

/// Returns what was and is on its way to a webhook, the latest first, those after the event `after`
/// and `limit` at most.
pub async fn of_webhook(
    db: &Db,
    (tenant, webhook): (Tenant, WebhookId),
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Delivery>> {
    const SQL: &str = "
        SELECT * FROM webhook_deliveries
        WHERE webhook_id = $3 AND project_id = $1 AND environment = $2
          AND ($4 = '' OR (occurred_at, event_id) < (
              SELECT last.occurred_at, last.event_id FROM webhook_deliveries AS last
              WHERE last.webhook_id = $3 AND last.event_id = $4))
        ORDER BY occurred_at DESC, event_id DESC LIMIT $5";
    let Tenant { project, environment } = tenant;
    let after = after.unwrap_or_default();
    db.all(SQL, binds![project, environment, webhook, after, limit]).await
}

/// Returns one delivery.
pub async fn find(
    db: &Db,
    (tenant, webhook): (Tenant, WebhookId),
    event: &str,
) -> Result<Option<Delivery>> {
    const SQL: &str = "
        SELECT * FROM webhook_deliveries
        WHERE webhook_id = $3 AND project_id = $1 AND environment = $2 AND event_id = $4";
    db.optional(SQL, binds![tenant.project, tenant.environment, webhook, event]).await
}

/// Returns how much is on its way.
pub async fn pending(db: &Db) -> Result<i64> {
    const SQL: &str = "
        SELECT COUNT(*) AS number FROM webhook_deliveries WHERE status = 'pending'";
    Ok(db.optional::<Count>(SQL, binds![]).await?.map_or(0, |Count(number)| number))
}

#[cfg(test)]
mod tests;
