//! The rules of voice that a machine can keep.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// How many of a hundred docs of functions open with a verb at least.
const WITH_VERB: usize = 95;

/// Words that look like verbs in the third person and open a doc as something else.
const NO_VERBS: [&str; 12] = [
    "This",
    "Its",
    "Whose",
    "Always",
    "Addresses",
    "Arguments",
    "Connections",
    "Keys",
    "Others",
    "Scopes",
    "Tokens",
    "Words",
];

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn lines_by_file() -> Vec<(PathBuf, Vec<String>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let mut files = Vec::new();
    for folder in ["crates", "tools"] {
        rust_files(&root.join(folder), &mut files);
    }
    let lines = |file: &PathBuf| -> Vec<String> {
        let text = fs::read_to_string(file).unwrap();
        text.lines().map(|line| line.trim().to_owned()).collect()
    };
    files.into_iter().map(|file| (file.clone(), lines(&file))).collect()
}

/// Returns the first line of each doc of a function, with its number.
fn function_docs(lines: &[String]) -> Vec<(usize, &str)> {
    let is_doc = |line: &String| line.starts_with("///");
    let mut docs = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        if !is_doc(line) || number > 0 && is_doc(&lines[number - 1]) {
            continue;
        }
        let documented =
            lines[number..].iter().find(|line| !is_doc(line) && !line.starts_with('#'));
        let mut words =
            documented.map(|line| line.split_whitespace().take(4)).into_iter().flatten();
        let is_keyword = |word: &&str| word.starts_with("pub") || ["const", "async"].contains(word);
        if words.find(|word| !is_keyword(word)) == Some("fn") {
            docs.push((number + 1, line.trim_start_matches('/').trim()));
        }
    }
    docs
}

fn opens_with_verb(doc: &str) -> bool {
    let word = doc.split(' ').next().unwrap_or_default().trim_end_matches(['.', ',', ';', ':']);
    word.ends_with('s')
        && word.starts_with(|first: char| first.is_ascii_uppercase())
        && word.chars().all(|c| c.is_ascii_alphabetic())
        && !NO_VERBS.contains(&word)
        || word == "Never"
}

#[test]
fn docs_of_functions_open_with_a_verb() {
    let mut all = 0;
    let mut others = Vec::new();
    for (file, lines) in lines_by_file() {
        for (number, doc) in function_docs(&lines) {
            all += 1;
            if !opens_with_verb(doc) {
                others.push(format!("{}:{number}: {doc}", file.display()));
            }
        }
    }
    assert!(all > 2_000, "{all} are found");
    let with_verb = all - others.len();
    assert!(with_verb * 100 >= all * WITH_VERB, "{with_verb} of {all}: {others:#?}");
}

#[test]
fn no_comment_leans_on_the_item_above_it() {
    for (file, lines) in lines_by_file() {
        let leans = |line: &&String| {
            let comment = line.strip_prefix("//").unwrap_or_default();
            comment.trim_start_matches(['/', '!']).trim_start().starts_with("The same")
        };
        let found: Vec<_> = lines.iter().filter(leans).collect();
        assert!(found.is_empty(), "{}: {found:?}", file.display());
    }
}
