//! The order of the engine's modules: each knows those below it only. Parts hold the parts that they
//! call, by their types, so that a call is an import too.

use std::{collections::BTreeMap, fs, path::Path};

use super::{before_tests, is_test, root, rust_files};

/// From the ground up.
const FLOORS: &[&str] = &[
    "error",
    "nearest",
    "bearer",
    "site",
    "frozen",
    "not_enabled",
    "detached",
    "cache_map",
    "places",
    "data_keys",
    "metrics",
    "calls",
    "base",
    "audit",
    "row_tags",
    "connectors",
    "settings",
    "may_use",
    "cache",
    "connections",
    "revocations",
    "refresh",
    "credentials",
    "key_checks",
    "uses",
    "authentication",
    "reach",
    "explain",
    "sessions",
    "origins",
    "own_connections",
    "auth_requests",
    "webhooks",
    "tools",
    "project_connectors",
    "janitor",
    "idempotency",
    "engine",
    "spans",
];

fn floor(module: &str) -> usize {
    let found = FLOORS.iter().position(|known| *known == module);
    found.unwrap_or_else(|| panic!("the module `{module}` of the engine has no floor: list it"))
}

/// Returns what `lib.rs` exports at the root, each with its module.
fn exports(lib: &str) -> BTreeMap<String, String> {
    let uses = lib.split("pub use ").skip(1).filter_map(|rest| rest.split_once(';'));
    let mut found = BTreeMap::new();
    for (path, _) in uses {
        let Some((module, names)) = path.split_once("::") else { continue };
        let names = names.trim_matches(['{', '}']).split(',');
        for name in names.filter_map(|name| name.split_whitespace().last()) {
            found.insert(name.to_owned(), module.to_owned());
        }
    }
    found
}

/// Returns the first names behind `crate::`, alone and in braces.
fn names_of_crate(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => names.extend(first_names(list)),
            None => names.push(word(rest)),
        }
    }
    names
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Returns the first name of each item of a list in braces.
fn first_names(list: &str) -> Vec<String> {
    let mut depth = 1;
    let mut names = Vec::new();
    let mut begins = true;
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => begins = true,
            c if begins && c.is_alphanumeric() => {
                names.push(word(&list[at..]));
                begins = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

fn module_of(file: &Path, source: &Path) -> String {
    let path = file.strip_prefix(source).unwrap();
    let first = path.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

#[test]
fn modules_of_the_engine_know_only_those_below_them() {
    let source = root().join("crates/engine/src");
    let exports = exports(&fs::read_to_string(source.join("lib.rs")).unwrap());
    let mut arrows = 0;
    for file in rust_files(&source).into_iter().filter(|file| !is_test(file)) {
        let module = module_of(&file, &source);
        if module == "lib" {
            continue;
        }
        let code = before_tests(&file);
        let code: Vec<_> =
            code.iter().filter(|line| !line.trim_start().starts_with("//")).collect();
        let code = code.into_iter().map(String::as_str).collect::<Vec<_>>().join("\n");
        for name in names_of_crate(&code) {
            let known = exports.get(&name).unwrap_or(&name);
            if *known != module && FLOORS.contains(&known.as_str()) {
                arrows += 1;
                assert!(
                    floor(known) < floor(&module),
                    "{}: `{module}` must not know `{known}`, which is above it",
                    file.display()
                );
            }
        }
        floor(&module);
    }
    assert!(arrows > 100, "only {arrows} arrows were found");
}

#[test]
fn names_behind_crate_are_found_alone_and_in_braces() {
    let text =
        "use crate::{Fault, base::Base,\n    cache::{self, Cache}};\nlet x = crate::tools::X;";
    assert_eq!(names_of_crate(text), ["Fault", "base", "cache", "tools"]);
    let lib = "pub use a::B;\npub use c::{D, e::F, G as H};\n";
    let exports = exports(lib);
    assert_eq!(
        (exports["B"].as_str(), exports["D"].as_str(), exports["H"].as_str()),
        ("a", "c", "c")
    );
}
