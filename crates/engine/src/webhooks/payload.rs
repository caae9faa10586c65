use astralform_domain::{Delivery, Event, Reconnect, StatusChange, Timestamp};
use serde_json::{Value, json};

/// Returns what a webhook is told: the same at every attempt, with the link once it has been made.
pub(super) fn payload(delivery: &Delivery, link: Option<&str>) -> String {
    let Delivery { what, occurred_at, tenant, webhook, .. } = delivery;
    let mut data = match what {
        Event::Test => json!({"webhook_id": webhook}),
        Event::StatusChanged(change) => {
            let reconnect = delivery.reconnect.zip(link);
            status_changed(change, *occurred_at, reconnect)
        }
    };
    data["project_id"] = json!(tenant.project);
    data["environment"] = json!(tenant.environment);
    json!({"type": what.kind(), "timestamp": occurred_at, "data": data}).to_string()
}

fn status_changed(
    change: &StatusChange,
    occurred_at: Timestamp,
    reconnect: Option<(Reconnect, &str)>,
) -> Value {
    let reconnect = reconnect.map(|(made, url)| {
        json!({"auth_request_id": made.request, "url": url, "expires_at": made.until})
    });
    json!({
        "connection_id": change.connection,
        "connector": change.connector,
        "end_user_id": change.end_user,
        "old_status": change.old,
        "new_status": change.new,
        "reason": change.reason,
        "sequence": change.sequence,
        "occurred_at": occurred_at,
        "reconnect": reconnect,
    })
}
