//! Where environments are told what happens to their connections.

use astralform_domain::{Retired, Tenant, Webhook, WebhookId};

use crate::{
    Db, Result, Tx,
    bind::{binds, json},
    db::{Row, Run},
    row::Record,
};

/// The table, for bindings.
pub const TABLE: &str = "webhooks";

impl Record for Webhook {
    fn read(row: &Row) -> Result<Self> {
        let previous = row.optional_sealed("previous_secret")?;
        let until = row.optional_time("previous_secret_until")?;
        Ok(Self {
            id: row.parse("id")?,
            tenant: row.tenant()?,
            url: row.text("url")?,
            hosts: row.json("hosts")?,
            secret: row.sealed("secret")?,
            generation: row.int("generation")?,
            previous: previous.zip(until).map(|(secret, until)| Retired { secret, until }),
            disabled: row.optional_parse("disabled")?,
            failing_since: row.optional_time("failing_since")?,
            created_at: row.time("created_at")?,
        })
    }
}

/// Stores a new webhook.
pub async fn create(tx: &mut Tx, new: &Webhook) -> Result<()> {
    const SQL: &str = "
        INSERT INTO webhooks
            (id, project_id, environment, url, secret, generation, created_at, hosts)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let Tenant { project, environment } = new.tenant;
    let binds = binds![
        new.id,
        project,
        environment,
        new.url.as_str(),
        &new.secret,
        new.generation,
        new.created_at,
        json(&new.hosts),
    ];
    tx.execute(SQL, binds).await?;
    Ok(())
}

/// Returns the webhooks of an environment, the oldest first.
pub async fn of_environment(db: impl Run, tenant: Tenant) -> Result<Vec<Webhook>> {
    const SQL: &str = "
        SELECT * FROM webhooks WHERE project_id = $1 AND environment = $2 ORDER BY id";
    db.all(SQL, binds![tenant.project, tenant.environment]).await
}

/// Returns the webhook of that id.
pub async fn find(db: &Db, tenant: Tenant, id: WebhookId) -> Result<Option<Webhook>> {
    const SQL: &str = "
        SELECT * FROM webhooks WHERE project_id = $1 AND environment = $2 AND id = $3";
    db.optional(SQL, binds![tenant.project, tenant.environment, id]).await
}

/// Finds it, locked until the transaction ends: what is changed of it is changed one after another.
pub async fn lock(tx: &mut Tx, tenant: Tenant, id: WebhookId) -> Result<Option<Webhook>> {
    const SQL: &str = "
        UPDATE webhooks SET generation = generation
        WHERE project_id = $1 AND environment = $2 AND id = $3
        RETURNING *";
    tx.returning(SQL, binds![tenant.project, tenant.environment, id]).await
}

/// Replaces what can change of a webhook.
pub async fn update(tx: &mut Tx, webhook: &Webhook) -> Result<()> {
    const SQL: &str = "
        UPDATE webhooks
        SET url = $4, secret = $5, generation = $6, previous_secret = $7,
            previous_secret_until = $8, disabled = $9, failing_since = $10, hosts = $11
        WHERE project_id = $1 AND environment = $2 AND id = $3";
    let previous = webhook.previous.as_ref();
    let binds = binds![
        webhook.tenant.project,
        webhook.tenant.environment,
        webhook.id,
        webhook.url.as_str(),
        &webhook.secret,
        webhook.generation,
        previous.map(|previous| &previous.secret),
        previous.map(|previous| previous.until),
        webhook.disabled,
        webhook.failing_since,
        json(&webhook.hosts),
    ];
    tx.execute(SQL, binds).await?;
    Ok(())
}

/// Forgets a webhook and what was on its way to it; returns whether there was one.
pub async fn delete(tx: &mut Tx, tenant: Tenant, id: WebhookId) -> Result<bool> {
    const DELIVERIES: &str = "
        DELETE FROM webhook_deliveries
        WHERE webhook_id = $3 AND project_id = $1 AND environment = $2";
    const SQL: &str = "
        DELETE FROM webhooks WHERE project_id = $1 AND environment = $2 AND id = $3";
    tx.execute(DELIVERIES, binds![tenant.project, tenant.environment, id]).await?;
    Ok(tx.execute(SQL, binds![tenant.project, tenant.environment, id]).await? == 1)
}

#[cfg(test)]
mod tests;
