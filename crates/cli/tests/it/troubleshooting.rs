//! Why something does not work, asked from a shell.

use serde_json::{Value, json};

use crate::{
    managed::Managed,
    program::{run, said},
};

const TEST: &str = "--environment=test";

fn doctor(managed: &Managed, arguments: &[&str]) -> (bool, String) {
    let output = run(managed.at.path(), &[&["doctor"], arguments].concat());
    (output.status.success(), said(&output))
}

#[test]
fn a_tool_is_explained_and_an_installation_looked_through_from_a_shell() {
    let managed = Managed::new();
    let (is_well, said) = doctor(&managed, &[]);
    assert!(is_well && said.contains("Looked at 1 projects with 0 connectors"), "{said}");

    let explain = ["explain", "slack_list_channels", TEST];
    let explained = managed.ok(&explain);
    assert!(explained.contains("enabled    failed"), "{explained}");
    assert!(explained.contains("cause  not_enabled"), "{explained}");
    let app = ["slack", "--sandbox", "--client-id=1.2"];
    managed.ok(&[&["project-connectors", "enable", TEST], &app[..1], &app[1..2]].concat());
    managed.ok(&["agents", "create", "writer", "--connector=slack", "--connector=notion"]);
    let for_alice = [&explain[..], &["--agent=writer", "--end-user=alice"]].concat();
    let explained = managed.json(&for_alice);
    assert_eq!(explained["cause"]["code"], "not_connected");
    assert_eq!(explained["steps"][7], json!({"step": "connected", "state": "failed"}));
    let nobody = managed.json(&[&explain[..], &["--agent=nobody"]].concat());
    assert_eq!(nobody["cause"]["code"], "unknown_agent");

    let (is_well, said) = doctor(&managed, &[]);
    assert!(is_well && said.contains("sandbox_not_looked_at"), "{said}");
    let (is_well, said) = doctor(&managed, &managed.at.sandbox());
    assert!(is_well && !said.contains("sandbox_not_looked_at"), "{said}");
    assert!(said.contains("the agent `writer` has been assigned it"), "{said}");
    managed.ok(&["project-connectors", "update", TEST, "slack", "--enabled=false"]);
    let (is_well, said) = doctor(&managed, &[&["--json"], &managed.at.sandbox()[..]].concat());
    assert!(!is_well, "a connector is paused");
    let rows: Vec<Value> =
        said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let paused = rows.iter().find(|row| row["code"] == "connector_paused").unwrap();
    assert_eq!((&paused["severity"], &paused["connector"]), (&json!("error"), &json!("slack")));
    let checked = managed.run(&["project-connectors", "check", "slack", TEST]);
    assert!(!checked.status.success());
    let checked = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.contains("\nredirect URI: http") && checked.contains("connector_paused"));
}
