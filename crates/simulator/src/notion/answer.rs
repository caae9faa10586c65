use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::ids;
use crate::outside::Outside;
use crate::requests::Noted;

/// Why the API refuses.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    status: u16,
    pub(crate) code: &'static str,
    message: String,
    /// Whether it is worded as OAuth does (RFC 6749 §5.2).
    oauth: bool,
}

/// Every error code of the API and of its token endpoints, with its status.
const CODES: &[(&str, u16)] = &[
    ("invalid_json", 400),
    ("invalid_request_url", 400),
    ("invalid_request", 400),
    ("invalid_grant", 400),
    ("validation_error", 400),
    ("missing_version", 400),
    ("unauthorized", 401),
    ("invalid_client", 401),
    ("restricted_resource", 403),
    ("object_not_found", 404),
    ("conflict_error", 409),
    ("rate_limited", 429),
    ("internal_server_error", 500),
    ("bad_gateway", 502),
    ("service_unavailable", 503),
    ("database_connection_unavailable", 503),
    ("gateway_timeout", 504),
    ("service_overload", 529),
];

const OF_OAUTH: [&str; 3] = ["invalid_grant", "invalid_client", "invalid_request"];

// === impl Refusal ===

impl Refusal {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        let status = CODES.iter().find(|(known, _)| *known == code).map_or(500, |(_, it)| *it);
        Self { status, code, message: message.into(), oauth: false }
    }

    /// Returns a refusal of the token endpoints.
    pub(crate) fn oauth(code: &'static str, message: impl Into<String>) -> Self {
        Self { oauth: true, ..Self::new(code, message) }
    }

    /// Answers that what was sent has not the form that is wanted.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new("validation_error", message)
    }

    /// Answers that a part of the body is not as it should be.
    pub(crate) fn body(path: &str, should: &str, instead: Option<&Value>) -> Self {
        let instead = instead.map_or_else(|| "undefined".to_owned(), Value::to_string);
        let instead: String = instead.chars().take(100).collect();
        Self::invalid(format!(
            "body failed validation: {path} should be {should}, instead was `{instead}`."
        ))
    }

    /// Answers that it is not there, or not shared; nobody is told which.
    pub(crate) fn not_found(what: &str, id: &str, app: &str) -> Self {
        let message = format!(
            "Could not find {what} with ID: {id}. Make sure the relevant pages and databases are \
             shared with your connection \"{app}\"."
        );
        Self::new("object_not_found", message)
    }
}

/// Turns the outcome of a request into an answer.
pub(crate) fn respond(
    outcome: Result<Value, Refusal>,
    outside: &Outside,
    mut noted: Noted,
) -> Response {
    let (status, mut body) = match outcome {
        Ok(body) => (200, body),
        Err(refusal) => {
            noted.error = Some(refusal.code.to_owned());
            (refusal.status, worded(&refusal))
        }
    };
    if let Some(body) = body.as_object_mut() {
        body.insert("request_id".to_owned(), ids::fresh(outside).into());
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers =
        [("cache-control", "no-store"), ("x-simulated", "Notion; nothing leaves this machine")];
    let mut response = (status, headers, Json(body)).into_response();
    response.extensions_mut().insert(noted);
    response
}

fn worded(refusal: &Refusal) -> Value {
    let Refusal { status, code, message, oauth } = refusal;
    if *oauth {
        return json!({ "error": code, "error_description": message });
    }
    let mut body = json!({ "object": "error", "status": status, "code": code, "message": message });
    if *code == "rate_limited" {
        let reason = json!({ "rate_limit_reason": "public_api_request_rate_limit" });
        body["additional_data"] = reason;
    }
    body
}

/// Returns the answer to a caller that has to wait.
pub(crate) fn throttled(seconds: u32) -> Response {
    let refusal = Refusal::new("rate_limited", "You have been rate limited.");
    let body = worded(&refusal);
    let mut response = (StatusCode::TOO_MANY_REQUESTS, Json(body)).into_response();
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    let noted = Noted { error: Some(refusal.code.to_owned()), ..Noted::default() };
    response.extensions_mut().insert(noted);
    response
}

/// Returns the answer with an error code, where the service has it.
pub(crate) fn refused(code: &str, outside: &Outside) -> Option<Response> {
    let (code, _) = CODES.iter().find(|(known, _)| *known == code)?;
    let message = "This is a simulated fault.";
    let refusal = if OF_OAUTH.contains(code) {
        Refusal::oauth(code, message)
    } else {
        Refusal::new(code, message)
    };
    Some(respond(Err(refusal), outside, Noted::default()))
}
