use super::{RowName, SealedColumn};

/// One entry. `from` is the table with the joins that say more about its rows, and must name a
/// `project_id`; `fields` say what they are bound to.
macro_rules! column {
    (
        $table:literal . $column:literal as $bound:literal, $named:ident,
        from $from:literal, project $project:literal,
        fields $fields:literal, keys $first:literal, $second:literal,
        where_key $where:literal
    ) => {
        SealedColumn {
            table: $table,
            column: $column,
            bound_as: $bound,
            named: RowName::$named,
            stale: concat!(
                "SELECT ",
                $project,
                " AS project_id, ",
                $fields,
                ", ",
                $first,
                " AS key_1, ",
                $second,
                " AS key_2, ",
                $table,
                ".",
                $column,
                " AS sealed",
                " FROM ",
                $from,
                " JOIN data_keys ON data_keys.project_id = ",
                $project,
                " AND data_keys.role = 'current'",
                " WHERE ",
                $table,
                ".",
                $column,
                " IS NOT NULL",
                " AND substr(",
                $table,
                ".",
                $column,
                ", 2, 16) <> data_keys.id",
                " AND ",
                $first,
                " >= $1 ORDER BY ",
                $first,
                " LIMIT $2"
            ),
            every: concat!(
                "SELECT ",
                $project,
                " AS project_id, ",
                $fields,
                ", ",
                $first,
                " AS key_1, ",
                $second,
                " AS key_2, ",
                $table,
                ".",
                $column,
                " AS sealed",
                " FROM ",
                $from,
                " WHERE ",
                $table,
                ".",
                $column,
                " IS NOT NULL",
                " AND (",
                $first,
                " > $1 OR ",
                $first,
                " = $1 AND ",
                $second,
                " > $2)",
                " ORDER BY key_1, key_2 LIMIT $3"
            ),
            replace: concat!(
                "UPDATE ",
                $table,
                " SET ",
                $column,
                " = $1 WHERE ",
                $column,
                " = $2 AND ",
                $where
            ),
            count: concat!(
                "SELECT ",
                $project,
                " AS project_id, substr(",
                $table,
                ".",
                $column,
                ", 2, 16) AS key_id, COUNT(*) AS number FROM ",
                $from,
                " WHERE ",
                $table,
                ".",
                $column,
                " IS NOT NULL",
                " GROUP BY ",
                $project,
                ", substr(",
                $table,
                ".",
                $column,
                ", 2, 16)"
            ),
        }
    };
}

/// All of them.
pub static SEALED_COLUMNS: &[SealedColumn] = &[
    column!(
        "project_connectors"."client_secret" as "client_secret", First,
        from "project_connectors", project "project_connectors.project_id",
        fields "project_connectors.environment, project_connectors.hosts,
            project_connectors.generation, CAST(NULL AS TEXT) AS external_id",
        keys "project_connectors.id", "''",
        where_key "id = $3 AND $4 = ''"
    ),
    column!(
        "project_connectors"."previous_client_secret" as "client_secret", First,
        from "project_connectors", project "project_connectors.project_id",
        fields "project_connectors.environment, project_connectors.hosts,
            project_connectors.generation - 1 AS generation, CAST(NULL AS TEXT) AS external_id",
        keys "project_connectors.id", "''",
        where_key "id = $3 AND $4 = ''"
    ),
    column!(
        "tokens"."access_token" as "access_token", Both,
        from "tokens JOIN connections ON connections.id = tokens.connection_id
            LEFT JOIN end_users ON end_users.id = connections.end_user_id",
        project "connections.project_id",
        fields "connections.environment, connections.hosts, tokens.generation,
            end_users.external_id",
        keys "tokens.connection_id", "tokens.kind",
        where_key "connection_id = $3 AND kind = $4"
    ),
    column!(
        "tokens"."refresh_token" as "refresh_token", Both,
        from "tokens JOIN connections ON connections.id = tokens.connection_id
            LEFT JOIN end_users ON end_users.id = connections.end_user_id",
        project "connections.project_id",
        fields "connections.environment, connections.hosts, tokens.generation,
            end_users.external_id",
        keys "tokens.connection_id", "tokens.kind",
        where_key "connection_id = $3 AND kind = $4"
    ),
    column!(
        "refreshes"."answer" as "answer", Both,
        from "refreshes JOIN connections ON connections.id = refreshes.connection_id
            LEFT JOIN end_users ON end_users.id = connections.end_user_id",
        project "connections.project_id",
        fields "connections.environment, connections.hosts, refreshes.generation,
            end_users.external_id",
        keys "refreshes.connection_id", "refreshes.kind",
        where_key "connection_id = $3 AND kind = $4"
    ),
    column!(
        "oauth_states"."code_verifier" as "code_verifier", Digest,
        from "oauth_states JOIN auth_requests ON auth_requests.id = oauth_states.auth_request_id
            JOIN project_connectors ON project_connectors.id = auth_requests.project_connector_id
            LEFT JOIN end_users ON end_users.id = auth_requests.end_user_id",
        project "auth_requests.project_id",
        fields "auth_requests.environment, project_connectors.hosts,
            CAST(1 AS BIGINT) AS generation, end_users.external_id, oauth_states.state_hash",
        keys "oauth_states.auth_request_id", "''",
        where_key "auth_request_id = $3 AND $4 = ''"
    ),
    column!(
        "webhooks"."secret" as "secret", First,
        from "webhooks", project "webhooks.project_id",
        fields "webhooks.environment, webhooks.hosts, webhooks.generation,
            CAST(NULL AS TEXT) AS external_id",
        keys "webhooks.id", "''",
        where_key "id = $3 AND $4 = ''"
    ),
    column!(
        "webhooks"."previous_secret" as "secret", First,
        from "webhooks", project "webhooks.project_id",
        fields "webhooks.environment, webhooks.hosts, webhooks.generation - 1 AS generation,
            CAST(NULL AS TEXT) AS external_id",
        keys "webhooks.id", "''",
        where_key "id = $3 AND $4 = ''"
    ),
    column!(
        "idempotent_requests"."answer" as "answer", First,
        from "idempotent_requests", project "idempotent_requests.project_id",
        fields "idempotent_requests.environment, '[]' AS hosts,
            CAST(1 AS BIGINT) AS generation, CAST(NULL AS TEXT) AS external_id",
        keys "idempotent_requests.id", "''",
        where_key "id = $3 AND $4 = ''"
    ),
];
