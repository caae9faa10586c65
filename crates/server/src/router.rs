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
        .route("/v1/sessions", post(api::sessions::create))
        .route("/v1/connections", get(api::connections::list))
        .route(
            "/v1/connections/{id}",
            get(api::connections::show)
                .patch(api::connections::change)
                .delete(api::connections::disconnect),
        )
        .route("/v1/auth-requests", post(api::auth_requests::create))
        .route("/v1/auth-requests/{id}", get(api::auth_requests::show))
        .route("/v1/auth-requests/{id}/confirm", post(api::auth_requests::confirm))
        .merge(managing())
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

/// What is served to those who administer.
fn managing() -> Router<App> {
    use api::manage::{catalog, connectors, environments, me, shared};
    Router::new()
        .route("/v1/me", get(me::show))
        .route("/v1/connectors", get(catalog::list))
        .route("/v1/connectors/{slug}", get(catalog::show))
        .route("/v1/projects", get(me::projects))
        .route(
            "/v1/projects/{project}/environments/{environment}",
            get(environments::show).patch(environments::change),
        )
        .route("/v1/projects/{project}/connectors", get(connectors::list).post(connectors::enable))
        .route(
            "/v1/projects/{project}/connectors/{slug}",
            get(connectors::show).patch(connectors::change).delete(connectors::disable),
        )
        .route("/v1/projects/{project}/connectors/{slug}/check", post(connectors::check))
        .route("/v1/projects/{project}/connectors/{slug}/shared-connection", post(shared::share))
        .route(
            "/v1/projects/{project}/connectors/{slug}/shared-connection/confirm",
            post(shared::confirm),
        )
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
