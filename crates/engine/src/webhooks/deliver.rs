use std::time::Duration;

use astralform_catalog::destination;
use astralform_domain::{
    Actor, AuthReason, AuthRequest, ConnectionStatus, Delivery, Event, Owner, Reconnect,
    StatusChange, Webhook, WebhookDisabled, chain,
};
use astralform_egress::{Allowance, Answer, EgressError, Forbidden, Outgoing, Reach, Secrets};
use astralform_storage::{agents, auth_requests, connections, webhook_deliveries, webhooks};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::{DeliveryTurn, parsed, payload::payload, secrets::open_secret, signature::signature};
use crate::{
    Fault, Prompt,
    auth_requests::{OpenPromptError, Question, Wishes},
    credentials::Ask,
    webhooks::Deliveries,
};

const ALLOWANCE: Allowance =
    Allowance { reach: Reach::Network, within: Duration::from_secs(10), at_most: 1024 * 1024 };
/// How long an attempt has before another node makes the next: more than it can take.
const LEASE: Duration = Duration::from_secs(30);
/// How much is read of what is due at a time.
const AT_ONCE: i64 = 16;

/// How an attempt ended.
pub(super) type AttemptResult = Result<Answer, EgressError>;

impl Deliveries {
    /// Returns the webhooks at which something is due, each as often as this node may deliver to it
    /// at a time. To be called every half second.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn webhooks_due(&self) -> Result<Vec<DeliveryTurn>, Fault> {
        let due = webhook_deliveries::due_webhooks(&self.base.db, self.base.now()).await?;
        let turns = due.into_iter().flat_map(|due| {
            let wanted = usize::try_from(due.number).unwrap_or_default();
            self.streams.turns(due.webhook, wanted)
        });
        Ok(turns.collect())
    }

    /// Delivers what is due at a webhook, one after another.
    pub async fn deliver(&self, turn: DeliveryTurn) {
        if let Err(fault) = self.deliver_due(&turn).await {
            let error = chain(&fault);
            tracing::error!(webhook.id = %turn.webhook, error, "webhooks wait to be delivered");
        }
    }

    async fn deliver_due(&self, turn: &DeliveryTurn) -> Result<(), Fault> {
        loop {
            let now = self.base.now();
            let due = webhook_deliveries::due(&self.base.db, turn.webhook, now, AT_ONCE).await?;
            let mut was_any_ours = false;
            for delivery in due {
                was_any_ours |= self.deliver_one(delivery).await?;
            }
            if !was_any_ours {
                return Ok(());
            }
        }
    }

    /// Delivers one, unless another node does; returns whether it tried.
    pub(super) async fn deliver_one(&self, mut delivery: Delivery) -> Result<bool, Fault> {
        let until = self.base.now().after(LEASE);
        if !webhook_deliveries::claim(&self.base.db, &mut delivery, until).await? {
            return Ok(false);
        }
        let found = webhooks::find(&self.base.db, delivery.tenant, delivery.webhook).await?;
        let why = found.as_ref().map_or(Some(WebhookDisabled::Gone), |found| found.disabled);
        let (Some(webhook), None) = (found, why) else {
            let why = why.unwrap_or(WebhookDisabled::Gone);
            let mut tx = self.base.begin(Actor::Product).await?;
            webhook_deliveries::give_up(&mut tx, delivery.webhook, why, self.base.now()).await?;
            tx.commit().await?;
            return Ok(false);
        };
        let link = match &delivery.what {
            Event::StatusChanged(change) if change.new == ConnectionStatus::NeedsReauth => {
                let change = change.clone();
                self.reconnect_link(&mut delivery, &change).await?
            }
            _ => None,
        };
        let answered = match self.signed(&webhook, &delivery, link.as_deref()).await {
            Ok(request) if webhook.hosts.contains(&destination(&request.url)) => {
                self.egress.send(request, ALLOWANCE).await
            }
            // Its secret is bound to another host than that of its address.
            Ok(_) => Err(foreign_secret(&webhook)?),
            Err(fault) if fault.may_pass() => return Err(fault),
            Err(fault @ Fault::Integrity(_)) => {
                tracing::error!(webhook.id = %webhook.id, error = chain(&fault), "not signed");
                Err(foreign_secret(&webhook)?)
            }
            Err(fault) => return Err(fault),
        };
        self.settle_delivery(delivery, answered).await?;
        Ok(true)
    }

    async fn signed(
        &self,
        webhook: &Webhook,
        delivery: &Delivery,
        link: Option<&str>,
    ) -> Result<Outgoing, Fault> {
        let body = payload(delivery, link);
        let now = self.base.now();
        let timestamp = now.as_micros().div_euclid(1_000_000);
        let keys = self.base.keys_of(webhook.tenant.project).await?;
        let secret = open_secret(webhook, &webhook.secret, webhook.generation, &keys)?;
        let mut signatures = signature(&secret, &delivery.event, timestamp, &body)?;
        if let Some(previous) = webhook.previous.as_ref().filter(|previous| previous.until > now) {
            let generation = webhook.generation - 1;
            let secret = open_secret(webhook, &previous.secret, generation, &keys)?;
            signatures.push(' ');
            signatures.push_str(&signature(&secret, &delivery.event, timestamp, &body)?);
        }
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (header::CONTENT_TYPE, "application/json".to_owned()),
            (header::USER_AGENT, concat!("Astralform/", env!("CARGO_PKG_VERSION")).to_owned()),
            (HeaderName::from_static("webhook-id"), delivery.event.clone()),
            (HeaderName::from_static("webhook-timestamp"), timestamp.to_string()),
            (HeaderName::from_static("webhook-signature"), signatures),
        ] {
            let value = HeaderValue::try_from(value);
            let invalid = Fault::Inconsistent("a webhook's headers cannot be sent");
            headers.insert(name, value.map_err(|_| invalid)?);
        }
        let url = parsed(webhook)?;
        // Signatures are no secrets, and nothing but the status of the answer is looked at.
        let body = Bytes::from(body);
        let secrets = Secrets::none();
        Ok(Outgoing { method: Method::POST, url, headers, body, secrets })
    }

    /// Returns the link to reconnect that a delivery carries: the same at every attempt. None when
    /// the connection has been renewed or ended meanwhile, or its owner cannot renew it.
    async fn reconnect_link(
        &self,
        delivery: &mut Delivery,
        change: &StatusChange,
    ) -> Result<Option<String>, Fault> {
        if delivery.reconnect.is_none() {
            let Some(prompt) = self.prompt_again(delivery, change).await? else { return Ok(None) };
            let AuthRequest { id, expires_at, .. } = prompt.request;
            delivery.reconnect = Some(Reconnect { request: id, until: expires_at });
            let mut tx = self.base.begin(Actor::Product).await?;
            webhook_deliveries::update(&mut tx, delivery).await?;
            tx.commit().await?;
        }
        let Some(made) = &delivery.reconnect else { return Ok(None) };
        match auth_requests::find(&self.base.db, delivery.tenant, made.request).await? {
            Some(request) => Ok(Some(self.prompts.address_of_link(&request).await?)),
            None => Ok(None),
        }
    }

    async fn prompt_again(
        &self,
        delivery: &Delivery,
        change: &StatusChange,
    ) -> Result<Option<Prompt>, Fault> {
        let tenant = delivery.tenant;
        let found = connections::find(&self.base.db, tenant, change.connection).await?;
        let Some(connection) = found else { return Ok(None) };
        if connection.status() != ConnectionStatus::NeedsReauth {
            return Ok(None);
        }
        let Ok(ready) = self.connectors.load_ready(tenant, connection.project_connector).await?
        else {
            return Ok(None);
        };
        let may_renew = match connection.owner {
            Owner::EndUser(_) => ready.settings.allow_end_user_auth,
            Owner::Project | Owner::Member(_) => ready.connector.oauth.is_some(),
        };
        if !may_renew {
            return Ok(None);
        }
        let agent = agents::default_of(&self.base.db, tenant.project).await?;
        let agent = agent.ok_or(Fault::Inconsistent("a project has no default agent"))?.id;
        let ask = Ask::renewing(AuthReason::NeedsReauth, &connection, &ready.requested_scopes);
        let wishes = Wishes { return_url: None, life: Some(AuthRequest::LONGEST) };
        let owner = connection.owner;
        let asked = self.prompts.prompt_user(Question {
            by: Actor::Product,
            ready: &ready,
            owner,
            agent,
            ask,
            wishes,
            seen: None,
        });
        match asked.await {
            Ok(prompt) => Ok(Some(prompt)),
            Err(OpenPromptError::Unusable(_) | OpenPromptError::Outdated) => Ok(None),
            Err(OpenPromptError::Fault(fault)) => Err(fault),
        }
    }
}

fn foreign_secret(webhook: &Webhook) -> Result<EgressError, Fault> {
    Ok(Forbidden::foreign_secret(&parsed(webhook)?).into())
}
