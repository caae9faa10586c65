//! What the HTML pages have in common; every one says that it is simulated.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

const HEADERS: [(&str, &str); 4] = [
    // No `form-action`: browsers apply it to the redirect back to the app, too.
    (
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("cache-control", "no-store"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
];

/// The page that goes nowhere.
#[derive(Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage {
    service: &'static str,
    status: StatusCode,
    code: &'static str,
    why: String,
}

/// Returns a page to look at.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, HEADERS, Html(html)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

// === impl ErrorPage ===

impl ErrorPage {
    pub(crate) fn new(
        service: &'static str,
        status: StatusCode,
        code: &'static str,
        why: &str,
    ) -> Self {
        Self { service, status, code, why: why.to_owned() }
    }
}

impl IntoResponse for ErrorPage {
    fn into_response(self) -> Response {
        page(self.status, &self)
    }
}
