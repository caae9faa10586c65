use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, HeaderValue, header},
    middleware::{from_fn_with_state, map_response},
    response::Response,
    routing::{get, post},
};

use crate::{App, Problem, api, pages, problem};

const LONGEST_BODY: usize = 4 * 1024 * 1024;

/// Everything that is served.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/healthz", get(api::health::alive))
        .route("/readyz", get(api::health::ready))
        .route("/v1/tools", get(api::tools::list))
        .route("/v1/tools/{name}/call", post(api::tools::call))
        .route("/v1/auth-requests/{id}", get(api::auth_requests::show))
        .route("/v1/auth-requests/{id}/confirm", post(api::auth_requests::confirm))
        .route("/v1/connectors/oauth/callback", get(pages::callback::shared))
        .route("/v1/connectors/oauth/callback/{id}", get(pages::callback::own))
        .route("/connect/{link}", get(pages::connect::show).post(pages::connect::begin))
        .route("/assets/page.css", get(pages::assets::stylesheet))
        .route("/favicon.ico", get(pages::assets::icon))
        .fallback(async || Problem::not_found("there is nothing at this address"))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(from_fn_with_state(app.clone(), problem::with_request_id))
        .layer(map_response(harden))
        .with_state(app)
}

/// What every answer says: do not guess types, do not frame, do not keep, tell nobody where one
/// came from. Handlers that know better have said so before.
async fn harden(mut response: Response) -> Response {
    const DEFAULTS: [(HeaderName, &str); 5] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ];
    for (name, value) in DEFAULTS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
