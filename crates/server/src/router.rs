use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, HeaderValue, header},
    middleware::{from_fn_with_state, map_response},
    response::Response,
    routing::get,
};

use bytes::Bytes;

use crate::{
    App, Problem,
    api::{
        self,
        manage::{
            catalog, connections, connectors, deletions, environments, me, revocations, shared,
        },
    },
    openapi::{
        documented,
        table::{Table, operations},
    },
    pages, problem,
};

const LONGEST_BODY: usize = 4 * 1024 * 1024;
const JSON: (HeaderName, &str) = (header::CONTENT_TYPE, "application/json");

/// The API.
fn operations() -> Table {
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
            /// The same prompt again is the same request, so asking twice is like asking once. What
            /// is granted already is answered with a request that is completed from the start.
            create_auth_request: post "/v1/auth-requests" => api::auth_requests::create;

            /// Shows an auth request.
            ///
            /// Answers as soon as it is no longer pending, or when the wait is over.
            get_auth_request: get "/v1/auth-requests/{id}" => api::auth_requests::show;

            /// Confirms who finished in the browser.
            ///
            /// For your backend: it vouches that the person who came back is the one it was for.
            confirm_auth_request: post "/v1/auth-requests/{id}/confirm"
                => api::auth_requests::confirm;
        }

        /// The connectors there are.
        "Catalogue" {
            /// Lists the connectors of the catalogue.
            list_catalog: get "/v1/connectors" => catalog::list;

            /// Shows a connector of the catalogue, with what to do at the provider.
            get_catalog_connector: get "/v1/connectors/{slug}" => catalog::show;
        }

        /// Who administers, and what.
        "Projects" {
            /// Says whose admin token it is.
            get_me: get "/v1/me" => me::show;

            /// Lists the projects of the member's teams.
            list_projects: get "/v1/projects" => me::projects;

            /// Deletes a project, for its owners.
            ///
            /// Its keys and sessions open nothing any more and its connections are dead, all at
            /// once; at the providers they are revoked soon after. What became of them can still be
            /// read: `list_revocations`.
            delete_project: delete "/v1/projects/{project}" => deletions::project;

            /// Deletes an end user, with all of their connections and sessions.
            ///
            /// What is known of their accounts is forgotten. The same id may come back: it begins
            /// anew.
            delete_end_user: delete "/v1/projects/{project}/end-users/{end_user}"
                => deletions::end_user;

            /// Shows the settings of an environment.
            get_environment: get "/v1/projects/{project}/environments/{environment}"
                => environments::show;

            /// Changes the settings of an environment.
            update_environment: patch "/v1/projects/{project}/environments/{environment}"
                => environments::change;
        }

        /// The connectors enabled in a project.
        "Project connectors" {
            /// Lists the connectors enabled in a project, with their status.
            list_connectors: get "/v1/projects/{project}/connectors" => connectors::list;

            /// Enables a connector in an environment, with your own OAuth app.
            enable_connector: post "/v1/projects/{project}/connectors" => connectors::enable;

            /// Shows an enabled connector.
            get_connector: get "/v1/projects/{project}/connectors/{slug}" => connectors::show;

            /// Changes a connector's settings.
            ///
            /// A new secret of the same app is shown to the provider first, and the old one is
            /// still tried for 7 days. Another app, or other endpoints, make every connection one
            /// that its owner has to renew: say how many in `confirm_reconnects`.
            update_connector: patch "/v1/projects/{project}/connectors/{slug}"
                => connectors::change;

            /// Disables a connector for good, and revokes every connection to it.
            ///
            /// From its answer on, none of them can be used; at the provider they are revoked
            /// soon after.
            disable_connector: delete "/v1/projects/{project}/connectors/{slug}"
                => connectors::disable;

            /// Asks the provider whether it takes the connector's credentials.
            check_connector: post "/v1/projects/{project}/connectors/{slug}/check"
                => connectors::check;

            /// Asks for the account that the project shares with all its end users.
            ///
            /// Show its link to whoever shares it; where the environment confirms who finished,
            /// their browser ends with a code to be confirmed.
            share_connection: post "/v1/projects/{project}/connectors/{slug}/shared-connection"
                => shared::share;

            /// Confirms who shared an account, with the code that their browser was shown.
            confirm_shared_connection:
                post "/v1/projects/{project}/connectors/{slug}/shared-connection/confirm"
                => shared::confirm;
        }

        /// The connections of all end users, and what became of those that ended.
        "Connections of a project" {
            /// Lists and searches the connections of an environment.
            list_project_connections: get "/v1/projects/{project}/connections"
                => connections::list;

            /// Shows a connection.
            get_project_connection: get "/v1/projects/{project}/connections/{id}"
                => connections::show;

            /// Revokes a connection, here and at the provider.
            delete_project_connection: delete "/v1/projects/{project}/connections/{id}"
                => connections::revoke;

            /// Revokes many connections at once, or says how many it would be.
            ///
            /// From its answer on, none of them can be used; at the providers they are revoked
            /// one after another, at the pace that each allows. `list_revocations` shows how far
            /// that is.
            revoke_project_connections: post "/v1/projects/{project}/connections/revoke"
                => connections::revoke_many;

            /// Lists the receipts of ended connections: what became of their tokens at the provider.
            ///
            /// As JSON, or all of them as CSV with `format=csv` or `Accept: text/csv`. Receipts of a
            /// deleted project can still be read.
            list_revocations: get "/v1/projects/{project}/revocations" => revocations::list;
        }

        /// For whatever watches the server.
        "Health" {
            /// Says that the process runs.
            ///
            /// Asks nothing else; a process that does not answer should be started again.
            check_alive: get "/healthz" => api::health::alive;

            /// Says whether requests are wanted.
            ///
            /// They are not while the server shuts down, or when its database does not answer.
            check_ready: get "/readyz" => api::health::ready;
        }
    }
}

/// The OpenAPI document about the API, as it is checked in.
pub fn openapi() -> String {
    documented(operations).1
}

/// Everything that is served.
pub fn router(app: App) -> Router {
    let (api, document) = documented(operations);
    let document = Bytes::from(document);
    Router::new()
        .merge(api)
        .route("/openapi.json", get(async || ([JSON], document)))
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
