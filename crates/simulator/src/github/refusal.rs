use axum::Json;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::limits::{Resource, Usage};
use crate::outside::Outside;
use crate::requests::Noted;

const DOCS: &str = "https://docs.github.com/rest";

/// Why the API refuses.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    status: StatusCode,
    /// A short name for the log.
    code: &'static str,
    message: String,
    errors: Vec<Value>,
    headers: Vec<(&'static str, String)>,
}

// === impl Refusal ===

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: &str) -> Self {
        let message = message.to_owned();
        Self { status, code, message, errors: Vec::new(), headers: Vec::new() }
    }

    pub(crate) fn bad_credentials() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "bad_credentials", "Bad credentials")
    }

    pub(crate) fn requires_authentication() -> Self {
        let message = "Requires authentication";
        Self::new(StatusCode::UNAUTHORIZED, "requires_authentication", message)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not Found")
    }

    pub(crate) fn no_user_agent() -> Self {
        let message = "Request forbidden by administrative rules. Please make sure your request \
                       has a User-Agent header";
        Self::new(StatusCode::FORBIDDEN, "no_user_agent", message)
    }

    pub(crate) fn unknown_version(version: &str) -> Self {
        let message = format!("\"{version}\" is not a supported version");
        Self::new(StatusCode::BAD_REQUEST, "unknown_version", &message)
    }

    pub(crate) fn bad_json() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_json", "Problems parsing JSON")
    }

    /// Answers that an argument is wrong.
    pub(crate) fn validation(error: Value) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let errors = vec![error];
        Self { errors, ..Self::new(status, "validation_failed", "Validation Failed") }
    }

    /// Returns the refusal of an argument that is wrong in a way that has no list of errors.
    pub(crate) fn unprocessable(message: &str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", message)
    }

    /// Answers that the primary rate limit is used up.
    pub(crate) fn primary_limit(usage: &Usage) -> Self {
        let message = "API rate limit exceeded for this user. If you reach out to GitHub \
                       Support for help, please include the request ID.";
        let refusal = Self::new(StatusCode::FORBIDDEN, "primary_limit", message);
        Self { headers: usage.headers().into(), ..refusal }
    }

    fn secondary_limit(status: StatusCode, retry_after_s: u32) -> Self {
        let message = "You have exceeded a secondary rate limit. Please wait a few minutes before \
                       you try again.";
        let headers = vec![(RETRY_AFTER.as_str(), retry_after_s.to_string())];
        Self { headers, ..Self::new(status, "secondary_limit", message) }
    }

    /// Returns the refusals that only a fault can bring about.
    fn of(code: &str, outside: &Outside) -> Option<Self> {
        let forbidden = |code, message| Self::new(StatusCode::FORBIDDEN, code, message);
        Some(match code {
            "bad_credentials" => Self::bad_credentials(),
            "not_found" => Self::not_found(),
            "primary_limit" => Self::primary_limit(&Usage::up(Resource::Core, outside.now())),
            "secondary_limit" => Self::secondary_limit(StatusCode::FORBIDDEN, 60),
            "sso_required" => {
                let message = "Resource protected by organization SAML enforcement. You must \
                               grant your OAuth token access to this organization.";
                let url = "required; url=https://github.com/orgs/acme-simulated/sso";
                let headers = vec![("x-github-sso", url.to_owned())];
                Self { headers, ..forbidden("sso_required", message) }
            }
            "org_restricted" => forbidden(
                "org_restricted",
                "Although you appear to have the correct authorization credentials, the \
                 `acme-simulated` organization has enabled OAuth App access restrictions, meaning \
                 that data access to third-parties is limited.",
            ),
            "blocked" => {
                let status = StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS;
                Self::new(status, "blocked", "Repository access blocked")
            }
            _ => return None,
        })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = json!({
            "message": self.message,
            "documentation_url": DOCS,
            "status": self.status.as_str(),
        });
        if !self.errors.is_empty() {
            body["errors"] = self.errors.into();
        }
        let mut response = (self.status, Json(body)).into_response();
        super::api::set(response.headers_mut(), self.headers);
        let noted = Noted { error: Some(self.code.to_owned()), ..Noted::default() };
        response.extensions_mut().insert(noted);
        response
    }
}

/// Returns the answer to a caller that has to wait.
pub(crate) fn throttled(retry_after_s: u32) -> Response {
    Refusal::secondary_limit(StatusCode::TOO_MANY_REQUESTS, retry_after_s).into_response()
}

/// Returns the answer with an error code: a refusal of the API, or one of the token endpoint.
pub(crate) fn refused(code: &str, outside: &Outside) -> Option<Response> {
    let refusal = Refusal::of(code, outside).map(IntoResponse::into_response);
    refusal.or_else(|| super::oauth::refused(code))
}
