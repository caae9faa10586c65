//! Pages of other origins (WHATWG Fetch, CORS protocol).
//!
//! A preflight is answered when any environment lists its origin. The request itself is served when
//! the environment of its session does; a page never gets an answer to an API key or admin token.
//! Cookies are never taken along.

use astralform_domain::{Caller, RuntimeCredential};
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use crate::{App, Problem, Refusal, auth::bearer, served::Served};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PATCH, DELETE");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Idempotency-Key, If-Match, X-Agent-ID, X-End-User-ID",
);
const EXPOSED: HeaderValue =
    HeaderValue::from_static("ETag, Idempotency-Replayed, Retry-After, X-Request-Id");
/// For how many seconds a browser believes a preflight.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Returns whether a request asks, before another one, whether that may come.
pub fn is_preflight(request: &Request) -> bool {
    let headers = request.headers();
    request.method() == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Answers a preflight.
pub async fn answer_preflight(app: &App, headers: &HeaderMap) -> Response {
    match listed(app, headers).await {
        Ok(Some(origin)) => {
            let mut response = StatusCode::NO_CONTENT.into_response();
            allow(response.headers_mut(), origin);
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
            response
        }
        Ok(None) => Problem::from(Refusal::OriginNotAllowed).into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// Checks that a page may send what it sends, and notes that it may read the answer.
///
/// # Errors
/// When the session's environment does not list the page's origin.
pub(crate) async fn admit(
    app: &App,
    served: Option<&Served>,
    caller: &Caller,
    headers: &HeaderMap,
) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    if !matches!(caller.principal.credential, RuntimeCredential::Session { .. }) {
        return Ok(());
    }
    let engine = app.engine();
    let text = origin.to_str().unwrap_or_default();
    if text == engine.site().public_url().origin().ascii_serialization() {
        return Ok(());
    }
    if !engine.origins.allows(caller.principal.tenant, text).await? {
        return Err(Refusal::OriginNotAllowed.into());
    }
    if let Some(served) = served {
        served.note_page(origin.clone());
    }
    Ok(())
}

/// Lets the page that sent a request read its answer, where it may. A refusal may be read by any
/// page whose origin some environment lists: it has to learn that its session is over.
pub async fn let_page_read(
    app: &App,
    served: &Served,
    sent: Option<&SentByPage>,
    response: &mut Response,
) {
    let Some(sent) = sent else { return };
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = served.page() {
        allow(response.headers_mut(), origin.clone());
        return;
    }
    let is_refusal = response.status().is_client_error() || response.status().is_server_error();
    let is_refused_session = is_refusal && sent.is_without_key;
    if is_refused_session
        && app.engine().origins.is_listed(&sent.origin_text).await.unwrap_or(false)
    {
        allow(response.headers_mut(), sent.origin.clone());
    }
}

/// What a request of a page says of itself.
pub struct SentByPage {
    origin: HeaderValue,
    origin_text: String,
    /// Whether it carries neither an API key nor an admin token.
    is_without_key: bool,
}

impl SentByPage {
    /// Reads it from a request for the API; none where no page sent it.
    pub fn of(request: &Request) -> Option<Self> {
        let headers = request.headers();
        let origin = headers.get(header::ORIGIN)?;
        if !request.uri().path().starts_with("/v1/") || is_preflight(request) {
            return None;
        }
        let token = bearer(headers).unwrap_or_default();
        let is_without_key = token.is_empty() || token.starts_with("ut_");
        let origin_text = origin.to_str().ok()?.to_owned();
        Some(Self { origin: origin.clone(), origin_text, is_without_key })
    }
}

async fn listed(app: &App, headers: &HeaderMap) -> Result<Option<HeaderValue>, Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(None) };
    let text = origin.to_str().unwrap_or_default();
    let is_listed = app.engine().origins.is_listed(text).await?;
    Ok(is_listed.then(|| origin.clone()))
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    const VARY: (HeaderName, HeaderValue) = (header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    if !headers.contains_key(header::VARY) {
        headers.insert(VARY.0, VARY.1);
    }
}
