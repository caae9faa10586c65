//! The settings of environments from a shell: shown, changed, and copied once they have been looked
//! at.

use serde_json::{Value, json};

use crate::managed::Managed;

const COPY: [&str; 6] = ["environments", "copy", "--from", "test", "--to", "live"];

#[test]
fn environments_are_shown_and_changed_from_a_shell() {
    let managed = Managed::new();
    let both = managed.ok(&["environments", "show", "--json"]);
    let both: Vec<Value> = both.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(
        (&both[0]["environment"], &both[1]["environment"]),
        (&json!("live"), &json!("test"))
    );

    let update = ["environments", "update", "test"];
    let urls = [
        "--return-url=https://app.example.com/done",
        "--return-url=http://localhost:3000/done",
        "--allowed-origin=https://app.example.com",
        "--verify-end-user=confirm",
    ];
    let changed = managed.ok(&[&update[..], &urls].concat());
    for line in [
        "environment      test",
        "verify end user  confirm",
        "return URLs      https://app.example.com/done, http://localhost:3000/done",
        "allowed origins  https://app.example.com",
        "version          2",
    ] {
        assert!(changed.lines().any(|told| told == line), "{changed}");
    }
    let changed = managed.json(&[&update[..], &["--return-url", ""]].concat());
    assert_eq!((&changed["return_urls"], &changed["version"]), (&json!([]), &json!(3)));
    assert_eq!(changed["allowed_origins"], json!(["https://app.example.com"]));
    assert_eq!(managed.json(&["environments", "show", "test"]), changed);

    for (arguments, expected) in [
        (&["environments", "update", "test"][..], "required"),
        (&["environments", "update", "prod", "--return-url="], "invalid value"),
        (&["environments", "update", "test", "--return-url=ftp://a"], "(422): `return_urls` has"),
        (&["environments", "update", "live", "--verify-end-user=maybe"], "invalid value"),
        (&["environments", "show", "--project", "Another"], "no such project"),
    ] {
        let refused = managed.refused(arguments);
        assert!(refused.contains(expected), "{arguments:?}: {refused}");
    }
}

#[tokio::test]
async fn an_environment_is_copied_once_its_plan_was_looked_at() {
    let managed = Managed::new();
    let nothing = managed.ok(&COPY);
    assert!(nothing.starts_with("Nothing differs"), "{nothing}");
    let nothing = managed.ok(&[&COPY[..], &["--yes"]].concat());
    assert!(nothing.starts_with("Nothing differs"), "{nothing}");

    let done = "https://app.example.com/done";
    let origin = "https://app.example.com";
    let update = ["--return-url", done, "--allowed-origin", origin];
    managed.ok(&[&["environments", "update", "test"][..], &update].concat());
    managed.ok(&[
        "project-connectors",
        "enable",
        "slack",
        "--environment=test",
        "--tool=slack_list_channels",
    ]);
    let plan = managed.ok(&COPY);
    for line in [
        "+ return URL https://app.example.com/done",
        "+ allowed origin https://app.example.com",
        "+ connector slack, which then waits for credentials",
        "Say --yes to copy this.",
    ] {
        assert!(plan.lines().any(|told| told == line), "{line}: {plan}");
    }
    assert!(plan.contains("    tools: default → [\"slack_list_channels\"]"), "{plan}");
    let plan = managed.json(&COPY);
    assert_eq!(plan["return_urls"], json!([done]));
    assert_eq!(managed.json(&["environments", "show", "live"])["return_urls"], json!([]));

    let copied = managed.ok(&[&COPY[..], &["--yes"]].concat());
    assert!(copied.ends_with("Copied.\n"), "{copied}");
    let live = managed.json(&["environments", "show", "live"]);
    assert_eq!(
        (&live["return_urls"], &live["allowed_origins"]),
        (&json!([done]), &json!([origin]))
    );
    let enabled = managed.json(&["project-connectors", "list", "--environment", "live"]);
    assert_eq!(enabled["status"], "needs_credentials", "{enabled}");
    let nothing = managed.ok(&COPY);
    assert!(nothing.contains("Nothing differs"), "{nothing}");

    for (arguments, expected) in [
        (&["environments", "copy", "--from", "test"][..], "--to"),
        (&["environments", "copy", "--from=test", "--to=test"], "are the same"),
    ] {
        let refused = managed.refused(arguments);
        assert!(refused.contains(expected), "{arguments:?}: {refused}");
    }
}
