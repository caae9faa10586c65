mod management;

use astralform_surface::{openapi::OperationTable, operations};

use crate::{auth_requests, connections, explain, sessions, tools};

/// Returns all operations, as the API's document lists them.
pub fn operations() -> OperationTable {
    runtime().and(management::management())
}

/// Returns the operations by which agents and backends act for end users.
fn runtime() -> OperationTable {
    operations! {
        /// What an agent can do for an end user.
        "Tools" {
            /// Lists the tools of an agent.
            ///
            /// Each is described as the agent's framework wants it, and with whether it can be
            /// called now.
            list_tools: get "/v1/tools" => tools::list;

            /// Calls a tool for an end user.
            ///
            /// Where the end user has to connect an account first, the answer carries the link to
            /// show them; the same call goes through once they have.
            call_tool: post "/v1/tools/{name}/call" => tools::call;

            /// Explains why a tool can or cannot be called for the end user.
            ///
            /// Step by step, with the first thing that is wrong and what to do about it. A session,
            /// or a key that is bound to an agent or to connectors, learns only what its end user can
            /// mend: anything else is `unknown_tool`.
            explain_tool: get "/v1/explain" => explain::to_caller;
        }

        /// What an end user has connected.
        "Connections" {
            /// Lists the end user's connections.
            list_connections: get "/v1/connections" => connections::list;

            /// Shows one of the end user's connections.
            get_connection: get "/v1/connections/{id}" => connections::show;

            /// Names one of the end user's connections, or makes it the default one.
            update_connection: patch "/v1/connections/{id}" => connections::change;

            /// Disconnects one of the end user's accounts, here and at the provider.
            ///
            /// The next call asks for an account again.
            delete_connection: delete "/v1/connections/{id}" => connections::disconnect;
        }

        /// What browsers and desktop clients hold instead of an API key.
        "Sessions" {
            /// Opens a session of one end user and one agent.
            create_session: post "/v1/sessions" => sessions::create;
        }

        /// Prompts to end users: connect, reconnect, or grant more.
        "Auth requests" {
            /// Prompts an end user without a tool call.
            ///
            /// Asking twice is like asking once: both are one request. What is granted already is
            /// answered with a request that is completed from the start.
            create_auth_request: post "/v1/auth-requests" => auth_requests::create;

            /// Shows an auth request.
            ///
            /// Answers as soon as its status is final, or when the wait is over. Show the link before
            /// you wait.
            get_auth_request: get "/v1/auth-requests/{id}" => auth_requests::show;

            /// Confirms who finished in the browser.
            ///
            /// For your backend: it vouches that the person who came back is the one it was for.
            confirm_auth_request: post "/v1/auth-requests/{id}/confirm"
                => auth_requests::confirm;
        }
    }
}
