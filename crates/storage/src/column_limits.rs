//! What bounds each column that holds a text or bytes: a limit of the table of limits, or that this
//! program alone makes what is in it.

use std::collections::BTreeMap;

use astralform_domain::limits;

/// Of this program's making, and short: ids, digests, words of a list, names out of the catalogue.
const OURS: &str = "";

/// The columns of each table, with the names of their limits. Texts that the command line alone
/// writes, such as the names of teams, are bounded by the operator who runs it.
const BOUNDS: &[(&str, &[(&str, &str)])] = &[
    ("meta", &[("name", OURS), ("value", OURS)]),
    ("nodes", &[("process", OURS), ("name", OURS), ("catalog", OURS)]),
    ("teams", &[("name", OURS)]),
    ("members", &[("email", "EMAIL")]),
    ("memberships", &[("role", OURS)]),
    (
        "admin_tokens",
        &[
            ("name", "CREDENTIAL_NAME"),
            ("access", OURS),
            ("hint", OURS),
            ("created_by", OURS),
            ("tag", OURS),
        ],
    ),
    (
        "projects",
        &[
            ("name", "PROJECT_NAME"),
            ("accent", OURS),
            ("privacy_url", "PROJECT_LINK"),
            ("support_url", "PROJECT_LINK"),
        ],
    ),
    ("project_logos", &[("png", "LOGO"), ("digest", OURS)]),
    ("data_keys", &[("role", OURS), ("envelope", OURS)]),
    (
        "environments",
        &[
            ("verify_end_user", OURS),
            ("return_urls", "RETURN_URL"),
            ("allowed_origins", "ALLOWED_ORIGIN"),
            ("tag", OURS),
        ],
    ),
    ("agents", &[("name", OURS), ("connectors", "ASSIGNMENTS")]),
    (
        "api_keys",
        &[
            ("name", "CREDENTIAL_NAME"),
            ("connectors", "ASSIGNMENTS"),
            ("hint", OURS),
            ("created_by", OURS),
            ("tag", OURS),
        ],
    ),
    ("end_users", &[("external_id", "END_USER")]),
    (
        "audit_entries",
        &[
            ("chain", OURS),
            ("actor", OURS),
            ("action", OURS),
            ("subject", OURS),
            ("end_user", OURS),
            ("details", "AUDIT_DETAILS"),
            ("request_id", OURS),
            ("address", OURS),
            ("mac", OURS),
        ],
    ),
    (
        "audit_heads",
        &[
            ("chain", OURS),
            ("mac", OURS),
            ("tag", OURS),
            ("removed_mac", OURS),
            ("removed_tag", OURS),
        ],
    ),
    ("audit_names", &[("pseudonym", OURS), ("end_user", "END_USER")]),
    (
        "sessions",
        &[
            ("end_user", "END_USER"),
            ("connectors", "ASSIGNMENTS"),
            ("tools", "TOOLS"),
            ("tag", OURS),
        ],
    ),
    (
        "project_connectors",
        &[
            ("connector", OURS),
            ("scopes", "SCOPES_WEIGHT"),
            ("tools", "TOOLS"),
            ("endpoints", "ENDPOINT"),
            ("client_secret", "CREDENTIAL_FIELD"),
            ("client_secret_hint", OURS),
            ("previous_client_secret", "CREDENTIAL_FIELD"),
            ("client_id", "CREDENTIAL_FIELD"),
            ("hosts", "ENDPOINT"),
        ],
    ),
    (
        "connections",
        &[
            ("account_id", "ACCOUNT"),
            ("account_label", "ACCOUNT_LABEL"),
            ("label", "CONNECTION_LABEL"),
            ("status", OURS),
            ("reason", OURS),
            ("scopes", "SCOPES_WEIGHT"),
            ("hosts", "ENDPOINT"),
            ("previous_status", OURS),
            ("last_change", OURS),
        ],
    ),
    (
        "connection_events",
        &[
            ("kind", OURS),
            ("old_status", OURS),
            ("new_status", OURS),
            ("reason", OURS),
            ("prompt_status", OURS),
            ("failure", OURS),
        ],
    ),
    (
        "tokens",
        &[
            ("kind", "TOKEN_KIND"),
            ("access_token", "TOKEN"),
            ("refresh_token", "TOKEN"),
            ("scopes", "SCOPES_WEIGHT"),
        ],
    ),
    ("refreshes", &[("kind", "TOKEN_KIND"), ("node", OURS), ("answer", "TOKEN_ANSWER")]),
    (
        "auth_requests",
        &[
            ("asks_for", OURS),
            ("renews", OURS),
            ("reason", OURS),
            ("required_scopes", "SCOPES_WEIGHT"),
            ("granted_scopes", "SCOPES_WEIGHT"),
            ("account_hint", "ACCOUNT_LABEL"),
            ("return_url", "RETURN_URL"),
            ("status", OURS),
            ("failure", OURS),
            ("provider_error", "PROVIDER_WORDS"),
            ("last_change", OURS),
        ],
    ),
    (
        "oauth_states",
        &[("code_verifier", OURS), ("redirect_uri", OURS), ("issuer", OURS), ("tag", OURS)],
    ),
    ("changes", &[("topics", OURS)]),
    ("call_erasures", &[("end_user", "END_USER")]),
    (
        "calls",
        &[
            ("connector", OURS),
            ("tool", OURS),
            ("end_user", OURS),
            ("actor", OURS),
            ("outcome", OURS),
            ("reason", OURS),
            ("summary", OURS),
        ],
    ),
    ("call_end_users", &[("end_user", "END_USER")]),
    ("call_usage", &[("connector", OURS), ("tool", OURS), ("counted", OURS)]),
    ("idempotent_requests", &[("request_digest", OURS), ("answer", "KEPT_ANSWER")]),
    ("revocations", &[("connector", OURS), ("status", OURS), ("last_error", OURS)]),
    (
        "webhooks",
        &[
            ("url", "WEBHOOK_URL"),
            ("hosts", "WEBHOOK_URL"),
            ("secret", OURS),
            ("previous_secret", OURS),
            ("disabled", OURS),
        ],
    ),
    (
        "webhook_deliveries",
        &[
            ("connector", OURS),
            ("end_user", "END_USER"),
            ("old_status", OURS),
            ("new_status", OURS),
            ("reason", OURS),
            ("status", OURS),
            ("failure", OURS),
            ("reconnect", OURS),
        ],
    ),
];

