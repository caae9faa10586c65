//! Agents from a shell: created, shown, changed, deleted, and what they may use.

use serde_json::{Value, json};

use crate::managed::Managed;

#[test]
fn agents_are_created_changed_and_deleted_from_a_shell() {
    let managed = Managed::new();
    let listed = managed.ok(&["agents", "list"]);
    assert!(listed.starts_with("ID  ") && listed.lines().count() == 2, "{listed}");
    assert_eq!(managed.json(&["agents", "list"])["name"], "default");

    let create = ["agents", "create", "writer", "--connector", "notion:read-only"];
    let made = managed.json(&create);
    assert_eq!(
        made["connectors"],
        json!([{"connector": "notion", "tools": null, "read_only": true}])
    );
    let taken = managed.refused(&create);
    assert!(taken.contains("the server refused (409)"), "{taken}");

    let id = made["id"].as_str().unwrap();
    let shown = managed.ok(&["agents", "show", id]);
    assert!(shown.contains("\nconnectors  notion:read-only\n"), "{shown}");
    let changed = managed.ok(&["agents", "update", "writer", "--name=editor", "--enabled=false"]);
    assert!(changed.contains("\nname        editor\n"), "{changed}");
    assert!(changed.contains("\nmay act     no\n"), "{changed}");
    assert_eq!(managed.json(&["agents", "show", "editor"])["version"], json!(2));

    managed.at.run(&["api-keys", "create", "--environment=test", "--agent=editor"]);
    let bound = managed.refused(&["agents", "delete", "editor"]);
    assert!(bound.contains("the server refused (409)"), "{bound}");
    let deleted = managed.ok(&["agents", "delete", "editor", "--end-dependents"]);
    assert_eq!(deleted, "Deleted, with 1 API key and 0 sessions.\n");
    assert_eq!(managed.ok(&["agents", "list", "--json"]).lines().count(), 1);
}

#[test]
fn connectors_are_assigned_in_place_of_those_before() {
    let managed = Managed::new();
    managed.ok(&["agents", "create", "writer"]);
    let assign = ["agents", "assign", "writer"];
    let assigned = managed.ok(&[
        &assign[..],
        &["--connector", "slack", "--connector", "notion:read-only"],
        &["--connector", "github:github_list_repos,github_search_issues"],
    ]
    .concat());
    let expected = "slack notion:read-only github:github_list_repos,github_search_issues";
    for part in expected.split(' ') {
        assert!(assigned.contains(part), "{assigned}");
    }
    let one = managed.json(&[&assign[..], &["--connector", "slack"]].concat());
    assert_eq!(one["connectors"].as_array().unwrap().len(), 1, "{one}");
    let none = managed.json(&[&assign[..], &["--none"]].concat());
    assert_eq!(none["connectors"], json!([]));
    let all = managed.json(&[&assign[..], &["--all"]].concat());
    assert_eq!((&all["connectors"], &all["version"]), (&Value::Null, &json!(5)));
}

#[test]
fn what_cannot_be_made_of_an_agent_is_refused() {
    let managed = Managed::new();
    for (arguments, expected) in [
        (&["agents", "create", "My agent"][..], "lower-case letters"),
        (&["agents", "create", "writer", "--connector", "slack:"], "a tool's name"),
        (&["agents", "show", "nobody"], "the server refused (404)"),
        (&["agents", "show", "../../teams"], "lower-case letters"),
        (&["agents", "update", "default"], "required"),
        (&["agents", "update", "default", "--enabled", "maybe"], "invalid value"),
        (&["agents", "update", "default", "--enabled", "false"], "the server refused (409)"),
        (&["agents", "delete", "default"], "the server refused (409)"),
        (&["agents", "assign", "default"], "required"),
        (&["agents", "assign", "default", "--all", "--none"], "cannot be used with"),
        (&["agents", "assign", "default", "--all", "--connector", "slack"], "cannot be used with"),
        (&["agents", "assign", "default", "--connector", "unheard-of"], "the server refused (422)"),
        (&["agents", "assign", "default", "--connector", "slack:slack_fly"], "(422)"),
    ] {
        let refused = managed.refused(arguments);
        assert!(refused.contains(expected), "{arguments:?}: {refused}");
    }
    assert_eq!(managed.json(&["agents", "list"])["version"], json!(1));
}
