use serde_json::Value;

use crate::program::{run, said};

#[test]
fn the_connectors_are_listed_with_their_tools() {
    let listed = run(&std::env::temp_dir(), &["connectors", "list"]);
    assert!(said(&listed).contains("slack_search_messages"), "{}", said(&listed));
    let listed = run(&std::env::temp_dir(), &["connectors", "list", "--json"]);
    let first: Value = serde_json::from_str(said(&listed).lines().next().unwrap()).unwrap();
    assert!(first["tools"].as_array().is_some_and(|tools| !tools.is_empty()), "{first}");
}

#[test]
fn a_broken_folder_is_named_beside_the_list() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("broken")).unwrap();
    std::fs::write(folder.path().join("broken/connector.yaml"), "slug: [").unwrap();
    let path = folder.path().to_str().unwrap();
    let listed = run(folder.path(), &["connectors", "list", "--catalog", path]);
    assert!(!listed.status.success());
    assert!(said(&listed).contains("left out: broken/connector.yaml:2:1: "), "{}", said(&listed));
    assert!(said(&listed).contains("slack_list_channels"), "the others are listed");
}

#[test]
fn the_schema_of_the_format_is_one() {
    let printed = run(&std::env::temp_dir(), &["connectors", "schema"]);
    let schema: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(schema["title"], "An Astralform connector");
    assert!(schema["properties"]["tools"].is_object());
}
