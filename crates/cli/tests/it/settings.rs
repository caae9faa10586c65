//! Settings as machines fill them in: empty, with names, with slashes too many.

use astralform_testkit::free_address;

use crate::program::{Running, astralform, run, said};

/// Returns the variables that a command's help names.
fn variables(arguments: &[&str]) -> Vec<String> {
    let help = run(&std::env::temp_dir(), &[arguments, &["--help"]].concat());
    let help = said(&help).split_whitespace().collect::<Vec<_>>().join(" ");
    let is_of_name = |c: char| c.is_ascii_uppercase() || c == '_';
    let named = help.split("[env: ").skip(1);
    named.map(|rest| rest.chars().take_while(|c| is_of_name(*c)).collect()).collect()
}

#[test]
fn a_variable_that_is_empty_counts_as_not_set_whichever_it_is() {
    let all = variables(&["serve"]);
    assert!(all.len() > 15, "{all:?}");
    for value in ["", " "] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = astralform(folder.path(), &["serve"]);
        command.envs(all.iter().map(|name| (name, value)));
        command.args(["--listen", "127.0.0.1:0", "--public-url", "", "--node="]);
        let server = Running::of(command, true);
        let said = server.json();
        let url = said["fields"]["public_url"].as_str().unwrap();
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        assert!(folder.path().join("data/astralform.db").exists());
        assert!(server.terminate().success());
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = astralform(folder.path(), &["connections", "list"]);
    let names = variables(&["connections", "list"]);
    assert!(names.contains(&"ASTRALFORM_TOKEN".to_owned()), "{names:?}");
    let refused = command.envs(names.iter().map(|name| (name, ""))).output().unwrap();
    assert!(said(&refused).contains("--token"), "a token is required: {}", said(&refused));
}

#[test]
fn a_variable_for_a_flag_takes_the_usual_words() {
    let folder = tempfile::tempdir().unwrap();
    for (value, runs) in [("1", true), ("true", true), ("no", false), ("0", false)] {
        let mut command = astralform(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
        command.env("ASTRALFORM_SANDBOX", value);
        command.env("ASTRALFORM_SANDBOX_LISTEN", "localhost:0");
        let server = Running::of(command, true);
        // It is said before the line that `Running` waits for.
        assert!(server.terminate().success(), "{value} {runs}");
    }
}

#[test]
fn a_server_listens_at_localhost() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::start(folder.path(), &["serve", "--listen", "localhost:0"], true);
    let address = server.json()["fields"]["address"].as_str().unwrap().to_owned();
    assert!(std::net::TcpStream::connect(&address).is_ok(), "{address}");
    let other = tempfile::tempdir().unwrap();
    let refused = run(other.path(), &["serve", "--listen", "8787"]);
    assert!(
        said(&refused).contains("such as 127.0.0.1:8787, localhost:8787"),
        "{}",
        said(&refused)
    );
}

#[test]
fn a_database_is_where_its_address_says_and_keys_are_printed_only_for_one_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("af/four.db");
    let bootstrap = |address: &str| {
        let arguments = ["bootstrap", "--email", "ada@example.com", "--database-url", address];
        run(folder.path(), &arguments)
    };
    for address in [
        "sqlite::memory:",
        "sqlite://:memory:",
        "sqlite:///:memory:",
        "sqlite:x.db?mode=memory",
        "sqlite://localhost/x.db",
        "sqlite:/dev/null",
        "sqlite:/dev/full",
    ] {
        let refused = bootstrap(address);
        assert!(!refused.status.success(), "{address}");
        assert!(!said(&refused).contains("sk_"), "{address}: {}", said(&refused));
    }
    let made = bootstrap(&format!("sqlite:///{}", file.display()));
    assert!(made.status.success(), "{}", said(&made));
    assert!(file.exists());
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["astralform.key"], "nothing below the working folder");
    let again = bootstrap(&format!("sqlite:{}", file.display()));
    assert!(said(&again).contains("set up already"), "{}", said(&again));
}

#[test]
fn a_database_that_is_away_is_told_of_before_it_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let free = free_address();
    let url = format!("postgres://u:CANARY-password@{free}/d");
    for command in ["serve", "migrate"] {
        let output = run(folder.path(), &[command, "--database-url", &url]);
        let told = said(&output);
        assert!(!output.status.success(), "{told}");
        let first = told.lines().find(|line| line.contains("it is waited for")).expect(&told);
        assert!(first.contains(&free.port().to_string()), "{first}");
        assert!(first.contains("Connection refused"), "{first}");
        let last = told.lines().last().unwrap();
        assert!(
            last.contains(&format!("the PostgreSQL database at {free} cannot be used")),
            "{last}"
        );
        assert!(!told.contains("CANARY"), "{told}");
    }
}
