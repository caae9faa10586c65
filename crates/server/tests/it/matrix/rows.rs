use astralform_domain::{
    AdminAccess::{self, Read, Write},
    Role::{self, Admin, Member, Owner},
};

/// Who may do what a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Anybody, without a token.
    Anybody,
    /// A backend or session of the end user.
    Caller,
    /// A backend of the project.
    Backend,
    /// Members of the team from that role on, by a token with that access.
    Member(Role, AdminAccess),
    /// Any member, on what is their own, by a token with that access.
    Self_(AdminAccess),
}

/// How an operation is tried.
pub(super) struct Row {
    pub(super) id: &'static str,
    pub(super) who: Who,
    /// What the path calls `{id}`: the name of one of the world's ids.
    pub(super) named: &'static str,
    /// What is added to the path.
    pub(super) query: &'static str,
    /// What is sent, with names of the world's ids.
    pub(super) body: &'static str,
    /// How its rightful owner is answered.
    pub(super) success: u16,
    /// Whether it names something of the end user, which another caller has none of.
    pub(super) names_something: bool,
    /// Whether what it names is in `test` and not in `live`.
    pub(super) is_of_test: bool,
}

/// The operations that take no token.
pub(super) const PUBLIC: [&str; 2] = ["check_alive", "check_ready"];

const fn row(id: &'static str, who: Who) -> Row {
    Row {
        id,
        who,
        named: "",
        query: "",
        body: "",
        success: 200,
        names_something: false,
        is_of_test: false,
    }
}

const fn member(id: &'static str, role: Role, access: AdminAccess) -> Row {
    row(id, Who::Member(role, access))
}

impl Row {
    const fn with(self, body: &'static str) -> Self {
        Self { body, ..self }
    }

    const fn of(self, named: &'static str) -> Self {
        Self { named, ..self }
    }

    const fn query(self, query: &'static str) -> Self {
        Self { query, ..self }
    }

    const fn answers(self, success: u16) -> Self {
        Self { success, ..self }
    }

    const fn naming_something(self) -> Self {
        Self { names_something: true, ..self }
    }

    const fn in_test(self) -> Self {
        Self { query: "?environment=test", is_of_test: true, ..self }
    }

    const fn listed_in_test(self) -> Self {
        Self { query: "?environment=test", ..self }
    }
}

