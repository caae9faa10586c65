//! Where environments are told what happens to their connections (Standard Webhooks 1.0).
//!
//! The events are written by `astralform_storage` in the transaction of the change that they
//! report; here webhooks are managed, and what is due is delivered (`deliver`): at least once, the
//! events of a connection one after another as long as that is sensible, each webhook by itself.

mod deliver;
mod error;
mod payload;
mod schedule;
pub(crate) mod secrets;
mod settle;
mod signature;
mod streams;

use std::sync::Arc;

use astralform_domain::{
    Actor, Delivery, Retired, Secret, Tenant, Webhook, WebhookDisabled, WebhookId, limits,
};
use astralform_egress::Egress;
use astralform_storage::{projects, webhook_deliveries, webhooks};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use url::Url;

use crate::{Fault, audit::Event, auth_requests::Prompts, base::Base, connectors::Connectors};
pub use error::WebhookError;
use secrets::hosts_of;
pub use streams::DeliveryTurn;
pub(crate) use streams::Streams;

/// What may be changed of a webhook; what is left out stays.
#[derive(Default)]
pub struct WebhookChanges {
    /// Where it is.
    pub url: Option<String>,
    /// Whether anything is delivered to it.
    pub is_enabled: Option<bool>,
}

const SECRET: &str = "whsec_";

/// Webhooks, as members manage them.
#[derive(Clone)]
pub struct Webhooks {
    base: Arc<Base>,
    egress: Egress,
    deliveries: Arc<Deliveries>,
}

impl Webhooks {
    pub(crate) fn new(base: &Arc<Base>, egress: &Egress, deliveries: &Arc<Deliveries>) -> Self {
        Self { base: Arc::clone(base), egress: egress.clone(), deliveries: Arc::clone(deliveries) }
    }

