use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::requests::Noted;

/// The members of a successful answer beside `ok`.
pub(crate) type Members = Map<String, Value>;

/// Why Slack refuses: HTTP 200, `ok: false` and a code.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    members: Members,
}

/// Warnings Slack adds to whatever it answers.
pub(crate) type Warnings = Vec<&'static str>;

// === impl Refusal ===

impl Refusal {
    pub(crate) fn new(code: &'static str) -> Self {
        Self { code, members: Members::new() }
    }

    pub(crate) fn missing_scope(needed: &str, provided: &str) -> Self {
        let mut refusal = Self::new("missing_scope");
        refusal.members.insert("needed".to_owned(), needed.into());
        refusal.members.insert("provided".to_owned(), provided.into());
        refusal
    }

    /// Returns the refusal of an argument that is wrong in a way that has no code of its own.
    pub(crate) fn invalid_arguments(why: &str) -> Self {
        let mut refusal = Self::new("invalid_arguments");
        let metadata = json!({ "messages": [format!("[ERROR] {why}")] });
        refusal.members.insert("response_metadata".to_owned(), metadata);
        refusal
    }
}

/// Returns the answer to a caller that has to wait.
pub(crate) fn throttled(retry_after_s: u32) -> Response {
    let headers = [(RETRY_AFTER, retry_after_s.to_string())];
    (StatusCode::TOO_MANY_REQUESTS, headers, bare("ratelimited")).into_response()
}

/// Returns the answer with any error code; Slack's are lower-case words joined by underscores.
pub(crate) fn refused(code: &str) -> Option<Response> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (!code.is_empty() && code.chars().all(plain)).then(|| bare(code))
}

fn bare(code: &str) -> Response {
    let mut response = Json(json!({ "ok": false, "error": code })).into_response();
    let noted = Noted { error: Some(code.to_owned()), ..Noted::default() };
    response.extensions_mut().insert(noted);
    response
}

/// Turns the outcome of a method into Slack's answer.
pub(crate) fn respond(
    outcome: Result<Members, Refusal>,
    warnings: &[&'static str],
    mut noted: Noted,
) -> Response {
    let mut body = Members::new();
    body.insert("ok".to_owned(), outcome.is_ok().into());
    match outcome {
        Ok(members) => body.extend(members),
        Err(refusal) => {
            noted.error = Some(refusal.code.to_owned());
            body.insert("error".to_owned(), refusal.code.into());
            body.extend(refusal.members);
        }
    }
    warn(&mut body, warnings);
    let headers = [
        (CONTENT_TYPE.as_str(), "application/json; charset=utf-8"),
        ("cache-control", "private, no-cache, no-store, must-revalidate"),
        ("x-simulated", "Slack; nothing leaves this machine"),
    ];
    let mut response = (headers, Json(body)).into_response();
    response.extensions_mut().insert(noted);
    response
}

fn warn(body: &mut Members, warnings: &[&'static str]) {
    if warnings.is_empty() {
        return;
    }
    body.insert("warning".to_owned(), warnings.join(",").into());
    let metadata = body.entry("response_metadata").or_insert_with(|| json!({}));
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.insert("warnings".to_owned(), json!(warnings));
    }
}

/// Takes the members out of an object literal.
pub(crate) fn members(value: Value) -> Members {
    match value {
        Value::Object(members) => members,
        _ => Members::new(),
    }
}
