use std::time::Duration;

use crate::{
    AuthRequestId, ConnectionId, ConnectionStatus, EndUserId, HostSet, Retired, Sealed,
    StatusReason, Tenant, Timestamp, WebhookId, text_enum::text_enum,
};

/// Where an environment of a project is told what happens to its connections.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// The project and environment it belongs to.
    pub tenant: Tenant,
    /// Where it is.
    pub url: String,
    /// The host of that, to which its secret is bound.
    pub hosts: HostSet,
    /// What its deliveries are signed with.
    pub secret: Sealed,
    /// Counts the secrets, and the hosts they are bound to.
    pub generation: i64,
    /// The secret before this one; its generation is the one before.
    pub previous: Option<Retired>,
    /// Why nothing is delivered to it, where nothing is.
    pub disabled: Option<WebhookDisabled>,
    /// Since when it has taken nothing.
    pub failing_since: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

text_enum! {
    /// Why nothing is delivered to a webhook.
    WebhookDisabled("reason to disable a webhook") {
        /// A member paused it.
        Paused = "paused",
        /// It answered 410 Gone.
        Gone = "gone",
        /// It has taken nothing for five days.
        Failing = "failing",
    }
}

text_enum! {
    /// How far the delivery of an event to a webhook got.
    DeliveryStatus("delivery status") {
        /// To be delivered, or delivered again.
        Pending = "pending",
        /// The webhook took it.
        Delivered = "delivered",
        /// It was tried for as long as it is tried, or the webhook was disabled.
        Failed = "failed",
    }
}

/// An event on its way to a webhook.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The event's id, the same at every webhook and at every attempt.
    pub event: String,
    /// Where it goes.
    pub webhook: WebhookId,
    /// The project and environment it belongs to.
    pub tenant: Tenant,
    /// What happened.
    pub what: Event,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// How far it got.
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next, and until when the node that tries it now has it.
    pub due_at: Timestamp,
    /// The HTTP status of the last answer.
    pub answered: Option<i64>,
    /// Why the last attempt failed.
    pub failure: Option<String>,
    /// When it was delivered, or given up.
    pub ended_at: Option<Timestamp>,
    /// The prompt to reconnect that it carries, once it has been made.
    pub reconnect: Option<Reconnect>,
}

/// A prompt to reconnect, as an event carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconnect {
    /// The prompt.
    pub request: AuthRequestId,
    /// Until when its link waited when it was made.
    pub until: Timestamp,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A member tries the webhook.
    Test,
    /// The status of a connection changed.
    StatusChanged(StatusChange),
}

/// A change of a connection's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusChange {
    /// The connection.
    pub connection: ConnectionId,
    /// What it is connected to.
    pub connector: String,
    /// The end user whose it is; none where the project shares it.
    pub end_user: Option<EndUserId>,
    /// What it was; nothing when it has just been made.
    pub old: Option<ConnectionStatus>,
    /// What it is now.
    pub new: ConnectionStatus,
    /// Why.
    pub reason: Option<StatusReason>,
    /// How many changes there were of this connection's status, this one included.
    pub sequence: i64,
}

impl Webhook {
    /// How long a replaced secret still signs, beside the new one.
    pub const OVERLAP: Duration = Duration::from_hours(24);

    /// For how long it may take nothing before it is disabled.
    pub const PATIENCE: Duration = Duration::from_hours(5 * 24);
}

impl Event {
    /// Returns the event's type, as receivers tell events apart.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Test => "webhook.test",
            Self::StatusChanged(_) => "connection.status_changed",
        }
    }
}
