//! The rules of `ARCHITECTURE.md` that neither the compiler nor `cargo deny` holds.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]

mod floors;
mod literals;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The longest a file may be before its tests; over 300 lines a review asks why.
const LONGEST_FILE: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Returns the folders of all crates, the product's first.
fn crates() -> Vec<PathBuf> {
    let folders = ["crates", "tools"].map(|folder| fs::read_dir(root().join(folder)).unwrap());
    folders.into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

fn is_test(path: &Path) -> bool {
    let folders = path.components().any(|part| part.as_os_str() == "tests");
    folders || path.ends_with("tests.rs") || path.ends_with("testing.rs")
}

/// Returns the lines of a file before its tests.
fn before_tests(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .map(ToOwned::to_owned)
        .collect()
}

/// Returns the product's own crates that a crate depends on, tests aside.
fn own_dependencies(krate: &Path) -> BTreeSet<String> {
    let manifest = fs::read_to_string(krate.join("Cargo.toml")).unwrap();
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap_or_default();
    let dependencies = dependencies.split("\n[").next().unwrap_or_default();
    let names = dependencies.lines().filter_map(|line| line.strip_prefix("astralform-"));
    names.map(|line| line.split(['.', ' ']).next().unwrap().to_owned()).collect()
}

/// What starts everything, and what tests start it with, may know each of these.
const ALL_BELOW: &[&str] = &[
    "catalog",
    "domain",
    "egress",
    "engine",
    "http",
    "management",
    "operations",
    "server",
    "simulator",
    "storage",
    "surface",
    "vault",
];

/// Each crate, and those that it may know. The surfaces `api` and `web` do not know each other.
const ORDER: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("jq", &[]),
    ("catalog", &["domain", "jq"]),
    ("vault", &["domain"]),
    ("storage", &["domain"]),
    ("egress", &["domain"]),
    ("http", &["domain"]),
    ("provider", &["catalog", "domain", "egress", "jq"]),
    ("engine", &["catalog", "domain", "egress", "provider", "storage", "vault"]),
    ("management", &["catalog", "domain", "engine", "storage", "vault"]),
    ("operations", &["domain", "engine", "storage", "vault"]),
    ("surface", &["catalog", "domain", "engine", "http", "management"]),
    ("api", &["catalog", "domain", "engine", "http", "management", "surface"]),
    ("web", &["catalog", "domain", "engine", "http", "surface"]),
    ("server", &["api", "domain", "http", "surface", "web"]),
    ("simulator", &[]),
    ("cli", ALL_BELOW),
    ("testkit", ALL_BELOW),
    ("soak", &["domain", "simulator", "storage", "testkit", "vault"]),
    ("bench", &["catalog", "domain", "egress", "engine", "management", "storage", "vault"]),
];

#[test]
fn crates_depend_on_one_another_in_one_direction() {
    let order: BTreeMap<_, _> = ORDER.iter().copied().collect();
    for krate in crates() {
        let allowed = order.get(name(&krate).as_str()).expect("every crate has its place");
        for dependency in own_dependencies(&krate) {
            assert!(
                allowed.contains(&dependency.as_str()),
                "{} must not know {dependency}",
                krate.display()
            );
        }
    }
}

/// Code that treats one provider otherwise than the rest has to name it in a text. An identifier is
/// none: `Box` is a type, and `close` a method.
#[test]
fn a_provider_is_data() {
    let folders = fs::read_dir(root().join("catalog")).unwrap();
    let mut providers: BTreeSet<String> =
        folders.map(|entry| name(&entry.unwrap().path())).collect();
    providers.extend(["slack", "notion", "github"].map(ToOwned::to_owned));
    for krate in crates() {
        if ["simulator", "testkit"].contains(&name(&krate).as_str()) {
            continue;
        }
        for file in rust_files(&krate).into_iter().filter(|file| !is_test(file)) {
            // A value of the header `Connection` (RFC 9110 §7.6.1), and of no connector.
            let source = before_tests(&file).join("\n").replace("from_static(\"close\")", "");
            for (line, literal) in literals::literals(&source) {
                let named = literals::names(&literal, &providers);
                assert_eq!(named, None, "{}:{line}: {literal}", file.display());
            }
        }
    }
}

#[test]
fn no_file_is_longer_than_the_ceiling() {
    for krate in crates() {
        for file in rust_files(&krate).into_iter().filter(|file| !is_test(file)) {
            let lines = before_tests(&file).len();
            assert!(lines <= LONGEST_FILE, "{} has {lines} lines", file.display());
        }
    }
}

#[test]
fn every_crate_obeys_the_workspaces_lints_and_says_what_it_is() {
    for krate in crates() {
        let manifest = fs::read_to_string(krate.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{}", krate.display());
        let entry = ["src/lib.rs", "src/main.rs"].map(|file| krate.join(file));
        let entry = entry.iter().find(|file| file.exists()).unwrap();
        assert!(fs::read_to_string(entry).unwrap().starts_with("//!"), "{}", entry.display());
    }
}

#[test]
fn only_one_module_names_a_database_driver_and_only_one_dials() {
    for (word, homes) in [
        (
            "sqlx",
            &[
                "crates/storage/src/db.rs",
                "crates/storage/src/db/clock.rs",
                "crates/storage/src/db/copy.rs",
                "crates/storage/src/db/greet.rs",
                "crates/storage/src/db/line.rs",
                "crates/storage/src/db/made.rs",
                "crates/storage/src/db/open.rs",
                "crates/storage/src/db/transaction.rs",
                "crates/storage/src/error.rs",
            ][..],
        ),
        (
            "TcpStream::connect",
            // Only the first is a part of the product.
            &["crates/egress/src/dial.rs", "tools/bench/src/http.rs", "tools/soak/src/proxy.rs"],
        ),
    ] {
        for krate in crates() {
            for file in rust_files(&krate).into_iter().filter(|file| !is_test(file)) {
                let names = before_tests(&file).iter().any(|line| line.contains(word));
                let at_home = homes.iter().any(|home| file.ends_with(home));
                assert!(!names || at_home, "{} names {word}", file.display());
            }
        }
    }
}

/// Returns what the links of a document lead to, other sites and places in the same document aside.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let targets = targets.map(|(target, _)| target.split('#').next().unwrap_or_default());
    targets.filter(|target| !target.is_empty() && !target.contains("://")).collect()
}

#[test]
fn every_link_of_a_document_leads_somewhere() {
    let mut documents: Vec<_> = ["README", "ARCHITECTURE", "CONTRIBUTING", "SECURITY", "CHANGELOG"]
        .map(|name| root().join(format!("{name}.md")))
        .to_vec();
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    documents.extend(docs.filter(|path| path.extension().is_some_and(|it| it == "md")));
    let mut found = 0;
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        for link in links(&text) {
            found += 1;
            let target = document.parent().unwrap().join(link);
            assert!(target.exists(), "{} links to {link}, which is not there", document.display());
        }
    }
    assert!(found > 100, "only {found} links were found");
}
