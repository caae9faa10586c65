//! Mappings as a catalogue has them.

use serde_json::json;

use super::{Document, Program, RunError, StepBudget, output, run};

#[test]
fn a_page_of_channels_becomes_a_compact_list() {
    let body = json!({
        "ok": true,
        "channels": [
            {"id": "C1", "name": "general", "is_archived": false, "num_members": 4,
                "topic": {"value": "All hands", "creator": "U1", "last_set": 1}, "unlinked": 0},
            {"id": "C2", "name": "old", "is_archived": true, "num_members": 0,
                "topic": {"value": "", "creator": "", "last_set": 0}},
            {"id": "C3", "name": "random", "is_archived": false, "num_members": 2,
                "topic": {"value": "", "creator": "", "last_set": 0}},
        ],
        "response_metadata": {"next_cursor": "dGVhbTpDMDYxRkE1UEI="},
    });
    let mapping = r#"
        if .ok then {
          channels: [
            .channels[] | select(.is_archived | not)
            | {id, name, topic: .topic.value, members: .num_members}
            | with_entries(select(.value != null and .value != ""))
          ],
          next: (.response_metadata.next_cursor | select(. != "") // null)
        } else error(.error) end"#;
    assert_eq!(
        output(mapping, &body),
        json!({
            "channels": [
                {"id": "C1", "name": "general", "topic": "All hands", "members": 4},
                {"id": "C3", "name": "random", "members": 2},
            ],
            "next": "dGVhbTpDMDYxRkE1UEI=",
        })
    );
    let failed = run(mapping, &json!({"ok": false, "error": "invalid_auth"}));
    assert!(matches!(failed, Err(RunError::Raised { value }) if value == "invalid_auth"));
    let empty = json!({"ok": true, "channels": [], "response_metadata": {"next_cursor": ""}});
    assert_eq!(output(mapping, &empty), json!({"channels": [], "next": null}));
}

#[test]
fn a_nested_token_response_becomes_a_flat_one() {
    let body = json!({
        "ok": true, "app_id": "A1", "team": {"id": "T1", "name": "Acme"},
        "authed_user": {"id": "U1", "scope": "chat:write,users:read", "access_token": "xoxp-1",
            "token_type": "user", "expires_in": 43200, "refresh_token": "xoxe-1"},
    });
    let mapping = r#"
        .authed_user as $user
        | if .ok then {
            access_token: $user.access_token,
            refresh_token: $user.refresh_token,
            expires_in: $user.expires_in,
            scopes: ($user.scope | split(",") | map(select(. != "")) | sort),
            account: "\(.team.name)/\($user.id)"
          } | map_values(values)
          else {error: .error, error_description: "the provider answered \(.error)"} end"#;
    assert_eq!(
        output(mapping, &body),
        json!({
            "access_token": "xoxp-1", "refresh_token": "xoxe-1", "expires_in": 43200,
            "scopes": ["chat:write", "users:read"], "account": "Acme/U1",
        })
    );
    assert_eq!(
        output(mapping, &json!({"ok": false, "error": "bad_code"})),
        json!({"error": "bad_code", "error_description": "the provider answered bad_code"})
    );
}

#[test]
fn arguments_become_a_request() {
    let mapping = r#"{
        path: "/repos/\($owner | @uri)/\(.repo | @uri)/issues",
        query: ({state, labels: (.labels // [] | join(",")), per_page: ([.limit // 30, 100] | min)}
            | with_entries(select(.value != null and .value != "") | {key, value: (.value | tostring)})),
        headers: {authorization: "Basic \("\(.user):\(.password)" | @base64)"},
        since: (.since | select(. != null) | todate) // null
    }"#;
    let program = Program::compile(mapping, &["owner"]).unwrap();
    let arguments = json!({"repo": "hello world", "labels": ["bug", "p1"], "limit": 500,
        "user": "u", "password": "p", "since": 1_700_000_000});
    let document = Document::from_value(&arguments).unwrap();
    assert_eq!(
        program.run(&document, &[&json!("octo/cat")], StepBudget::DEFAULT).unwrap(),
        json!({
            "path": "/repos/octo%2Fcat/hello%20world/issues",
            "query": {"labels": "bug,p1", "per_page": "100"},
            "headers": {"authorization": "Basic dTpw"},
            "since": "2023-11-14T22:13:20Z",
        })
    );
}

#[test]
fn a_page_of_a_thousand_items_fits_into_the_default_budget() {
    let issue = |number: usize| {
        json!({"number": number, "title": "Found a bug", "user": {"login": "octocat"},
            "labels": [{"name": "bug"}, {"name": "help"}], "body": "It broke. ".repeat(40),
            "state": "open", "comments": 3, "closed_at": null})
    };
    let body = (0..1000).map(issue).collect();
    let mapping = "{issues: [.[] | {number, title, state, author: .user.login, comments,
        labels: [.labels[].name], body: (.body // \"\" | .[:80])}] | sort_by(-.number)}";
    assert_eq!(output(mapping, &body)["issues"][0]["number"], json!(999));
}
