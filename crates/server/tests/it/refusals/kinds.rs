//! The kinds of refusals that there are, read from the code that writes them.

use std::path::{Path, PathBuf};

/// A sentence of an error type that becomes a refusal.
#[derive(Debug)]
pub(super) struct Kind {
    /// The type it belongs to.
    of: String,
    /// What stays the same in it, around what is filled in.
    parts: Vec<String>,
}

/// Types that are part of those that become refusals themselves.
const INNER: [&str; 4] = ["NotEnabled", "OutOfReach", "UndeclaredScope", "Wrong"];

impl Kind {
    pub(super) fn is_shown_by(&self, detail: &str) -> bool {
        let is_inner = INNER.contains(&self.of.as_str());
        let Some((last, begins)) = self.parts.split_last() else { return false };
        let mut rest = detail;
        for (number, part) in begins.iter().enumerate() {
            let found = rest.find(part.as_str()).filter(|at| number > 0 || is_inner || *at == 0);
            let Some(at) = found else { return false };
            rest = &rest[at + part.len()..];
        }
        let is_whole = !begins.is_empty() || rest == last;
        rest.ends_with(last.as_str()) && is_whole || is_inner && rest.contains(last.as_str())
    }
}

/// Returns every kind: the sentences of all types that `Problem` is made of.
pub(super) fn all() -> Vec<Kind> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let problems = sources(&crates.join("surface/src/problem"));
    let mut texts = sources(&crates.join("engine/src"));
    texts.extend(sources(&crates.join("egress/src")));
    texts.extend(sources(&crates.join("management/src")));
    texts.push(std::fs::read_to_string(crates.join("domain/src/stale.rs")).unwrap());
    texts.extend(problems.iter().cloned());
    let table = std::fs::read_to_string(crates.join("surface/src/problem.rs")).unwrap();
    let found = std::iter::once(&table).chain(&problems).flat_map(|text| converted(text));
    let names: Vec<String> = found.chain(INNER.map(ToOwned::to_owned)).collect();
    assert!(names.len() > 15, "only {names:?} become refusals?");
    let kinds: Vec<_> = names
        .iter()
        .filter(|name| *name != "Fault")
        .flat_map(|name| {
            let kinds: Vec<_> = texts.iter().flat_map(|text| of_type(name, text)).collect();
            assert!(!kinds.is_empty(), "{name} has no sentences");
            kinds
        })
        .collect();
    assert!(kinds.len() > 100, "only {} kinds", kinds.len());
    kinds
}

fn sources(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        if path.is_dir() { sources(&path) } else { vec![std::fs::read_to_string(path).unwrap()] }
    };
    entries.flat_map(read).collect()
}

/// Returns the types that a text makes problems of.
fn converted(text: &str) -> Vec<String> {
    let after = text.split("impl From<").skip(1);
    let names = after.filter_map(|rest| rest.split_once("> for Problem {")).map(|(name, _)| name);
    names.filter(|name| !name.contains('\n')).map(ToOwned::to_owned).collect()
}

/// Returns the sentences of a type, where the text declares it.
fn of_type(name: &str, text: &str) -> Vec<Kind> {
    let declared =
        [format!("enum {name} {{\n"), format!("struct {name} {{\n"), format!("struct {name};\n")];
    let Some(at) = declared.iter().find_map(|declaration| text.find(declaration.as_str())) else {
        return Vec::new();
    };
    let is_struct = text[at..].starts_with("struct");
    let attributes = text[..at].rfind("\n\n").unwrap_or(0);
    let end = text[at..].find("\n}\n").map_or(text.len(), |end| at + end);
    let range = if is_struct { attributes..at } else { at..end };
    let sentences = text[range].split("#[error(").skip(1).filter_map(literal);
    sentences.map(|sentence| Kind { of: name.to_owned(), parts: parts(&sentence) }).collect()
}

/// Returns the text that an attribute begins with; none of one that is transparent.
fn literal(attribute: &str) -> Option<String> {
    let mut inside = attribute.trim_start().strip_prefix('"')?.chars();
    let mut sentence = String::new();
    while let Some(c) = inside.next() {
        match c {
            '"' => return Some(sentence),
            '\\' => match inside.next()? {
                '\n' => inside = inside.as_str().trim_start().chars(),
                other => sentence.push(other),
            },
            other => sentence.push(other),
        }
    }
    None
}

/// Returns what stands around the blanks of a sentence.
fn parts(sentence: &str) -> Vec<String> {
    let hidden = sentence.replace("{{", "\u{1}").replace("}}", "\u{2}");
    let mut parts = vec![String::new()];
    let mut rest = hidden.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        parts.last_mut().unwrap().push_str(before);
        parts.push(String::new());
        rest = after.split_once('}').unwrap().1;
    }
    parts.last_mut().unwrap().push_str(rest);
    parts.iter().map(|part| part.replace('\u{1}', "{").replace('\u{2}', "}")).collect()
}

#[test]
fn a_sentence_is_known_by_what_stands_around_its_blanks() {
    let read = literal(
        "\n        \"`{0}` is \\\"not\\\" \\\n         there{near}: see {{here}}\"\n    )]",
    )
    .unwrap();
    assert_eq!(read, "`{0}` is \"not\" there{near}: see {{here}}");
    let kind = Kind { of: "Any".to_owned(), parts: parts(&read) };
    assert!(kind.is_shown_by("`x` is \"not\" there (or so): see {here}"));
    for other in ["x is \"not\" there: see {here}", "`x` is \"not\" there: see {here} too"] {
        assert!(!kind.is_shown_by(other), "{other}");
    }
    assert_eq!(literal("transparent)]"), None);
}
