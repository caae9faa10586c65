use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use astralform_domain::ProjectId;
use astralform_testkit::{HostileProvider, free_address};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Result, client::Client};

/// Which database the product stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// A file of its own.
    Sqlite,
    /// A server.
    Postgres,
}

/// The product, set up in a folder with the connector of the hostile provider enabled.
pub(crate) struct Installation {
    program: PathBuf,
    folder: TempDir,
    database_url: Option<String>,
    pub(crate) project: ProjectId,
    pub(crate) key: String,
    pub(crate) admin: String,
}

/// One server of it while it runs. Dropping it kills it.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    /// How long after its start it said that it was ready.
    pub(crate) ready_after: Duration,
    process: Child,
}

/// How a node is started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Start {
    /// Where it listens, if not at a free address.
    pub(crate) address: Option<SocketAddr>,
    /// The crash point it dies at.
    pub(crate) crash_point: Option<String>,
}

const PATIENCE: Duration = Duration::from_secs(30);

impl Database {
    /// Returns its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

impl Installation {
    pub(crate) async fn set_up(
        program: &Path,
        database_url: Option<String>,
        provider: &HostileProvider,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut bootstrap = Command::new(program);
        bootstrap.env_clear().current_dir(folder.path());
        bootstrap.args(["bootstrap", "--json", "--email", "soak@example.com"]);
        if let Some(url) = &database_url {
            bootstrap.args(["--database-url", url]);
        }
        let output = bootstrap.output()?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("bootstrap failed: {why}").into());
        }
        let made: Value = serde_json::from_slice(&output.stdout)?;
        let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
        let installation = Self {
            program: program.to_owned(),
            project: text("project_id").parse().map_err(|_| "no project was made")?,
            key: text("test_api_key"),
            admin: text("admin_token"),
            folder,
            database_url,
        };
        installation.add_connector(HostileProvider::CONNECTOR, &provider.yaml()).await?;
        Ok(installation)
    }

    /// Puts a connector into the catalogue and enables it. Servers that run do not know it.
    pub(crate) async fn add_connector(&self, name: &str, yaml: &str) -> Result<()> {
        let connector = self.folder.path().join("catalog").join(name);
        fs::create_dir_all(&connector)?;
        fs::write(connector.join("connector.yaml"), yaml)?;
        fs::write(connector.join("icon.svg"), "<svg xmlns='http://www.w3.org/2000/svg'/>")?;
        fs::write(connector.join("setup.md"), "Register an app.")?;
        let node = self.start(&Start::default()).await?;
        let (id, secret) = HostileProvider::CLIENT;
        let wanted = json!({
            "connector": name,
            "environment": "test",
            "credentials": {"client_id": id, "client_secret": secret},
        });
        let path = format!("/v1/projects/{}/connectors", self.project);
        let (status, body) = Client::new(&self.admin).post(node.address, &path, &wanted).await?;
        node.stop()?;
        if status == 201 {
            Ok(())
        } else {
            Err(format!("the connector is not enabled: {body}").into())
        }
    }

    /// Returns one of the product's commands, on this installation.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().current_dir(self.folder.path()).args(words);
        command.args(["--key-file", "astralform.key"]);
        command.args(self.database_url.iter().flat_map(|url| ["--database-url", url]));
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.folder.path().join("astralform.key")
    }

    pub(crate) fn sqlite_file(&self) -> PathBuf {
        self.folder.path().join("data/astralform.db")
    }

    pub(crate) fn data_folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn database_url(&self) -> Option<&str> {
        self.database_url.as_deref()
    }

    /// Returns the warnings and errors in the logs of all servers so far, each with how often it
    /// came.
    pub(crate) fn complaints(&self) -> String {
        let entries = fs::read_dir(self.folder.path()).into_iter().flatten().flatten();
        let logs = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("log-"));
        let text: String =
            logs.filter_map(|log| fs::read_to_string(log.path()).ok()).collect::<Vec<_>>().concat();
        let mut counts = BTreeMap::<String, usize>::new();
        for complaint in text.lines().filter_map(complaint) {
            *counts.entry(complaint).or_default() += 1;
        }
        let counted = counts.iter().map(|(complaint, times)| format!("{times} × {complaint}"));
        let counted: Vec<_> = counted.collect();
        if counted.is_empty() { "nothing".to_owned() } else { counted.join("; ") }
    }

    /// Starts a server and waits until it is ready.
    pub(crate) async fn start(&self, how: &Start) -> Result<Node> {
        let (mut node, log) = self.spawn(how)?;
        let started = Instant::now();
        let client = Client::new("");
        while !client.is_ready(node.address).await {
            if node.has_ended()? {
                return Err(format!("the product ended by itself: {}", last_words(&log)).into());
            }
            if started.elapsed() > PATIENCE {
                return Err(format!("not ready after {PATIENCE:?}: {}", last_words(&log)).into());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        node.ready_after = started.elapsed();
        Ok(node)
    }

    /// Starts a server, and waits for nothing.
    pub(crate) fn begin(&self, how: &Start) -> Result<Node> {
        Ok(self.spawn(how)?.0)
    }

    fn spawn(&self, how: &Start) -> Result<(Node, PathBuf)> {
        let address = how.address.unwrap_or_else(free_address);
        let log = self.folder.path().join(format!("log-{}", address.port()));
        let mut command = Command::new(&self.program);
        command.env_clear().current_dir(self.folder.path()).arg("serve");
        command.args(["--listen", &address.to_string(), "--catalog", "catalog"]);
        command.args(["--allow-private-networks", "127.0.0.0/8", "--key-file", "astralform.key"]);
        if let Some(url) = &self.database_url {
            // What a node keeps beside the database is its own.
            command.args(["--data-dir", &format!("data-{}", address.port())]);
            command.args(["--database-url", url]);
        }
        command.envs(how.crash_point.as_ref().map(|point| ("ASTRALFORM_CRASH_POINT", point)));
        let appended = |log: &Path| OpenOptions::new().create(true).append(true).open(log);
        command.stdin(Stdio::null()).stdout(appended(&log)?).stderr(appended(&log)?);
        let process = command.spawn()?;
        Ok((Node { address, ready_after: Duration::ZERO, process }, log))
    }
}

impl Node {
    /// Sends SIGKILL.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) -> Result<()> {
        let id = self.process.id().to_string();
        Command::new("kill").args([&format!("-{name}"), &id]).status()?;
        Ok(())
    }

    /// Sends SIGTERM, and waits for its end.
    pub(crate) fn stop(mut self) -> Result<ExitStatus> {
        self.signal("TERM")?;
        Ok(self.process.wait()?)
    }

    /// Waits until it has died by itself; whether it has in time.
    pub(crate) async fn dies(&mut self, patience: Duration) -> Result<bool> {
        let started = Instant::now();
        while !self.has_ended()? {
            if started.elapsed() > patience {
                return Ok(false);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(true)
    }

    /// Returns whether it has ended, by itself or because it was told to.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.process.try_wait()?.is_some())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the message of a line of a log, if it is one that somebody should read.
fn complaint(line: &str) -> Option<String> {
    const LONGEST: usize = 160;
    let line: Value = serde_json::from_str(line).ok()?;
    if !["WARN", "ERROR"].contains(&line["level"].as_str()?) {
        return None;
    }
    let text = |name: &str| line["fields"][name].as_str().map(ToOwned::to_owned);
    let said = [text("message"), text("error")].into_iter().flatten().collect::<Vec<_>>();
    Some(said.join(": ").replace(['|', '\n'], " ").chars().take(LONGEST).collect())
}

fn last_words(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines().last().unwrap_or("it said nothing").to_owned()
}
