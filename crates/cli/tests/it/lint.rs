use std::{fs, path::Path};

use crate::program::{run, said};

fn catalog() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalog")
}

/// Returns a copy of the built-in catalogue with one connector changed by `change`, under another
/// name.
fn with_broken(change: impl Fn(&str) -> String) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["good", "broken"] {
        let copy = folder.path().join(name);
        fs::create_dir(&copy).unwrap();
        for file in ["icon.svg", "setup.md", "connector.yaml"] {
            fs::copy(catalog().join("slack").join(file), copy.join(file)).unwrap();
        }
        let yaml = fs::read_to_string(copy.join("connector.yaml")).unwrap();
        let yaml = yaml.replace("slug: slack", &format!("slug: {name}"));
        let yaml = yaml.replace("- name: slack_", &format!("- name: {name}_"));
        let yaml = if name == "broken" { change(&yaml) } else { yaml };
        fs::write(copy.join("connector.yaml"), yaml).unwrap();
    }
    folder
}

#[test]
fn the_built_in_catalogue_is_in_order() {
    let output = run(&catalog(), &["connectors", "lint", "."]);
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn every_fault_comes_with_its_place_and_fix_and_the_others_still_load() {
    let folder = with_broken(|yaml| {
        yaml.replace("summary:", "sumary:").replace("limit: (.limit // 100)", "limit: (.limit //)")
    });
    let output = run(folder.path(), &["connectors", "lint", "."]);
    assert!(!output.status.success());
    let said = said(&output);
    assert!(said.contains("broken/connector.yaml:7:1: the field `sumary` is not known"), "{said}");
    assert!(said.contains("did you mean `summary`?"), "{said}");
    assert!(said.contains("the field `summary` is missing"), "{said}");
    assert_eq!(said.matches("fix:").count(), 3, "{said}");
    assert!(said.contains("1 connector with 3 tools in order, 3 faults"), "{said}");
}

#[test]
fn a_stray_file_beside_the_folders_is_passed_over() {
    let folder = with_broken(ToOwned::to_owned);
    fs::write(folder.path().join("README.md"), "Ours.").unwrap();
    let output = run(folder.path(), &["connectors", "lint", "."]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("2 connectors"), "{}", said(&output));
}

#[test]
fn one_connectors_folder_can_be_named_by_itself() {
    let output = run(&catalog(), &["connectors", "lint", "slack"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("1 connector"));
}

#[test]
fn a_path_without_connectors_is_an_error() {
    let empty = tempfile::tempdir().unwrap();
    for path in [".", "missing"] {
        let output = run(empty.path(), &["connectors", "lint", path]);
        assert!(!output.status.success(), "{}", said(&output));
    }
}
