//! The whole of what is served, and what every request meets.

use std::sync::Arc;

use astralform_api::{beside_operations, operations};
use astralform_surface::{
    App, Problem, Refusal,
    cors::{self, SentByPage},
    openapi::{Documented, Queries, documented},
    served::Served,
    with_request_id,
};
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Uri, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::get,
};
use bytes::Bytes;

use crate::{guard, lines::LogLine};

const JSON: (HeaderName, &str) = (header::CONTENT_TYPE, "application/json");

/// Returns the OpenAPI document about the API, as it is checked in.
pub fn openapi() -> String {
    documented(operations).document
}

/// Returns everything that is served.
pub fn router(app: App) -> Router {
    let Documented { router, document, queries } = documented(operations);
    let document = Bytes::from(document);
    let around_all = Around { app: app.clone(), queries: Arc::new(queries) };
    Router::new()
        .merge(router)
        .merge(beside_operations())
        .merge(astralform_web::pages())
        .route("/openapi.json", get(async || ([JSON], document)))
        .fallback(async |uri: Uri| Problem::from(Refusal::no_such_address(&uri)))
        .method_not_allowed_fallback(async |method| {
            Problem::from(Refusal::MethodNotAllowed(method))
        })
        .layer(from_fn_with_state(around_all, around))
        .with_state(app)
}

/// What every request meets.
#[derive(Clone)]
struct Around {
    app: App,
    queries: Arc<Queries>,
}

/// Does what every request needs around it. One layer: each costs an allocation and a clone.
async fn around(
    State(Around { app, queries }): State<Around>,
    mut request: Request,
    next: Next,
) -> Response {
    if request.uri().query().is_some() {
        request.extensions_mut().insert(queries);
    }
    let served = Served::begin(&app, &request);
    let line = LogLine::begin(&served, &request);
    let sent_by_page = SentByPage::of(&request);
    let serving = serve(&app, &served, request, next);
    let mut response = with_request_id(&app, &served, serving).await;
    cors::let_page_read(&app, &served, sent_by_page.as_ref(), &mut response).await;
    line.end(response.status());
    harden(&mut response);
    response
}

/// Serves a request that is in order, and whose sender has not sent too many.
async fn serve(app: &App, served: &Served, request: Request, next: Next) -> Response {
    if let Err(problem) = guard::check(app, &request) {
        return guard::slow_down(app, served, problem.into_response()).await;
    }
    if cors::is_preflight(&request) {
        return match app.admit_visitor(served).await {
            Ok(()) => cors::answer_preflight(app, request.headers()).await,
            Err(refused) => refused.into_response(),
        };
    }
    if !guard::shows_credential(&request) {
        return match app.admit_visitor(served).await {
            Ok(()) => next.run(request).await,
            Err(refused) => refused.into_response(),
        };
    }
    let response = next.run(request).await;
    if served.is_admitted() {
        return response;
    }
    guard::slow_down(app, served, response).await
}

/// Adds the headers that every answer has: do not guess types, do not frame, do not store, send no
/// referrer. Handlers that know better have set theirs before.
fn harden(response: &mut Response) {
    const DEFAULTS: [(HeaderName, &str); 5] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ];
    let headers = response.headers_mut();
    headers.reserve(DEFAULTS.len() + 1);
    for (name, value) in DEFAULTS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}