    /// Returns the webhooks of an environment, the oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn webhooks(&self, tenant: Tenant) -> Result<Vec<Webhook>, Fault> {
        Ok(webhooks::of_environment(&self.base.db, tenant).await?)
    }

    /// Returns the webhook of that id.
    ///
    /// # Errors
    /// When there is none.
    pub async fn webhook(&self, tenant: Tenant, id: WebhookId) -> Result<Webhook, WebhookError> {
        let found = webhooks::find(&self.base.db, tenant, id).await.map_err(Fault::from)?;
        found.ok_or(WebhookError::Unknown)
    }

    /// Makes a webhook, and the secret that its deliveries are signed with.
    ///
    /// # Errors
    /// When nothing can be delivered there, or there are too many.
    pub async fn create_webhook(
        &self,
        by: Actor,
        tenant: Tenant,
        url: &str,
    ) -> Result<(Webhook, Secret), WebhookError> {
        let url = self.deliverable(url).await?;
        let id = WebhookId::new(&self.base.clock, &self.base.entropy);
        let generation = 1;
        let secret = self.fresh_secret();
        let hosts = hosts_of(&url);
        let keys = self.base.keys_of(tenant.project).await?;
        let webhook = Webhook {
            id,
            tenant,
            secret: self.seal_secret((tenant, id), (generation, &hosts), &secret, &keys),
            url: url.into(),
            hosts,
            generation,
            previous: None,
            disabled: None,
            failing_since: None,
            created_at: self.base.now(),
        };
        let chain = self.base.project_chain(tenant.project).await?;
        let mut tx = self.base.begin(by).await.map_err(Fault::from)?;
        // Two that are made at once count each other.
        projects::lock_environment(&mut tx, tenant).await.map_err(Fault::from)?;
        let known = webhooks::of_environment(&mut tx, tenant).await.map_err(Fault::from)?;
        if limits::WEBHOOKS.is_exceeded_by(known.len() + 1) {
            return Err(WebhookError::TooMany);
        }
        webhooks::create(&mut tx, &webhook).await.map_err(Fault::from)?;
        let event = Event::new("webhook.created", id).within(tenant.environment);
        chain.record(&mut tx, &event.with("after", recorded(&webhook))).await?;
        tx.commit().await.map_err(Fault::from)?;
        tracing::info!(webhook.id = %id, "webhook made");
        Ok((webhook, secret))
    }

    /// Changes a webhook. A disabled webhook is not told what happens meanwhile.
    ///
    /// # Errors
    /// When there is none, or nothing can be delivered there.
    pub async fn change_webhook(
        &self,
        by: Actor,
        tenant: Tenant,
        id: WebhookId,
        changes: WebhookChanges,
    ) -> Result<Webhook, WebhookError> {
        let url = match &changes.url {
            Some(url) => Some(self.deliverable(url).await?),
            None => None,
        };
        let keys = self.base.keys_of(tenant.project).await?;
        let chain = self.base.project_chain(tenant.project).await?;
        let mut tx = self.base.begin(by).await.map_err(Fault::from)?;
        let found = webhooks::lock(&mut tx, tenant, id).await.map_err(Fault::from)?;
        let mut webhook = found.ok_or(WebhookError::Unknown)?;
        let before = recorded(&webhook);
        if let Some(url) = url {
            self.move_to(&mut webhook, &url, &keys)?;
        }
        match changes.is_enabled {
            Some(true) => (webhook.disabled, webhook.failing_since) = (None, None),
            Some(false) if webhook.disabled.is_none() => {
                let why = WebhookDisabled::Paused;
                let now = self.base.now();
                webhook.disabled = Some(why);
                let ended = webhook_deliveries::give_up(&mut tx, id, why, now).await;
                ended.map_err(Fault::from)?;
            }
            _ => {}
        }
        webhooks::update(&mut tx, &webhook).await.map_err(Fault::from)?;
        let event = Event::new("webhook.changed", id).within(tenant.environment);
        chain.record(&mut tx, &event.changing(&before, &recorded(&webhook))).await?;
        tx.commit().await.map_err(Fault::from)?;
        Ok(webhook)
    }

    /// Forgets a webhook, and what was on its way to it.
    ///
    /// # Errors
    /// When there is none.
    pub async fn delete_webhook(
        &self,
        by: Actor,
        tenant: Tenant,
        id: WebhookId,
    ) -> Result<(), WebhookError> {
        let chain = self.base.project_chain(tenant.project).await?;
        let mut tx = self.base.begin(by).await.map_err(Fault::from)?;
        let locked = webhooks::lock(&mut tx, tenant, id).await.map_err(Fault::from)?;
        locked.ok_or(WebhookError::Unknown)?;
        webhooks::delete(&mut tx, tenant, id).await.map_err(Fault::from)?;
        let event = Event::new("webhook.deleted", id).within(tenant.environment);
        chain.record(&mut tx, &event).await?;
        Ok(tx.commit().await.map_err(Fault::from)?)
    }

    /// Gives a webhook another secret. For a day, the one before signs as well, and no third one is
    /// made: receivers may still use it.
    ///
    /// # Errors
    /// When there is none, or it was given another less than a day ago.
    pub async fn rotate_webhook_secret(
        &self,
        by: Actor,
        tenant: Tenant,
        id: WebhookId,
    ) -> Result<(Webhook, Secret), WebhookError> {
        let secret = self.fresh_secret();
        let keys = self.base.keys_of(tenant.project).await?;
        let chain = self.base.project_chain(tenant.project).await?;
        let mut tx = self.base.begin(by).await.map_err(Fault::from)?;
        let found = webhooks::lock(&mut tx, tenant, id).await.map_err(Fault::from)?;
        let mut webhook = found.ok_or(WebhookError::Unknown)?;
        let now = self.base.now();
        if let Some(before) = webhook.previous.as_ref().filter(|before| before.until > now) {
            return Err(WebhookError::RotatedLately(before.until));
        }
        let until = now.after(Webhook::OVERLAP);
        webhook.generation += 1;
        let place = (webhook.generation, &webhook.hosts);
        let sealed = self.seal_secret((tenant, id), place, &secret, &keys);
        let retired = std::mem::replace(&mut webhook.secret, sealed);
        webhook.previous = Some(Retired { secret: retired, until });
        webhooks::update(&mut tx, &webhook).await.map_err(Fault::from)?;
        let event = Event::new("webhook.secret_rotated", id).within(tenant.environment);
        chain.record(&mut tx, &event).await?;
        tx.commit().await.map_err(Fault::from)?;
        tracing::info!(webhook.id = %id, "webhook has another secret");
        Ok((webhook, secret))
    }

    /// Delivers a test event at once, and returns what became of it.
    ///
    /// # Errors
    /// When there is no such webhook, or it is disabled.
    pub async fn test_webhook(
        &self,
        by: Actor,
        tenant: Tenant,
        id: WebhookId,
    ) -> Result<Delivery, WebhookError> {
        let place = (tenant, id);
        if let Some(why) = self.webhook(tenant, id).await?.disabled {
            return Err(WebhookError::Disabled(why));
        }
        let event = self.new_event();
        let mut tx = self.base.begin(by).await.map_err(Fault::from)?;
        let added = webhook_deliveries::add_test(&mut tx, place, &event, self.base.now()).await;
        added.map_err(Fault::from)?;
        tx.commit_unrecorded().await.map_err(Fault::from)?;
        let made =
            webhook_deliveries::find(&self.base.db, place, &event).await.map_err(Fault::from)?;
        self.deliveries.deliver_one(made.ok_or(WebhookError::Unknown)?).await?;
        let ended =
            webhook_deliveries::find(&self.base.db, place, &event).await.map_err(Fault::from)?;
        ended.ok_or(WebhookError::Unknown)
    }

    /// Returns what was and is on its way to a webhook, the latest first, those after the event
    /// `after` and `limit` at most.
    ///
    /// # Errors
    /// When there is no such webhook.
    pub async fn webhook_deliveries(
        &self,
        tenant: Tenant,
        id: WebhookId,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Delivery>, WebhookError> {
        self.webhook(tenant, id).await?;
        let found = webhook_deliveries::of_webhook(&self.base.db, (tenant, id), after, limit).await;
        Ok(found.map_err(Fault::from)?)
    }

    fn new_event(&self) -> String {
        format!("evt_{}", URL_SAFE_NO_PAD.encode(self.base.entropy.bytes::<16>()))
    }

    async fn deliverable(&self, text: &str) -> Result<Url, WebhookError> {
        let url = Url::parse(text).map_err(|_| WebhookError::BadUrl)?;
        let is_sound = !limits::WEBHOOK_URL.is_exceeded_by(text.len())
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none();
        if !is_sound {
            return Err(WebhookError::BadUrl);
        }
        self.egress.check(&url).await?;
        Ok(url)
    }
}

fn parsed(webhook: &Webhook) -> Result<Url, Fault> {
    Url::parse(&webhook.url).map_err(|_| Fault::Inconsistent("a webhook's address is none"))
}

/// Delivers what webhooks are to be told.
#[derive(Clone)]
pub struct Deliveries {
    base: Arc<Base>,
    egress: Egress,
    streams: Arc<Streams>,
    prompts: Arc<Prompts>,
    connectors: Arc<Connectors>,
}

impl Deliveries {
    pub(crate) fn new(
        base: &Arc<Base>,
        egress: &Egress,
        streams: &Arc<Streams>,
        prompts: &Arc<Prompts>,
        connectors: &Arc<Connectors>,
    ) -> Self {
        Self {
            base: Arc::clone(base),
            egress: egress.clone(),
            streams: Arc::clone(streams),
            prompts: Arc::clone(prompts),
            connectors: Arc::clone(connectors),
        }
    }
}
/// Returns a webhook as the audit log has it.
fn recorded(webhook: &Webhook) -> Value {
    json!({"url": webhook.url, "disabled": webhook.disabled})
}
