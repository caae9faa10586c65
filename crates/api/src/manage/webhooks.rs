use astralform_domain::{
    ConnectionId, ConnectionStatus, Delivery, DeliveryStatus, Environment, Event, Secret,
    StatusReason, Timestamp, Webhook, WebhookDisabled, WebhookId,
};
use astralform_engine::webhooks::WebhookChanges;
use astralform_management::Right;
use astralform_surface::{
    App, Problem,
    auth::InEnvironment,
    body::{Body, Keyed, Path, Query},
    idempotency::{IdempotencyScope, IdempotentAnswer, made_once},
};
use axum::{Json, extract::State, response::NoContent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::page::{PageQuery, PageView};
/// Where an environment is told what happens to its connections.
#[derive(Serialize, JsonSchema)]
pub(crate) struct WebhookView {
    /// Its id.
    id: WebhookId,
    /// The environment it belongs to.
    environment: Environment,
    /// Where it is.
    url: String,
    /// Whether anything is delivered to it.
    is_enabled: bool,
    /// Why nothing is.
    disabled_reason: Option<WebhookDisabled>,
    /// Since when it has taken nothing; null while it takes what is delivered.
    failing_since: Option<Timestamp>,
    /// Until when the secret before the present one signs as well.
    previous_secret_until: Option<Timestamp>,
    /// When it was made.
    created_at: Timestamp,
}

/// A webhook with a secret that is not shown again.
#[derive(Serialize, JsonSchema)]
pub(crate) struct WebhookSecretView {
    /// The webhook.
    webhook: WebhookView,
    /// What its deliveries are signed with, as Standard Webhooks spells it.
    secret: String,
}

/// An event on its way to a webhook.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DeliveryView {
    /// The event's id, as in the header `webhook-id`.
    event_id: String,
    /// The event's type.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The connection it tells of.
    connection_id: Option<ConnectionId>,
    /// What that one was.
    old_status: Option<ConnectionStatus>,
    /// What it is since.
    new_status: Option<ConnectionStatus>,
    /// Why.
    reason: Option<StatusReason>,
    /// When it happened.
    occurred_at: Timestamp,
    /// How far the delivery got.
    status: DeliveryStatus,
    /// How often it was tried.
    attempts: i64,
    /// The HTTP status of the last answer.
    last_answer: Option<i64>,
    /// Why the last attempt failed.
    last_failure: Option<String>,
    /// When it is tried next; null when nothing more is tried.
    next_attempt_at: Option<Timestamp>,
    /// When it was delivered, or given up.
    ended_at: Option<Timestamp>,
}

/// Where to deliver.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CreateWebhook")]
pub(crate) struct WebhookCreateRequest {
    /// An https address; private networks only where the operator allows them.
    #[schemars(length(max = 2048))]
    url: String,
}

/// What is to change of a webhook; what is left out stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WebhookChange")]
pub(crate) struct WebhookChangeRequest {
    /// Another address.
    url: Option<String>,
    /// `false` pauses it: what happens meanwhile is not told afterwards, and what was on its way
    /// is given up. `true` also ends what it was disabled for.
    is_enabled: Option<bool>,
}

/// What names a webhook in a path.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct WebhookPath {
    /// The webhook's id.
    id: WebhookId,
}

pub(crate) async fn list(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
) -> Result<Json<PageView<WebhookView>>, Problem> {
    let found = app.management().webhooks.list(&by, environment).await?;
    Ok(Json(PageView::whole(found.into_iter().map(Into::into).collect())))
}

pub(crate) async fn create(
    State(app): State<App>,
    InEnvironment { by, administrator, environment }: InEnvironment,
    sent: Keyed<WebhookCreateRequest>,
) -> Result<IdempotentAnswer<WebhookSecretView, 201>, Problem> {
    let tenant = by.may(Right::Look)?.tenant(environment);
    let route = "POST /v1/projects/{project}/webhooks";
    let scope = IdempotencyScope::of_member(administrator, tenant, route);
    let work = app.clone();
    made_once(&app, sent, scope, move |WebhookCreateRequest { url }| async move {
        Ok(work.management().webhooks.create(&by, environment, &url).await?.into())
    })
    .await
}

pub(crate) async fn show(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Path(WebhookPath { id }): Path<WebhookPath>,
) -> Result<Json<WebhookView>, Problem> {
    Ok(Json(app.management().webhooks.find(&by, environment, id).await?.into()))
}

pub(crate) async fn change(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Path(WebhookPath { id }): Path<WebhookPath>,
    Body(WebhookChangeRequest { url, is_enabled }): Body<WebhookChangeRequest>,
) -> Result<Json<WebhookView>, Problem> {
    let changes = WebhookChanges { url, is_enabled };
    let webhook = app.management().webhooks.change(&by, environment, id, changes).await?;
    Ok(Json(webhook.into()))
}

pub(crate) async fn delete(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Path(WebhookPath { id }): Path<WebhookPath>,
) -> Result<NoContent, Problem> {
    app.management().webhooks.delete(&by, environment, id).await?;
    Ok(NoContent)
}

pub(crate) async fn rotate_secret(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Path(WebhookPath { id }): Path<WebhookPath>,
) -> Result<Json<WebhookSecretView>, Problem> {
    let rotated = app.management().webhooks.rotate_secret(&by, environment, id).await?;
    Ok(Json(rotated.into()))
}

pub(crate) async fn test(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Path(WebhookPath { id }): Path<WebhookPath>,
) -> Result<Json<DeliveryView>, Problem> {
    Ok(Json(app.management().webhooks.test(&by, environment, id).await?.into()))
}

pub(crate) async fn deliveries(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Path(WebhookPath { id }): Path<WebhookPath>,
    Query(page): Query<PageQuery<String>>,
) -> Result<Json<PageView<DeliveryView>>, Problem> {
    let after = page.cursor.as_deref();
    let webhooks = &app.management().webhooks;
    let found = webhooks.deliveries(&by, environment, id, after, page.one_more()).await?;
    Ok(Json(page.view(found, |delivery| delivery.event.clone())))
}

impl From<Webhook> for WebhookView {
    fn from(webhook: Webhook) -> Self {
        Self {
            id: webhook.id,
            environment: webhook.tenant.environment,
            url: webhook.url,
            is_enabled: webhook.disabled.is_none(),
            disabled_reason: webhook.disabled,
            failing_since: webhook.failing_since,
            previous_secret_until: webhook.previous.map(|previous| previous.until),
            created_at: webhook.created_at,
        }
    }
}

impl From<(Webhook, Secret)> for WebhookSecretView {
    fn from((webhook, secret): (Webhook, Secret)) -> Self {
        Self { webhook: webhook.into(), secret: secret.expose().to_owned() }
    }
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        let kind = delivery.what.kind();
        let change = match delivery.what {
            Event::StatusChanged(change) => Some(change),
            Event::Test => None,
        };
        let is_open = delivery.status == DeliveryStatus::Pending;
        Self {
            event_id: delivery.event,
            kind,
            connection_id: change.as_ref().map(|change| change.connection),
            old_status: change.as_ref().and_then(|change| change.old),
            new_status: change.as_ref().map(|change| change.new),
            reason: change.and_then(|change| change.reason),
            occurred_at: delivery.occurred_at,
            status: delivery.status,
            attempts: delivery.attempts,
            last_answer: delivery.answered,
            last_failure: delivery.failure,
            next_attempt_at: is_open.then_some(delivery.due_at),
            ended_at: delivery.ended_at,
        }
    }
}
