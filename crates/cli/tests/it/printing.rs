//! Outputs that cannot be written: closed, full, or with a reader that has gone.

use std::{
    fs::File,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use astralform_testkit::free_address;

use crate::program::{Running, astralform, run, said};

/// Returns what becomes of a command whose outputs are these files.
fn ended(folder: &Path, arguments: &[&str], out: Stdio, error: Stdio) -> Output {
    astralform(folder, arguments)
        .stdout(out)
        .stderr(error)
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap()
}

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

/// Returns a pipe that nobody reads.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

const PRINTING: [&[&str]; 9] = [
    &["connectors", "list"],
    &["connectors", "list", "--json"],
    &["connectors", "schema"],
    &["completions", "bash"],
    &["migrate"],
    &["keys", "status"],
    &["keys", "check"],
    &["api-keys", "list", "--json"],
    &["demo", "--port", "0"],
];

fn installation() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = run(folder.path(), &["bootstrap", "--email", "ada@example.com", "--json"]);
    assert!(made.status.success(), "{}", said(&made));
    folder
}

#[test]
fn an_output_that_is_full_is_an_error_and_one_without_a_reader_a_quiet_end() {
    let folder = installation();
    for arguments in PRINTING {
        let output = ended(folder.path(), arguments, full(), Stdio::piped());
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", said(&output));
        let complaint = said(&output);
        assert!(
            complaint.contains("standard output cannot be written"),
            "{arguments:?}: {complaint}"
        );
        let output = ended(folder.path(), arguments, unread(), Stdio::piped());
        assert_eq!(output.status.code(), Some(141), "{arguments:?}: {}", said(&output));
        assert_eq!(said(&output), "", "{arguments:?}");
    }
}

#[test]
fn an_error_that_nobody_can_be_told_of_is_one_all_the_same() {
    let folder = installation();
    for error in [full, unread] {
        for arguments in [&["keys", "retire", "x"][..], &["migrate", "--data-dir", "/dev/null/x"]] {
            let code = ended(folder.path(), arguments, Stdio::null(), error()).status.code();
            assert!(matches!(code, Some(1 | 2)), "{arguments:?}: {code:?}");
        }
        let listed = ended(folder.path(), &["keys", "status"], Stdio::piped(), error());
        assert!(listed.status.success());
    }
}

#[tokio::test]
async fn a_server_goes_on_when_its_log_is_full_or_not_read() {
    for log in [full, unread] {
        let folder = installation();
        let address = free_address().to_string();
        let mut command = astralform(folder.path(), &["serve", "--listen", &address]);
        let mut server = command.stdout(Stdio::null()).stderr(log()).spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let answer = reqwest::get(format!("http://{address}/readyz")).await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                break;
            }
            assert!(Instant::now() < end, "it does not serve");
            assert!(server.try_wait().unwrap().is_none(), "it ended");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap();
        assert!(server.wait().unwrap().success());
    }
}

/// Returns a command line of a shell, in which `$0` is the binary.
fn shell(folder: &Path, line: &str) -> Output {
    let binary = astralform(folder, &[]).get_program().to_owned();
    Command::new("sh").args(["-c", line]).arg(binary).current_dir(folder).output().unwrap()
}

#[test]
fn bootstrap_sets_nothing_up_whose_keys_nobody_has() {
    let folder = tempfile::tempdir().unwrap();
    let set_up = ["bootstrap", "--email", "ada@example.com"];
    let unread = ended(folder.path(), &set_up, unread(), Stdio::piped());
    assert!(said(&unread).contains("nothing is set up"), "{}", said(&unread));
    for output in [">/dev/full", ">&-", ">/dev/null"] {
        let line = format!("\"$0\" bootstrap --email ada@example.com {output}");
        let told = said(&shell(folder.path(), &line));
        assert!(told.contains("nothing is set up"), "{output}: {told}");
        assert!(!told.contains("panicked"), "{output}: {told}");
        let keys = run(folder.path(), &["api-keys", "list", "--all", "--json"]);
        assert_eq!(said(&keys), "", "{output}");
    }
    let made = run(folder.path(), &["bootstrap", "--email", "ada@example.com", "--json"]);
    assert!(made.status.success(), "{}", said(&made));
    let file = folder.path().join("keys.json");
    let other = tempfile::tempdir().unwrap();
    let line = format!("\"$0\" bootstrap --email ada@example.com --json > {}", file.display());
    assert!(shell(other.path(), &line).status.success());
    assert!(std::fs::read_to_string(file).unwrap().contains("pat_"));
    let server = Running::start(other.path(), &["serve", "--listen", "127.0.0.1:0"], true);
    assert!(server.terminate().success());
}
