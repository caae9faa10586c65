use std::path::Path;

use serde_json::{Value, json};

use crate::{
    program::{Running, run, said},
    setup::post,
};

/// An installation with two connectors in use, and a server that runs.
pub(crate) struct Installation {
    folder: tempfile::TempDir,
    store: Vec<String>,
    pub(crate) made: Value,
    sandbox: String,
}

impl Installation {
    /// Makes one on SQLite, or on the PostgreSQL database at that address.
    pub(crate) fn new(postgres: Option<String>) -> Self {
        let mut new = Self::empty(postgres);
        let made = new.run(&["bootstrap", "--email", "ada@example.com", "--json"]);
        new.made = serde_json::from_str(&made).unwrap();
        new
    }

    /// Makes one that nobody has set up.
    pub(crate) fn empty(postgres: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = postgres.map(|url| ["--database-url".to_owned(), url]);
        let store = store.into_iter().flatten().collect();
        let port = astralform_testkit::free_address();
        Self { folder, store, made: Value::Null, sandbox: port.to_string() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn with_store<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        arguments.iter().copied().chain(self.store.iter().map(String::as_str)).collect()
    }

    /// Runs a command, which must succeed, and says what it printed.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = run(self.path(), &self.with_store(arguments));
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Returns the flags by which its simulated services are known.
    pub(crate) fn sandbox(&self) -> [&str; 3] {
        ["--sandbox", "--sandbox-listen", self.sandbox.as_str()]
    }

    pub(crate) fn serve(&self) -> Running {
        let serve = [["serve", "--listen", "127.0.0.1:0"], self.sandbox()].concat();
        Running::start(self.path(), &self.with_store(&serve), true)
    }

    pub(crate) async fn enable(&self, base: &str, connector: &str) {
        let project = self.made["project_id"].as_str().unwrap();
        let connectors = format!("{base}/v1/projects/{project}/connectors");
        let wanted = json!({"connector": connector, "environment": "test", "sandbox": true});
        let (status, enabled) = post(connectors, &self.made["admin_token"], wanted).await;
        assert_eq!(status, 201, "{enabled}");
    }

    pub(crate) async fn call(&self, base: &str, tool: &str) -> Value {
        post(format!("{base}/v1/tools/{tool}/call"), &self.made["test_api_key"], json!({})).await.1
    }

    /// Makes one from this, elsewhere and empty: with its key file and the address of its
    /// simulator.
    pub(crate) fn elsewhere(&self, postgres: Option<String>) -> Self {
        let other = Self { sandbox: self.sandbox.clone(), ..Self::empty(postgres) };
        let name = "astralform.key";
        std::fs::copy(self.path().join(name), other.path().join(name)).unwrap();
        Self { made: self.made.clone(), ..other }
    }

    /// Returns the fingerprints of the master keys, the current one last.
    pub(crate) fn masters(&self) -> Vec<String> {
        let status = self.run(&["keys", "status"]);
        let lines = status.lines().skip(1).take_while(|line| !line.starts_with("Data"));
        lines.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
    }
}

/// Returns what the environment tells tests.
#[expect(clippy::disallowed_methods, reason = "tests are told by the environment what to do")]
pub(crate) fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
