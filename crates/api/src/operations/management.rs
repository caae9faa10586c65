//! What members do: projects, connectors, connections.

use astralform_surface::{openapi::OperationTable, operations};

use crate::{
    health,
    manage::{
        catalog, connections, connectors, deletions, environments, me, revocations, shared,
        webhooks,
    },
};
pub(super) fn management() -> OperationTable {
    projects().and(webhooks_and_health())
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

            /// Lists the projects of the member's teams.
            list_projects: get "/v1/projects" => me::projects;

            /// Changes a project's name, for owners and admins.
            ///
            /// It stands on the pages on which end users connect their accounts.
            update_project: patch "/v1/projects/{project}" => me::rename_project;

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
