use std::time::Duration;

use astralform_domain::{CallLine, CallOutcome, Timestamp};
use serde_json::{Value, json};

/// The kinds of spans (OTLP, `Span.SpanKind`).
const INTERNAL: u8 = 1;
const SERVER: u8 = 2;
const CLIENT: u8 = 3;

/// `Status.StatusCode.STATUS_CODE_ERROR`.
const ERROR: u8 = 2;

/// Returns the body of a request that tells of calls (`ExportTraceServiceRequest`).
pub(super) fn request(lines: &[CallLine], node: &str) -> String {
    let spans: Vec<_> = lines.iter().flat_map(spans_of).collect();
    json!({"resourceSpans": [{
        "resource": {"attributes": [
            text("service.name", "astralform"),
            text("service.version", env!("CARGO_PKG_VERSION")),
            text("service.instance.id", node),
        ]},
        "scopeSpans": [{"scope": {"name": "astralform.calls"}, "spans": spans}],
    }]})
    .to_string()
}

/// Returns the span of a call and those of its parts, one after another: what lies between them, such
/// as waiting for an end user, is the call's alone.
fn spans_of(line: &CallLine) -> Vec<Value> {
    let began = line.at.before(line.took);
    let trace = hex(&line.id.to_bytes());
    let root = span_id(line, 0);
    let mut whole = span(&trace, &root, SERVER, &format!("tools/call {}", line.tool));
    whole["startTimeUnixNano"] = nanos(began).into();
    whole["endTimeUnixNano"] = nanos(line.at).into();
    whole["attributes"] = attributes(line).into();
    if matches!(line.outcome, CallOutcome::Failed | CallOutcome::Broken) {
        let message = line.reason.as_deref().unwrap_or(line.outcome.as_str());
        whole["status"] = json!({"code": ERROR, "message": message});
    }
    let times = &line.times;
    let parts = [
        ("authenticate", INTERNAL, times.authenticate),
        ("credential", INTERNAL, times.credential),
        ("plan", INTERNAL, times.plan),
        ("provider", CLIENT, times.provider),
        ("shape", INTERNAL, times.shape),
    ];
    let mut spans = vec![whole];
    let mut at = began;
    for (number, (name, kind, took)) in (1..).zip(parts) {
        if took > Duration::ZERO {
            let mut part = span(&trace, &span_id(line, number), kind, name);
            part["parentSpanId"] = root.clone().into();
            part["startTimeUnixNano"] = nanos(at).into();
            at = at.after(took);
            part["endTimeUnixNano"] = nanos(at).into();
            if let (CLIENT, Some(status)) = (kind, line.status) {
                part["attributes"] = json!([number_of("http.response.status_code", status.into())]);
            }
            spans.push(part);
        }
    }
    spans
}

fn span(trace: &str, id: &str, kind: u8, name: &str) -> Value {
    json!({"traceId": trace, "spanId": id, "kind": kind, "name": name})
}

fn attributes(line: &CallLine) -> Vec<Value> {
    let mut all = vec![
        text("gen_ai.tool.name", &line.tool),
        text("gen_ai.tool.call.id", &line.id.to_string()),
        text("astralform.project.id", &line.tenant.project.to_string()),
        text("astralform.environment", line.tenant.environment.as_str()),
        text("astralform.agent.id", &line.agent.to_string()),
        text("astralform.outcome", line.outcome.as_str()),
        number_of("astralform.attempts", line.attempts.into()),
    ];
    let connector = line.connector.as_ref().map(|slug| text("astralform.connector", slug.as_str()));
    let reason = line.reason.as_deref().map(|reason| text("error.type", reason));
    let request = line.request.map(|id| text("astralform.request.id", &id.to_string()));
    all.extend([connector, reason, request].into_iter().flatten());
    all
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn number_of(key: &str, value: i64) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}

/// Returns the id of a call's span, or of that of one of its parts.
fn span_id(line: &CallLine, part: u8) -> String {
    let id = u128::from_be_bytes(line.id.to_bytes());
    // The half of it that is random.
    let random = u64::try_from(id & u128::from(u64::MAX)).unwrap_or_default();
    hex(&random.wrapping_add(part.into()).to_be_bytes())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn nanos(time: Timestamp) -> String {
    format!("{}000", time.as_micros())
}

#[cfg(test)]
mod tests {
    use astralform_domain::{
        Actor, AgentId, ApiKeyId, CallId, CallTimes, Clock, Entropy, Environment, ProjectId, Tenant,
    };

    use super::*;

    #[test]
    fn a_call_is_a_span_with_its_parts_below_it() {
        let (clock, entropy) = (Clock::manual(Timestamp::from_secs(1_000)), Entropy::seeded(3));
        let project = ProjectId::new(&clock, &entropy);
        let line = CallLine {
            id: CallId::new(&clock, &entropy),
            tenant: Tenant { project, environment: Environment::Test },
            at: clock.now(),
            took: Duration::from_millis(5),
            request: None,
            connector: Some("notes".parse().unwrap()),
            tool: "notes_list".to_owned(),
            agent: AgentId::new(&clock, &entropy),
            end_user: Some("CANARY-alice".parse().unwrap()),
            by: Actor::ApiKey(ApiKeyId::new(&clock, &entropy)),
            connection: None,
            outcome: CallOutcome::Failed,
            reason: Some("rate_limited".into()),
            status: Some(429),
            attempts: 2,
            times: CallTimes {
                authenticate: Duration::from_micros(100),
                provider: Duration::from_millis(4),
                ..CallTimes::default()
            },
            summary: Some("CANARY".to_owned()),
        };
        let sent = request(&[line], "edge-1");
        assert!(!sent.contains("CANARY"), "{sent}");
        let sent: Value = serde_json::from_str(&sent).unwrap();
        let spans = sent.pointer("/resourceSpans/0/scopeSpans/0/spans").unwrap();
        let [whole, authenticate, provider] = spans.as_array().unwrap().as_slice() else {
            panic!("parts that took no time are left out: {spans}");
        };
        assert_eq!(whole["name"], "tools/call notes_list");
        assert_eq!(whole["startTimeUnixNano"], "999995000000");
        assert_eq!(whole["endTimeUnixNano"], "1000000000000");
        assert_eq!(whole["status"], json!({"code": 2, "message": "rate_limited"}));
        assert_eq!(
            (whole["traceId"].as_str().unwrap().len(), whole.get("parentSpanId")),
            (32, None)
        );
        assert_eq!(authenticate["parentSpanId"], whole["spanId"]);
        assert_eq!(provider["startTimeUnixNano"], authenticate["endTimeUnixNano"]);
        assert_eq!(provider["attributes"][0]["value"], json!({"intValue": "429"}));
        assert_ne!(provider["spanId"], authenticate["spanId"]);
    }
}
