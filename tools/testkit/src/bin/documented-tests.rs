//! Checks that every test that a document names exists and has passed.
//!
//! `documented-tests LOG DOCUMENT…`: the log is what `cargo test` printed; the tests are the names
//! in backticks in the last column of the documents' tables.

use std::{collections::BTreeSet, env, fs, process::ExitCode};

/// A test named in a document, and the line it is named in.
#[derive(Debug, PartialEq)]
struct Named<'a> {
    line: usize,
    test: &'a str,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [log, documents @ ..] = arguments.as_slice() else {
        return complain(&["usage: documented-tests LOG DOCUMENT…".to_owned()]);
    };
    let log = fs::read_to_string(log).unwrap_or_default();
    let passed = passed(&log);
    let faults: Vec<_> = documents.iter().flat_map(|path| faults(path, &passed)).collect();
    if faults.is_empty() { ExitCode::SUCCESS } else { complain(&faults) }
}

/// Returns what is wrong with a document.
fn faults(path: &str, passed: &BTreeSet<&str>) -> Vec<String> {
    let Ok(text) = fs::read_to_string(path) else {
        return vec![format!("{path} cannot be read")];
    };
    let named = named(&text);
    if named.is_empty() {
        return vec![format!("{path} names no test")];
    }
    let missing = named.iter().filter(|named| !passed.contains(named.test));
    missing
        .map(|named| format!("{path}:{}: no test `{}` has passed", named.line, named.test))
        .collect()
}

/// Returns the names in backticks in the last column of each table.
fn named(text: &str) -> Vec<Named<'_>> {
    let rows = text.lines().enumerate().filter_map(|(at, line)| {
        let cells = line.trim().strip_prefix('|')?.strip_suffix('|')?;
        let last = cells.rsplit_once('|').map_or(cells, |(_, last)| last);
        Some(last.split('`').skip(1).step_by(2).map(move |test| Named { line: at + 1, test }))
    });
    rows.flatten().collect()
}

/// Returns the names of the tests that passed, without their modules.
fn passed(log: &str) -> BTreeSet<&str> {
    let tests = log.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... ok"));
    tests.map(|path| path.rsplit_once("::").map_or(path, |(_, name)| name)).collect()
}

#[expect(clippy::print_stderr, reason = "the report is what the command is for")]
fn complain(faults: &[String]) -> ExitCode {
    for fault in faults {
        eprintln!("{fault}");
    }
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "\
`not_a_test` in the text
| row | `nor_this` | tests |
|---|---|---|
| O1 | a defence | `o1_first`<br>`o1_second` |
| O2 | a defence | not yet |
";

    #[test]
    fn tests_are_named_in_the_last_column_of_tables() {
        let expected = ["o1_first", "o1_second"].map(|test| Named { line: 4, test });
        assert_eq!(named(DOCUMENT), expected);
    }

    #[test]
    fn only_tests_that_passed_count() {
        let log = "test module::o1_first ... ok\ntest o1_second ... FAILED\ntest o3 ... ignored\n";
        assert_eq!(passed(log), BTreeSet::from(["o1_first"]));
    }

    #[test]
    fn a_document_without_tests_or_with_missing_ones_is_at_fault() {
        let file = env::temp_dir().join(format!("documented-{}.md", std::process::id()));
        let path = file.to_str().unwrap();
        fs::write(&file, DOCUMENT).unwrap();
        let passed = BTreeSet::from(["o1_first"]);
        let expected = format!("{path}:4: no test `o1_second` has passed");
        assert_eq!(faults(path, &passed), [expected]);
        fs::write(&file, "nothing").unwrap();
        assert_eq!(faults(path, &passed), [format!("{path} names no test")]);
        fs::remove_file(&file).unwrap();
    }
}
