use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Output};

use tempfile::TempDir;

use crate::program::{Running, astralform, run, said};

const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

fn serve_once(folder: &Path) {
    let running = Running::start(folder, &SERVE, true);
    assert!(running.terminate().success());
}

/// Returns a folder in which the server ran once.
fn used() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    serve_once(folder.path());
    folder
}

fn key(folder: &TempDir) -> std::path::PathBuf {
    folder.path().join("astralform.key")
}

fn database(folder: &TempDir) -> Vec<u8> {
    fs::read(folder.path().join("data/astralform.db")).unwrap()
}

/// Starts the server, which must refuse with one clear line and leave the database as it was.
fn refused(folder: &TempDir) -> String {
    let before = database(folder);
    let output: Output = run(folder.path(), &SERVE);
    assert!(!output.status.success(), "{}", said(&output));
    assert_eq!(database(folder), before, "a refused start writes nothing");
    let said = said(&output);
    let complaint: Vec<_> = said.lines().filter(|line| line.starts_with("astralform: ")).collect();
    assert_eq!(complaint.len(), 1, "{said}");
    complaint[0].to_owned()
}

#[test]
fn v4_the_first_start_makes_a_private_key_file_outside_the_data_folder() {
    let folder = used();
    let mode = fs::metadata(key(&folder)).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    serve_once(folder.path());
}

#[test]
fn v4_a_missing_key_file_stops_the_start_and_is_not_made_anew() {
    let folder = used();
    fs::remove_file(key(&folder)).unwrap();
    assert!(refused(&folder).contains("put its key file back"));
    assert!(!key(&folder).exists());
}

#[test]
fn v4_another_key_stops_the_start() {
    let folder = used();
    let other = used();
    fs::copy(key(&other), key(&folder)).unwrap();
    assert!(refused(&folder).contains("was written with master key"));
}

#[test]
fn v4_a_key_file_that_others_can_read_stops_the_start() {
    let folder = used();
    fs::set_permissions(key(&folder), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(refused(&folder).contains("chmod 600"));
}

#[test]
fn a_key_file_that_its_group_reads_is_taken_where_that_is_set_or_systemd_hands_it_over() {
    let folder = used();
    for mode in [0o440, 0o640] {
        fs::set_permissions(key(&folder), fs::Permissions::from_mode(mode)).unwrap();
        assert!(refused(&folder).contains("key_file_group_readable"));
        let mut command = astralform(folder.path(), &SERVE);
        command.env("ASTRALFORM_KEY_FILE_GROUP_READABLE", "true");
        assert!(Running::of(command, true).terminate().success());
    }
    let credentials = tempfile::tempdir().unwrap();
    fs::rename(key(&folder), credentials.path().join("astralform.key")).unwrap();
    assert!(refused(&folder).contains("put its key file back"));
    let mut command = astralform(folder.path(), &SERVE);
    command.env("CREDENTIALS_DIRECTORY", credentials.path());
    assert!(Running::of(command, true).terminate().success());
    fs::set_permissions(
        credentials.path().join("astralform.key"),
        fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    let mut command = astralform(folder.path(), &SERVE);
    command.env("CREDENTIALS_DIRECTORY", credentials.path());
    let exposed = command.output().unwrap();
    assert!(said(&exposed).contains("can be read or changed by others"), "{}", said(&exposed));
}

#[test]
fn v4_an_example_key_stops_the_start() {
    let folder = used();
    fs::write(key(&folder), "astralform-key-1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
        .unwrap();
    assert!(refused(&folder).contains("is an example key"));
    fs::write(key(&folder), "password\n").unwrap();
    assert!(refused(&folder).contains("is not a key"));
}

#[test]
fn v6_a_server_leaves_no_core_dump() {
    let folder = used();
    let server = Running::start(folder.path(), &SERVE, true);
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let words: Vec<_> = core.split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{core}");
}

#[test]
fn settings_that_cannot_be_meant_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, reason) in [
        (&["serve", "--public-url", "http://connect.example.com"][..], "must start with https://"),
        (&["serve", "--database-url", "mysql://x"], "sqlite: or postgres://"),
        (&["serve", "--catalog", "missing"], "is not a folder that can be read"),
        (&["serve", "--log", "a=b=c"], "is no log filter"),
        (&["serve", "--config", "missing.toml"], "cannot be read"),
    ] {
        let output = run(folder.path(), arguments);
        assert!(!output.status.success());
        assert!(said(&output).contains(reason), "{}", said(&output));
    }
}

#[test]
fn the_help_names_every_command() {
    let output = run(&std::env::temp_dir(), &["--help"]);
    for command in ["demo", "serve", "bootstrap", "migrate", "connectors"] {
        assert!(said(&output).contains(command));
    }
}
