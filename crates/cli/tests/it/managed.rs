use std::{
    io::Write as _,
    process::{Output, Stdio},
};

use serde_json::Value;

use crate::{
    installation::Installation,
    program::{Running, astralform},
    setup::address,
};

/// An installation that is managed from a shell, by its owner.
pub(crate) struct Managed {
    pub(crate) at: Installation,
    pub(crate) base: String,
    _server: Running,
}

impl Managed {
    pub(crate) fn new() -> Self {
        Self::over(Installation::new(None))
    }

    pub(crate) fn over(at: Installation) -> Self {
        let server = at.serve();
        let base = address(&server);
        Self { at, base, _server: server }
    }

    pub(crate) fn project(&self) -> &str {
        self.at.made["project_id"].as_str().unwrap()
    }

    /// Runs a command as the holder of a token, with these variables and this standard input.
    pub(crate) fn run_as(
        &self,
        token: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
        input: &str,
    ) -> Output {
        let mut command = astralform(self.at.path(), arguments);
        command.env("ASTRALFORM_URL", &self.base).env("ASTRALFORM_TOKEN", token);
        command.envs(variables.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // One that ends without reading it closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let token = self.at.made["admin_token"].as_str().unwrap();
        self.run_as(token, arguments, &[], "")
    }

    /// Runs a command that must succeed, and returns what it printed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        printed(arguments, &self.run(arguments))
    }

    /// Runs a command with `--json`, and returns the one line that it prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let printed = self.ok(&[arguments, &["--json"]].concat());
        let line = serde_json::from_str(&printed);
        line.unwrap_or_else(|_| panic!("{arguments:?}: {printed}"))
    }

    /// Runs a command that must fail, and returns why.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        complaint(arguments, &self.run(arguments))
    }
}

/// Returns what a command printed that succeeded.
pub(crate) fn printed(arguments: &[&str], output: &Output) -> String {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Returns what a command complained of that failed.
pub(crate) fn complaint(arguments: &[&str], output: &Output) -> String {
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "{arguments:?}: {printed}");
    String::from_utf8(output.stderr.clone()).unwrap()
}