pub(super) const ROWS: &[Row] = &[
    row("check_alive", Who::Anybody),
    row("check_ready", Who::Anybody),
    row("list_tools", Who::Caller),
    row("call_tool", Who::Caller).with(r#"{"arguments": {}}"#),
    row("explain_tool", Who::Caller).query("?tool=slack_list_channels"),
    row("list_connections", Who::Caller),
    row("get_connection", Who::Caller).of("{connection}").naming_something(),
    row("update_connection", Who::Caller)
        .of("{connection}")
        .with(r#"{"label": "Work"}"#)
        .naming_something(),
    row("delete_connection", Who::Caller).of("{connection}").answers(204).naming_something(),
    row("create_session", Who::Backend).with(r#"{"end_user_id": "carol"}"#).answers(201),
    row("create_auth_request", Who::Caller).with(r#"{"connector": "slack", "account": "new"}"#),
    row("get_auth_request", Who::Caller).of("{auth_request}").naming_something(),
    row("confirm_auth_request", Who::Backend)
        .of("{auth_request}")
        .with(r#"{"end_user_id": "alice", "confirmation": "none"}"#)
        .answers(409),
    row("list_catalog", Who::Self_(Read)),
    row("get_catalog_connector", Who::Self_(Read)),
    row("get_me", Who::Self_(Read)),
    row("list_teams", Who::Self_(Read)),
    row("list_admin_tokens", Who::Self_(Read)),
    row("create_admin_token", Who::Self_(Write)).with(r#"{"name": "CI"}"#).answers(201),
    row("revoke_admin_token", Who::Self_(Write)).of("{own_token}").answers(204),
    row("list_projects", Who::Self_(Read)),
    member("create_project", Admin, Write)
        .with(r#"{"name": "Another", "team_id": "{team}"}"#)
        .answers(201),
    member("get_project", Member, Read),
    member("update_project", Admin, Write).with(r#"{"name": "Renamed", "accent": "moss"}"#),
    member("set_project_logo", Admin, Write).with("{picture}"),
    member("delete_project_logo", Admin, Write).answers(204),
    member("delete_project", Owner, Write).with(r#"{"confirm": "Test project"}"#),
    member("delete_end_user", Admin, Write).listed_in_test(),
    member("list_calls", Member, Read).listed_in_test(),
    member("get_call", Member, Read).of("{call}").in_test(),
    member("get_usage", Member, Read).listed_in_test(),
    member("list_audit_entries", Admin, Read),
    member("list_team_audit_entries", Admin, Read),
    member("get_environment", Member, Read),
    member("update_environment", Admin, Write)
        .with(r#"{"return_urls": ["https://app.example.com/done"]}"#),
    member("plan_copy", Member, Read).query("?from=live"),
    member("copy_environment", Admin, Write).with(r#"{"from": "live", "digest": "{digest}"}"#),
    member("list_agents", Member, Read),
    member("create_agent", Admin, Write).with(r#"{"name": "editor"}"#).answers(201),
    member("get_agent", Member, Read),
    member("update_agent", Admin, Write).with(r#"{"is_enabled": false}"#),
    member("delete_agent", Admin, Write),
    member("assign_connectors", Admin, Write).with(r#"[{"connector": "slack"}]"#),
    member("list_api_keys", Member, Read),
    member("create_api_key", Admin, Write)
        .with(r#"{"environment": "test", "name": "CI"}"#)
        .answers(201),
    member("get_api_key", Member, Read).of("{api_key}"),
    member("roll_api_key", Admin, Write).of("{api_key}").with("{}").answers(201),
    member("revoke_api_key", Admin, Write).of("{api_key}").answers(204),
    member("list_connectors", Member, Read),
    member("enable_connector", Admin, Write)
        .with(r#"{"connector": "notion", "environment": "test", "sandbox": true}"#)
        .answers(201),
    member("get_connector", Member, Read).in_test(),
    member("update_connector", Admin, Write).with(r#"{"is_enabled": false}"#).in_test(),
    member("disable_connector", Admin, Write).in_test(),
    member("check_connector", Member, Read).in_test(),
    member("explain_project_tool", Member, Read)
        .query("?environment=test&tool=slack_list_channels&api_key={api_key}"),
    member("share_connection", Admin, Write).in_test(),
    member("confirm_shared_connection", Admin, Write)
        .with(r#"{"auth_request_id": "{shared_request}", "confirmation": "none"}"#)
        .listed_in_test()
        .answers(409),
    member("list_project_connections", Member, Read).listed_in_test(),
    member("get_project_connection", Member, Read).of("{connection}").in_test(),
    member("list_connection_history", Member, Read).of("{connection}").in_test(),
    member("delete_project_connection", Member, Write).of("{connection}").in_test().answers(204),
    member("revoke_project_connections", Admin, Write)
        .with(r#"{"connector": "slack"}"#)
        .listed_in_test(),
    member("list_revocations", Member, Read).listed_in_test(),
    member("list_webhooks", Member, Read).listed_in_test(),
    member("create_webhook", Admin, Write)
        .with(r#"{"url": "{receiver}"}"#)
        .listed_in_test()
        .answers(201),
    member("get_webhook", Member, Read).of("{webhook}").in_test(),
    member("update_webhook", Admin, Write)
        .of("{webhook}")
        .with(r#"{"is_enabled": false}"#)
        .in_test(),
    member("delete_webhook", Admin, Write).of("{webhook}").in_test().answers(204),
    member("rotate_webhook_secret", Admin, Write).of("{webhook}").in_test(),
    member("test_webhook", Admin, Write).of("{webhook}").in_test(),
    member("list_webhook_deliveries", Member, Read).of("{webhook}").in_test(),
];
