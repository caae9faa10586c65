//! Who and what may act: agents, keys, tokens, and the log of what was done.

use astralform_surface::{openapi::OperationTable, operations};

use crate::manage::{agents, api_keys, audit_log, calls, me};

pub(super) fn access() -> OperationTable {
    operations! {
        /// The agents of a project, and the connectors assigned to them.
        "Agents" {
            /// Lists the agents of a project.
            list_agents: get "/v1/projects/{project}/agents" => agents::list;

            /// Creates an agent.
            ///
            /// No connector is assigned to it, unless the request says so.
            create_agent: post "/v1/projects/{project}/agents" => agents::create;

            /// Shows an agent.
            get_agent: get "/v1/projects/{project}/agents/{agent}" => agents::show;

            /// Changes an agent's name, its connectors, or whether it may act.
            update_agent: patch "/v1/projects/{project}/agents/{agent}" => agents::change;

            /// Deletes an agent.
            ///
            /// API keys and sessions that are bound to it end as well, which has to be wanted.
            delete_agent: delete "/v1/projects/{project}/agents/{agent}" => agents::delete;

            /// Assigns connectors to an agent, in place of those that were assigned before.
            ///
            /// From then on it has those alone, each with all its tools, some of them, or those
            /// that only read.
            assign_connectors: put "/v1/projects/{project}/agents/{agent}/connectors"
                => agents::assign;
        }

        /// What developers' backends hold.
        "API keys" {
            /// Lists the API keys of a project.
            list_api_keys: get "/v1/projects/{project}/api-keys" => api_keys::list;

            /// Creates an API key.
            ///
            /// Keep it: it is not shown again. Bound to an agent or to some connectors, it and
            /// every session that it opens reach nothing else.
            create_api_key: post "/v1/projects/{project}/api-keys" => api_keys::create;

            /// Shows an API key.
            get_api_key: get "/v1/projects/{project}/api-keys/{id}" => api_keys::show;

            /// Makes an API key in place of another one, which lives on for a while.
            ///
            /// The new one opens what the old one does. Sessions that the old one opened live on.
            roll_api_key: post "/v1/projects/{project}/api-keys/{id}/roll" => api_keys::roll;

            /// Revokes an API key.
            ///
            /// Within a second it opens nothing any more, on any node.
            revoke_api_key: delete "/v1/projects/{project}/api-keys/{id}" => api_keys::revoke;
        }

        /// What was done, and by whom.
        "Audit log" {
            /// Lists what was done in a project, for owners and admins.
            ///
            /// The newest first. Entries vouch for one another: `astralform audit verify` names
            /// whatever was altered or removed without the key.
            list_audit_entries: get "/v1/projects/{project}/audit" => audit_log::of_project;

            /// Lists what was done in a team, for owners and admins.
            list_team_audit_entries: get "/v1/teams/{team}/audit" => audit_log::of_team;
        }

        /// What agents did, without its content.
        "Calls" {
            /// Lists the tool calls of an environment.
            ///
            /// The newest first. A part looks at some 20,000 calls at most: where few of them fit,
            /// `searched_back_to` says how far that was, and `next_cursor` goes on from there. A call
            /// is listed within a second after it has ended.
            list_calls: get "/v1/projects/{project}/calls" => calls::list;

            /// Shows a tool call.
            get_call: get "/v1/projects/{project}/calls/{id}" => calls::find;

            /// Says how many calls, refreshes and prompts there were, and how they ended.
            ///
            /// By the day, for 400 days; told apart by what `by` names, 1,000 rows at most.
            get_usage: get "/v1/projects/{project}/usage" => calls::usage;
        }

        /// What members hold outside a browser.
        "Admin tokens" {
            /// Lists your admin tokens.
            list_admin_tokens: get "/v1/me/admin-tokens" => me::admin_tokens;

            /// Creates another admin token of yours.
            ///
            /// Keep it: it is not shown again.
            create_admin_token: post "/v1/me/admin-tokens" => me::create_admin_token;

            /// Revokes one of your admin tokens.
            revoke_admin_token: delete "/v1/me/admin-tokens/{id}" => me::revoke_admin_token;
        }
    }
}
