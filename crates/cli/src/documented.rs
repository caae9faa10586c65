//! The deployment files and the documents name every setting of this program, and no other.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use clap::{Command, CommandFactory as _};

use crate::{Cli, secrets};

/// Told to tests alone, and to the example of a receiver of webhooks.
const OF_OTHERS: [&str; 3] =
    ["ASTRALFORM_TEST_ON_POSTGRES", "ASTRALFORM_CRASH_POINT", "ASTRALFORM_WEBHOOK_SECRET"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the files of a folder, by their paths from the root.
fn files(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap()).filter(|entry| entry.path().is_file());
    names.map(|entry| format!("{folder}/{}", entry.file_name().to_str().unwrap())).collect()
}

/// Returns the variables that a command and those below it take.
fn taken(by: &Command) -> BTreeSet<String> {
    let own = by.get_arguments().filter_map(|argument| argument.get_env());
    let own = own.map(|name| name.to_str().unwrap().to_owned());
    own.chain(by.get_subcommands().flat_map(taken)).collect()
}

/// Returns the variables of ours that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    let ours =
        words.filter(|word| word.strip_prefix("ASTRALFORM_").is_some_and(|rest| !rest.is_empty()));
    ours.map(ToOwned::to_owned).collect()
}

#[test]
fn what_is_deployed_and_documented_sets_what_the_program_knows() {
    let mut known = taken(&Cli::command());
    known.extend(OF_OTHERS.into_iter().chain(secrets::VARIABLES).map(ToOwned::to_owned));
    let documents = files("docs")
        .into_iter()
        .filter(|path| Path::new(path).extension().is_some_and(|extension| extension == "md"));
    let mut seen = BTreeSet::new();
    for path in documents.chain(files("deploy")).chain(["README.md".to_owned()]) {
        for name in named(&text(&path)) {
            assert!(known.contains(&name), "{path} names {name}, which no command knows");
            seen.insert(name);
        }
    }
    assert!(seen.len() > 10, "{seen:?}");
}

#[test]
fn every_setting_of_the_server_is_in_the_table_of_settings() {
    let command = Cli::command();
    let serve = command.find_subcommand("serve").unwrap();
    let table = text("docs/configuration.md");
    for name in taken(serve) {
        assert!(
            table.contains(&format!("| `{name}`")),
            "docs/configuration.md has no row of {name}"
        );
    }
}

/// Returns the commands that do something, by the words that name them.
fn commands(of: &Command, before: &str) -> Vec<String> {
    let below = of.get_subcommands().filter(|below| below.get_name() != "help");
    let mut found = Vec::new();
    for below in below {
        let name = format!("{before}{}", below.get_name());
        if below.has_subcommands() {
            found.extend(commands(below, &format!("{name} ")));
        } else {
            found.push(name);
        }
    }
    found
}

#[test]
fn the_page_on_the_command_line_has_every_command_and_no_other() {
    let page = text("docs/cli.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let rows = rows.map(|(name, _)| name).filter(|name| !name.starts_with("ASTRALFORM_"));
    let documented: BTreeSet<_> = rows.map(ToOwned::to_owned).collect();
    let known: BTreeSet<_> = commands(&Cli::command(), "").into_iter().collect();
    assert_eq!(documented, known);
}

/// Returns the command lines of a page's examples, without what a shell does around them.
fn examples(page: &str) -> Vec<String> {
    let joined = page.replace("\\\n", " ");
    let lines = joined.split("```").skip(1).step_by(2).flat_map(str::lines);
    let ours = lines.filter_map(|line| Some(&line[line.find("astralform ")?..]));
    let ends = [" #", " &&", " >", ")"];
    ours.map(|line| {
        let end = ends.iter().filter_map(|end| line.find(end)).min();
        line[..end.unwrap_or(line.len())].to_owned()
    })
    .collect()
}

#[test]
fn the_examples_on_the_command_line_are_taken() {
    let examples = examples(&text("docs/cli.md"));
    assert!(examples.len() > 10, "{examples:?}");
    for example in examples {
        let given = example.split_whitespace();
        let over_a_server = given.clone().chain(["--token", "pat_x"]);
        let is_taken = Cli::command().try_get_matches_from(given).is_ok()
            || Cli::command().try_get_matches_from(over_a_server).is_ok();
        assert!(is_taken, "{example}");
    }
}

#[test]
fn the_image_is_built_with_the_rust_that_the_program_asks_for() {
    let manifest = text("Cargo.toml");
    let version = manifest.split("rust-version = \"").nth(1).unwrap().split('"').next().unwrap();
    let dockerfile = text("deploy/Dockerfile");
    let from = format!("FROM rust:{version}-bookworm AS build");
    assert!(dockerfile.contains(&from), "deploy/Dockerfile should say `{from}`");
}

#[test]
fn what_runs_the_program_gives_it_no_rights_and_the_time_to_stop() {
    let dockerfile = text("deploy/Dockerfile");
    assert!(dockerfile.contains("\nUSER 65532:65532\n"));
    let compose = text("deploy/compose.yaml");
    for line in ["read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", "127.0.0.1:8787:"]
    {
        assert!(compose.contains(line), "{line}");
    }
    let unit = text("deploy/astralform.service");
    for line in [
        "LoadCredential=astralform.key:",
        "Environment=ASTRALFORM_KEY_FILE=%d/astralform.key",
        "User=astralform",
        "CapabilityBoundingSet=\n",
        "ProtectSystem=strict",
        "NoNewPrivileges=yes",
    ] {
        assert!(unit.contains(line), "{line}");
    }
    // Requests have 30 s, and a refresh that was sent 45 s.
    assert!(compose.contains("stop_grace_period: 90s") && unit.contains("TimeoutStopSec=90s"));
}
