use std::time::Duration;

use astralform_domain::{
    Actor, Delivery, DeliveryOutcome, DeliveryStatus, Timestamp, Webhook, WebhookDisabled,
};
use astralform_egress::{Answer, EgressError};
use astralform_storage::{webhook_deliveries, webhooks};
use http::StatusCode;

use super::{deliver::AttemptResult, schedule::next_attempt};
use crate::{Fault, webhooks::Deliveries};

impl Deliveries {
    /// Writes what became of an attempt.
    pub(super) async fn settle_delivery(
        &self,
        mut delivery: Delivery,
        answered: AttemptResult,
    ) -> Result<(), Fault> {
        let now = self.base.now();
        let outcome = outcome(&answered);
        delivery.answered = answered.as_ref().ok().map(|answer| answer.status.as_u16().into());
        delivery.failure = failure(outcome, &answered);
        if outcome == DeliveryOutcome::Delivered {
            delivery.status = DeliveryStatus::Delivered;
            delivery.ended_at = Some(now);
        } else {
            let [chance] = self.base.entropy.bytes();
            if let Some(delay) = next_attempt(delivery.attempts, asked(&answered, now), chance) {
                delivery.due_at = now.after(delay);
            } else {
                (delivery.status, delivery.ended_at) = (DeliveryStatus::Failed, Some(now));
            }
        }
        let mut tx = self.base.begin(Actor::Product).await?;
        let locked = webhooks::lock(&mut tx, delivery.tenant, delivery.webhook).await?;
        let Some(mut webhook) = locked else { return Ok(()) };
        let was_disabled = webhook.disabled.is_some();
        webhook_deliveries::update(&mut tx, &delivery).await?;
        if note(&mut webhook, outcome, now) {
            webhooks::update(&mut tx, &webhook).await?;
        }
        if let Some(why) = webhook.disabled.filter(|_| !was_disabled) {
            webhook_deliveries::give_up(&mut tx, webhook.id, why, now).await?;
            tracing::warn!(webhook.id = %webhook.id, reason = %why, "webhook disabled");
        }
        tx.commit().await?;
        self.base.metrics.delivered(outcome);
        let id = delivery.webhook;
        let event = &delivery.event;
        let attempt = delivery.attempts;
        let status = delivery.answered;
        tracing::info!(webhook.id = %id, event.id = %event, attempt, status, %outcome, "webhook");
        Ok(())
    }
}

/// Notes what an attempt says about its webhook, and returns whether that is new.
fn note(webhook: &mut Webhook, outcome: DeliveryOutcome, now: Timestamp) -> bool {
    if outcome == DeliveryOutcome::Delivered {
        return webhook.failing_since.take().is_some();
    }
    let was_known = webhook.failing_since.is_some();
    let since = *webhook.failing_since.get_or_insert(now);
    if outcome == DeliveryOutcome::Gone {
        webhook.disabled = Some(WebhookDisabled::Gone);
    } else if since.until(now) >= Webhook::PATIENCE {
        webhook.disabled = Some(WebhookDisabled::Failing);
    }
    !was_known || webhook.disabled.is_some()
}

fn outcome(answered: &AttemptResult) -> DeliveryOutcome {
    match answered {
        Ok(answer) if answer.status.is_success() => DeliveryOutcome::Delivered,
        Ok(answer) if answer.status == StatusCode::GONE => DeliveryOutcome::Gone,
        Ok(_) => DeliveryOutcome::Refused,
        Err(_) => DeliveryOutcome::Unanswered,
    }
}

/// Describes a failure for the member who looks why nothing arrives. What the receiver said is not
/// kept.
fn failure(outcome: DeliveryOutcome, answered: &AttemptResult) -> Option<String> {
    let why = match answered {
        _ if outcome == DeliveryOutcome::Delivered => return None,
        Ok(Answer { status, .. }) if status.is_redirection() => {
            format!("it answered {}; redirects are not followed", status.as_u16())
        }
        Ok(Answer { status, .. }) => format!("it answered {}", status.as_u16()),
        Err(error @ (EgressError::Forbidden(_) | EgressError::Untrusted(_))) => error.to_string(),
        Err(EgressError::Unreachable(_)) => "no connection could be made".to_owned(),
        Err(EgressError::NoAnswer(_)) => "the connection ended without an answer".to_owned(),
        Err(EgressError::TimedOut) => "no answer came within 10 seconds".to_owned(),
        Err(EgressError::TooLarge) => "its answer is larger than 1 MiB".to_owned(),
    };
    Some(why)
}

/// Returns for how long the receiver wants no delivery.
fn asked(answered: &AttemptResult, now: Timestamp) -> Option<Duration> {
    answered.as_ref().ok()?.retry_after(now)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::*;

    #[test]
    fn a_receiver_may_ask_for_time_until_a_date() {
        let mut headers = HeaderMap::new();
        let date = HeaderValue::from_static("Fri, 15 Jan 2027 08:01:30 GMT");
        headers.insert(header::RETRY_AFTER, date);
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let first_byte = Duration::ZERO;
        let answered = Ok(Answer { status, headers, body: bytes::Bytes::new(), first_byte });
        let now = Timestamp::from_secs(1_800_000_000);
        assert_eq!(asked(&answered, now), Some(Duration::from_secs(90)));
    }
}
