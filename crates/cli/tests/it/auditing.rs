//! The audit log from a shell: listed, taken along, and verified beside the server.

use serde_json::Value;

use crate::{
    managed::Managed,
    program::{run, said},
};

fn verify(managed: &Managed) -> (bool, String) {
    let output = run(managed.at.path(), &["audit", "verify"]);
    (output.status.success(), said(&output))
}

#[test]
fn what_was_done_is_listed_exported_and_verified() {
    let managed = Managed::new();
    managed.ok(&["agents", "create", "writer"]);
    managed.ok(&["agents", "update", "writer", "--name", "author"]);
    let listed = managed.ok(&["audit", "list"]);
    assert!(listed.starts_with("AT "), "{listed}");
    assert!(listed.contains("agent.changed") && listed.contains('@'), "{listed}");
    assert!(listed.contains("  operator  "), "{listed}");
    let none = managed.ok(&["audit", "list", "--action=nothing"]);
    assert!(none.starts_with("There are no such entries."), "{none}");

    let exported = managed.ok(&["audit", "export"]);
    let actions: Vec<_> = exported
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["action"].clone())
        .collect();
    assert!(actions.contains(&"agent.created".into()), "{exported}");
    let table = managed.ok(&["audit", "export", "--format=csv", "--action=agent.created"]);
    assert!(table.starts_with("\"number\",\"at\","), "{table}");
    assert_eq!(table.lines().count(), 2, "{table}");

    managed.at.run(&["freeze", "--all"]);
    managed.at.run(&["unfreeze", "--all"]);
    let (holds, said) = verify(&managed);
    assert!(holds && said.contains("The audit log is as it was written."), "{said}");
    assert!(said.lines().any(|line| line.starts_with("installation  ")), "{said}");
}
