//! Webhooks of a project, for those who administer it.

use std::sync::Arc;

use astralform_domain::{Delivery, Environment, Secret, Webhook, WebhookId};
use astralform_engine::{
    Engine, Fault,
    webhooks::{WebhookChanges, WebhookError, Webhooks as EngineWebhooks},
};

use crate::{Denied, ProjectActor, policy::Right};

/// Shows, makes, changes, tests and deletes webhooks.
#[derive(Clone)]
pub struct Webhooks {
    webhooks: Arc<EngineWebhooks>,
}

impl Webhooks {
    pub(crate) fn new(engine: &Engine) -> Self {
        Self { webhooks: Arc::clone(&engine.webhooks) }
    }

    /// Returns the webhooks of an environment, the oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list(
        &self,
        by: &ProjectActor,
        environment: Environment,
    ) -> Result<Vec<Webhook>, Denied<Fault>> {
        let tenant = by.may(Right::Look)?.tenant(environment);
        self.webhooks.webhooks(tenant).await.map_err(Denied::Refused)
    }

    /// Returns a webhook.
    ///
    /// # Errors
    /// When there is none of that id.
    pub async fn find(
        &self,
        by: &ProjectActor,
        environment: Environment,
        id: WebhookId,
    ) -> Result<Webhook, Denied<WebhookError>> {
        let tenant = by.may(Right::Look)?.tenant(environment);
        self.webhooks.webhook(tenant, id).await.map_err(Denied::Refused)
    }

    /// Makes a webhook, and returns the secret that its deliveries are signed with.
    ///
    /// # Errors
    /// When nothing can be delivered there, or the environment has too many.
    pub async fn create(
        &self,
        by: &ProjectActor,
        environment: Environment,
        url: &str,
    ) -> Result<(Webhook, Secret), Denied<WebhookError>> {
        let permit = by.may(Right::Webhooks)?;
        let tenant = permit.tenant(environment);
        let made = self.webhooks.create_webhook(permit.actor, tenant, url).await;
        made.map_err(Denied::Refused)
    }

    /// Changes a webhook.
    ///
    /// # Errors
    /// When there is none, or nothing can be delivered there.
    pub async fn change(
        &self,
        by: &ProjectActor,
        environment: Environment,
        id: WebhookId,
        changes: WebhookChanges,
    ) -> Result<Webhook, Denied<WebhookError>> {
        let permit = by.may(Right::Webhooks)?;
        let tenant = permit.tenant(environment);
        let done = self.webhooks.change_webhook(permit.actor, tenant, id, changes).await;
        done.map_err(Denied::Refused)
    }

    /// Deletes a webhook, and forgets what was on its way to it.
    ///
    /// # Errors
    /// When there is none.
    pub async fn delete(
        &self,
        by: &ProjectActor,
        environment: Environment,
        id: WebhookId,
    ) -> Result<(), Denied<WebhookError>> {
        let permit = by.may(Right::Webhooks)?;
        let tenant = permit.tenant(environment);
        let deleted = self.webhooks.delete_webhook(permit.actor, tenant, id).await;
        deleted.map_err(Denied::Refused)
    }

    /// Gives a webhook another secret.
    ///
    /// # Errors
    /// When there is none, or it was given another less than a day ago.
    pub async fn rotate_secret(
        &self,
        by: &ProjectActor,
        environment: Environment,
        id: WebhookId,
    ) -> Result<(Webhook, Secret), Denied<WebhookError>> {
        let permit = by.may(Right::Webhooks)?;
        let tenant = permit.tenant(environment);
        let rotated = self.webhooks.rotate_webhook_secret(permit.actor, tenant, id).await;
        rotated.map_err(Denied::Refused)
    }

    /// Delivers a test event at once, and returns what became of it.
    ///
    /// # Errors
    /// When there is no such webhook, or it is disabled.
    pub async fn test(
        &self,
        by: &ProjectActor,
        environment: Environment,
        id: WebhookId,
    ) -> Result<Delivery, Denied<WebhookError>> {
        let permit = by.may(Right::Webhooks)?;
        let tenant = permit.tenant(environment);
        self.webhooks.test_webhook(permit.actor, tenant, id).await.map_err(Denied::Refused)
    }

    /// Returns what was and is on its way to a webhook, the latest first, those after the event
    /// `after` and `limit` at most.
    ///
    /// # Errors
    /// When there is no such webhook.
    pub async fn deliveries(
        &self,
        by: &ProjectActor,
        environment: Environment,
        id: WebhookId,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Delivery>, Denied<WebhookError>> {
        let tenant = by.may(Right::Look)?.tenant(environment);
        let found = self.webhooks.webhook_deliveries(tenant, id, after, limit).await;
        found.map_err(Denied::Refused)
    }
}
