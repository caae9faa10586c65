//! What members do: projects, connectors, connections.

mod access;

use astralform_surface::{openapi::OperationTable, operations};

use crate::{
    explain, health,
    manage::{
        catalog, connections, connectors, copies, deletions, environments, history, me, projects,
        revocations, shared, webhooks,
    },
};

pub(super) fn management() -> OperationTable {
    projects().and(access::access()).and(project_connectors()).and(webhooks_and_health())
}

fn projects() -> OperationTable {
    operations! {
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

            /// Lists the teams that the member belongs to.
            list_teams: get "/v1/teams" => me::teams;

            /// Lists the projects of the member's teams.
            list_projects: get "/v1/projects" => projects::list;

            /// Creates a project, for owners and admins of the team.
            ///
            /// It has two environments, `live` and `test`, and the agent `default`, to which all
            /// connectors are assigned.
            create_project: post "/v1/projects" => projects::create;

            /// Shows a project.
            get_project: get "/v1/projects/{project}" => projects::show;

            /// Changes what end users see of a project, for owners and admins.
            ///
            /// Its name, colour and links stand on the pages on which they connect their accounts.
            update_project: patch "/v1/projects/{project}" => projects::change;

            /// Sends a logo, for owners and admins.
            ///
            /// A PNG or WebP of 200,000 bytes and 1,024 × 1,024 pixels at most. It is drawn anew, at
            /// 256 × 256 pixels at most, and served at an address of its own.
            set_project_logo: put "/v1/projects/{project}/logo" => projects::set_logo;

            /// Removes the logo.
            delete_project_logo: delete "/v1/projects/{project}/logo" => projects::remove_logo;

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

            /// Shows what copying settings from the other environment would change.
            ///
            /// Secrets are never copied, nor is how end users are verified, the sandbox, or an
            /// address on loopback.
            plan_copy: get "/v1/projects/{project}/environments/{environment}/copy"
                => copies::plan;

            /// Copies settings from the other environment, as they were shown.
            copy_environment: post "/v1/projects/{project}/environments/{environment}/copy"
                => copies::copy;
        }
    }
}

fn project_connectors() -> OperationTable {
    operations! {
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

            /// Asks the provider whether it takes a connector's credentials.
            ///
            /// Looks besides at all that keeps its tools from being called, or will, and says what to do.
            check_connector: post "/v1/projects/{project}/connectors/{slug}/check"
                => connectors::check;

            /// Explains why an agent can or cannot call a tool for an end user.
            ///
            /// Step by step, with the first thing that is wrong and what to do about it.
            explain_project_tool: get "/v1/projects/{project}/explain" => explain::to_member;

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

            /// Lists what happened to a connection, the latest first.
            ///
            /// Changes of its status, refreshes of its tokens and prompts to renew it, for 90 days
            /// and 200 rows at most. The same thing several times in a row is one row.
            list_connection_history: get "/v1/projects/{project}/connections/{id}/history"
                => history::list;

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

            /// Lists the receipts of ended connections.
            ///
            /// Each says what became of its tokens at the provider.
            ///
            /// As JSON, or all of them as CSV with `format=csv` or `Accept: text/csv`. Receipts of a
            /// deleted project can still be read.
            list_revocations: get "/v1/projects/{project}/revocations" => revocations::list;
        }

    }
}

fn webhooks_and_health() -> OperationTable {
    operations! {
        /// Where an environment is told what happens to its connections.
        ///
        /// By Standard Webhooks: signed, again and again until they are taken.
        "Webhooks" {
            /// Lists the webhooks of an environment.
            list_webhooks: get "/v1/projects/{project}/webhooks" => webhooks::list;

            /// Makes a webhook.
            ///
            /// Keep the secret that its deliveries are signed with: it is not shown again.
            create_webhook: post "/v1/projects/{project}/webhooks" => webhooks::create;

            /// Shows a webhook.
            get_webhook: get "/v1/projects/{project}/webhooks/{id}" => webhooks::show;

            /// Moves, pauses or resumes a webhook.
            update_webhook: patch "/v1/projects/{project}/webhooks/{id}" => webhooks::change;

            /// Deletes a webhook, and forgets what was on its way to it.
            delete_webhook: delete "/v1/projects/{project}/webhooks/{id}" => webhooks::delete;

            /// Gives a webhook another secret.
            ///
            /// For 24 hours, deliveries carry the signatures of both.
            rotate_webhook_secret: post "/v1/projects/{project}/webhooks/{id}/rotate-secret"
                => webhooks::rotate_secret;

            /// Delivers an event that tells of nothing, and says what became of it.
            test_webhook: post "/v1/projects/{project}/webhooks/{id}/test" => webhooks::test;

            /// Lists what was delivered and what was not, the latest first, for a week.
            list_webhook_deliveries: get "/v1/projects/{project}/webhooks/{id}/deliveries"
                => webhooks::deliveries;
        }

        /// For whatever watches the server.
        "Health" {
            /// Says that the process runs.
            ///
            /// Asks nothing else; a process that does not answer should be started again.
            check_alive: get "/healthz" => health::alive;

            /// Says whether requests are wanted.
            ///
            /// They are not while the server shuts down, or when its database does not answer.
            check_ready: get "/readyz" => health::ready;
        }
    }
}
