use std::{
    path::Path,
    process::{Command, Output},
};

use crate::program::{astralform, said};

/// Runs the command, and reads what it prints while it does: a pipe holds less than that.
fn completions(folder: &Path, shell: &str) -> Output {
    astralform(folder, &["completions", shell]).output().unwrap()
}

#[test]
fn shells_are_told_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let printed = completions(folder.path(), shell);
        assert!(printed.status.success(), "{}", said(&printed));
        let script = said(&printed);
        for word in ["project-connectors", "client-secret-file", "admin-tokens", "completions"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let bash = completions(folder.path(), "bash");
    std::fs::write(folder.path().join("bash"), &bash.stdout).unwrap();
    let check = "source ./bash && COMP_WORDS=(astralform agents cre) COMP_CWORD=2 && \
                 _astralform astralform cre agents && echo \"${COMPREPLY[@]}\"";
    let mut shell = Command::new("bash");
    let completed = shell.args(["-c", check]).current_dir(folder.path()).output().unwrap();
    assert_eq!(said(&completed), "create\n");
    let other = completions(folder.path(), "tcsh");
    assert!(said(&other).contains("[possible values: bash, elvish, fish, powershell, zsh]"));
}
