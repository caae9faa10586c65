use axum::Json;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::requests::Noted;

/// Why Tavily refuses: a status, and words under `detail.error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: u16,
    code: &'static str,
    words: String,
}

// === impl Refusal ===

impl Refusal {
    fn new(status: u16, code: &'static str, words: impl Into<String>) -> Self {
        Self { status, code, words: words.into() }
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "unauthorized", "Unauthorized: missing or invalid API key.")
    }

    pub(crate) fn bad_request(words: impl Into<String>) -> Self {
        Self::new(400, "bad_request", words)
    }

    pub(crate) fn plan_limit() -> Self {
        let words = "This request exceeds your plan's set usage limit. Please upgrade your plan \
                     or contact support@tavily.com";
        Self::new(432, "plan_limit", words)
    }

    fn paygo_limit() -> Self {
        let words = "This request exceeds the pay-as-you-go limit. You can increase your limit \
                     on the Tavily dashboard.";
        Self::new(433, "paygo_limit", words)
    }

    /// Returns the refusal of that name, as faults have it.
    pub(crate) fn named(code: &str) -> Option<Self> {
        Some(match code {
            "unauthorized" => Self::unauthorized(),
            "bad_request" => Self::bad_request("Invalid request."),
            "plan_limit" => Self::plan_limit(),
            "paygo_limit" => Self::paygo_limit(),
            "internal_error" => Self::new(500, "internal_error", "Internal Server Error"),
            _ => return None,
        })
    }

    pub(crate) fn into_answer(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, detail(&self.words)).into_response();
        let noted = Noted { error: Some(self.code.to_owned()), ..Noted::default() };
        response.extensions_mut().insert(noted);
        response
    }
}

/// Returns the answer to a caller that has to wait.
pub(crate) fn throttled(retry_after_s: u32) -> Response {
    let words = "Your request has been blocked due to excessive requests. Please reduce rate of \
                 requests.";
    let headers = [(RETRY_AFTER, retry_after_s.to_string())];
    (StatusCode::TOO_MANY_REQUESTS, headers, detail(words)).into_response()
}

/// Turns an outcome into Tavily's answer.
pub(crate) fn respond(outcome: Result<Value, Refusal>) -> Response {
    let headers = [("x-simulated", "Tavily; nothing leaves this machine")];
    match outcome {
        Ok(body) => (headers, Json(body)).into_response(),
        Err(refusal) => (headers, refusal.into_answer()).into_response(),
    }
}

fn detail(words: &str) -> Json<Value> {
    Json(json!({ "detail": { "error": words } }))
}