/// Returns the columns of texts and bytes, but for keys, digests and the environment, table by
/// table.
fn of_schema() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut tables = BTreeMap::new();
    let mut table = "";
    let main = include_str!("../migrations/0001_init.sql").lines();
    let calls = include_str!("../migrations/calls/0001_calls.sql").lines();
    for line in main.chain(calls) {
        if let Some(name) = line.strip_prefix("CREATE TABLE ") {
            table = name.trim_end_matches(" (");
        }
        let mut words = line.split_whitespace();
        let (Some(column), Some(kind)) = (words.next(), words.next()) else { continue };
        let is_column =
            line.starts_with("    ") && matches!(kind, "TEXT" | "TEXT," | "BYTEA" | "BYTEA,");
        let is_key = column == "id" || column.ends_with("_id") || column.ends_with("_hash");
        let is_foreign = ["account_id", "client_id", "external_id"].contains(&column);
        if is_column && (is_foreign || !is_key && column != "environment") {
            tables.entry(table).or_insert_with(Vec::new).push(column);
        }
    }
    tables
}

#[test]
fn f4_every_column_that_holds_a_text_or_bytes_has_a_bound() {
    let bounds: BTreeMap<_, BTreeMap<_, _>> =
        BOUNDS.iter().map(|(table, columns)| (*table, columns.iter().copied().collect())).collect();
    for (table, columns) in of_schema() {
        for column in columns {
            let bound = bounds.get(table).and_then(|known| known.get(column));
            let bound = *bound.unwrap_or_else(|| panic!("what bounds {table}.{column}?"));
            let is_limit = limits::ALL.iter().any(|limit| limit.name == bound);
            assert!(bound == OURS || is_limit, "{table}.{column}: there is no limit {bound}");
        }
    }
}
