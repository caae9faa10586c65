mod management;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Uri, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::get,
};

use bytes::Bytes;

use crate::{
    App, Problem, Refusal, api, guard,
    lines::LogLine,
    listen::Peer,
    openapi::{
        Documented, Queries, documented,
        table::{OperationTable, operations},
    },
    pages, problem,
    served::Served,
};

const JSON: (HeaderName, &str) = (header::CONTENT_TYPE, "application/json");

/// Returns the operations by which agents and backends act for end users.
fn runtime() -> OperationTable {
    operations! {
        /// What an agent can do for an end user.
        "Tools" {
            /// Lists the tools of an agent.
            ///
            /// Each is described as the agent's framework wants it, and with whether it can be
            /// called now.
            list_tools: get "/v1/tools" => api::tools::list;

            /// Calls a tool for an end user.
            ///
            /// Where the end user has to connect an account first, the answer carries the link to
            /// show them; the same call goes through once they have.
            call_tool: post "/v1/tools/{name}/call" => api::tools::call;
        }

        /// What an end user has connected.
        "Connections" {
            /// Lists the end user's connections.
            list_connections: get "/v1/connections" => api::connections::list;

            /// Shows one of the end user's connections.
            get_connection: get "/v1/connections/{id}" => api::connections::show;

            /// Names one of the end user's connections, or makes it the default one.
            update_connection: patch "/v1/connections/{id}" => api::connections::change;

            /// Disconnects one of the end user's accounts, here and at the provider.
            ///
            /// The next call asks for an account again.
            delete_connection: delete "/v1/connections/{id}" => api::connections::disconnect;
        }

        /// What browsers and desktop clients hold instead of an API key.
        "Sessions" {
            /// Opens a session of one end user and one agent.
            create_session: post "/v1/sessions" => api::sessions::create;
        }

        /// Prompts to end users: connect, reconnect, or grant more.
        "Auth requests" {
            /// Prompts an end user without a tool call.
            ///
            /// Asking twice is like asking once: both are one request. What is granted already is
            /// answered with a request that is completed from the start.
            create_auth_request: post "/v1/auth-requests" => api::auth_requests::create;

            /// Shows an auth request.
            ///
            /// Answers as soon as its status is final, or when the wait is over. Show the link before
            /// you wait.
            get_auth_request: get "/v1/auth-requests/{id}" => api::auth_requests::show;

            /// Confirms who finished in the browser.
            ///
            /// For your backend: it vouches that the person who came back is the one it was for.
            confirm_auth_request: post "/v1/auth-requests/{id}/confirm"
                => api::auth_requests::confirm;
        }
    }
}

fn all_operations() -> OperationTable {
    runtime().and(management::management())
}

/// Returns the OpenAPI document about the API, as it is checked in.
pub fn openapi() -> String {
    documented(all_operations).document
}

/// Returns everything that is served.
pub fn router(app: App) -> Router {
    let Documented { router, document, queries } = documented(all_operations);
    let document = Bytes::from(document);
    let around_all = Around { app: app.clone(), queries: Arc::new(queries) };
    Router::new()
        .merge(router)
        .route("/", get(pages::about::show))
        .route("/metrics", get(api::metrics::show))
        .route("/openapi.json", get(async || ([JSON], document)))
        .route("/v1/connectors/oauth/callback", get(pages::callback::shared))
        .route("/v1/connectors/oauth/callback/{id}", get(pages::callback::own))
        .route("/connect/{link}", get(pages::connect::show).post(pages::connect::begin))
        .route("/assets/page.css", get(pages::assets::stylesheet))
        .route("/favicon.ico", get(pages::assets::icon))
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
    let id = app.engine().new_request_id();
    let peer = request.extensions().get::<Peer>();
    let origin = peer.map(|peer| app.proxies().origin(peer.address.ip(), request.headers()));
    let served = Arc::new(Served::new(
        id,
        origin,
        peer.map(|peer| Arc::clone(&peer.link)),
        app.throttle().clock(),
    ));
    let line = LogLine::begin(&served, &request);
    let serving = serve(&app, &served, request, next);
    let mut response = problem::with_request_id(&app, &served, serving).await;
    line.end(response.status());
    harden(&mut response);
    response
}

/// Serves a request that is in order, and whose sender has not sent too many.
async fn serve(app: &App, served: &Served, request: Request, next: Next) -> Response {
    if let Err(problem) = guard::check(app, &request) {
        return guard::slow_down(app, served, problem.into_response()).await;
    }
    if !guard::shows_credential(&request) {
        return match app.throttle().admit_visitor(served).await {
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
