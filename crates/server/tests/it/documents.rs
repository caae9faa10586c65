//! What the documents list is what there is.

use std::{collections::BTreeSet, path::Path};

use astralform_surface::Code;
use astralform_testkit::TestServer;

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// Returns the words in `backticks` of one column of a table's rows.
fn words(table: &str, column: usize) -> BTreeSet<&str> {
    let rows = table.lines().filter_map(|row| row.strip_prefix("| ")?.strip_suffix(" |"));
    let cells = rows.filter_map(|row| row.split(" | ").nth(column));
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_code_is_explained_and_none_that_there_is_not() {
    let api = document("api.md");
    let (_, table) = api.split_once("\n# Errors\n").unwrap();
    let codes: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(words(table, 1), codes);
}

#[tokio::test]
async fn every_metric_is_explained_and_none_that_there_is_not() {
    let server = TestServer::start().await;
    let counted = server.app.engine().metrics().exposition();
    let types = counted.lines().filter_map(|line| line.strip_prefix("# TYPE astralform_"));
    let metrics: BTreeSet<_> = types
        .map(|line| match line.split_once(' ').unwrap() {
            (name, "counter") => format!("{name}_total"),
            (name, "info") => format!("{name}_info"),
            (name, _) => name.to_owned(),
        })
        .collect();
    let operations = document("operations.md");
    let (_, table) = operations.split_once("| metric (`astralform_…`)").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let documented: BTreeSet<_> = words(table, 0).into_iter().map(ToOwned::to_owned).collect();
    assert_eq!(documented, metrics);
}

#[test]
fn no_table_is_cut_in_two() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let mut pages = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "md") {
            continue;
        }
        pages += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        for (at, two) in lines.windows(2).enumerate() {
            let begins = two[1].starts_with("| ") && !two[0].starts_with('|');
            let has_head = lines.get(at + 2).is_some_and(|next| next.starts_with("|-"));
            assert!(!begins || has_head, "{}:{}: a row without a table", path.display(), at + 2);
        }
    }
    assert!(pages > 10, "only {pages} pages");
}
