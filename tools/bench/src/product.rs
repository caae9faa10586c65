//! The product as its users run it: an installation in a folder, and its server.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    rc::Rc,
    time::Duration,
};

use astralform_domain::{ProjectId, Secret};
use serde::Deserialize;

use crate::{Result, child::Child, free_address, http::Connection, workload::Workload};

/// An installation that has been set up.
pub(crate) struct Installation {
    program: PathBuf,
    folder: PathBuf,
    /// Where its database is, if not in the folder.
    database_url: Option<String>,
    pub(crate) made: Made,
}

/// What setting up gave.
pub(crate) struct Made {
    pub(crate) project: ProjectId,
    pub(crate) key: Secret,
    admin: Secret,
}

#[derive(Deserialize)]
struct Bootstrapped {
    project_id: ProjectId,
    test_api_key: String,
    admin_token: String,
}

/// Where an installation keeps its secrets, for the next run.
const MADE: &str = "made.json";
const READY: &[u8] = b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

/// The server of an installation while it runs.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) child: Child,
    /// How long after its start it said that it was ready.
    pub(crate) ready_after: Duration,
}

impl Installation {
    /// Sets one up in an empty folder, with the workload's connector in front of the upstream.
    pub(crate) async fn set_up(
        program: &Path,
        folder: &Path,
        database_url: Option<String>,
        workload: &Rc<Workload>,
        upstream: SocketAddr,
    ) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let made = bootstrap(program, folder, database_url.as_deref())?;
        fs::write(folder.join(MADE), &made)?;
        let installation = Self::at(program, folder, database_url)?;
        let Made { project, admin, .. } = &installation.made;
        let request = workload.enabling(&project.to_string(), admin, upstream);
        installation.enable(&[request]).await?;
        Ok(installation)
    }

    /// Sends requests that enable connectors.
    pub(crate) async fn enable(&self, requests: &[Vec<u8>]) -> Result<()> {
        let server = self.start().await?;
        let mut connection = Connection::open(server.address).await?;
        for request in requests {
            let answer = connection.exchange(request).await?;
            if answer.status != 201 {
                let why = String::from_utf8_lossy(answer.body);
                return Err(format!("the connector was not enabled: {why}").into());
            }
        }
        Ok(())
    }

    /// Returns the one that was set up in a folder before.
    pub(crate) fn at(program: &Path, folder: &Path, database_url: Option<String>) -> Result<Self> {
        let made: Bootstrapped = serde_json::from_slice(&fs::read(folder.join(MADE))?)?;
        let made = Made {
            project: made.project_id,
            key: Secret::new(made.test_api_key),
            admin: Secret::new(made.admin_token),
        };
        Ok(Self { program: program.into(), folder: folder.into(), database_url, made })
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.folder.join("astralform.key")
    }

    pub(crate) fn sqlite_file(&self) -> PathBuf {
        self.folder.join("data/astralform.db")
    }

    pub(crate) fn database_url(&self) -> Option<&str> {
        self.database_url.as_deref()
    }

    /// Starts its server with the settings that come with it, and waits until it is ready.
    pub(crate) async fn start(&self) -> Result<Server> {
        self.start_by(Command::new(&self.program)).await
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Starts it by a command that ends as the product's binary with the arguments that are added.
    pub(crate) async fn start_by(&self, command: Command) -> Result<Server> {
        let address = free_address()?;
        let log = self.folder.join("log");
        let mut command = served(command, &self.folder, self.database_url());
        command.args(["--listen", &address.to_string()]);
        command.args(["--allow-private-networks", "127.0.0.0/8"]);
        command.stdout(Stdio::null()).stderr(File::create(&log)?);
        let mut child = Child::start("the product", &mut command)?;
        match child.answers(address, READY).await {
            Ok(ready_after) => Ok(Server { address, child, ready_after }),
            Err(error) => Err(format!("{error}: {}", last_words(&log)).into()),
        }
    }
}

fn served(mut command: Command, folder: &Path, database_url: Option<&str>) -> Command {
    command.env_clear().current_dir(folder).arg("serve");
    if let Some(url) = database_url {
        command.args(["--database-url", url]);
    }
    command
}

fn bootstrap(program: &Path, folder: &Path, database_url: Option<&str>) -> Result<Vec<u8>> {
    let mut command = Command::new(program);
    command.env_clear().current_dir(folder);
    command.args(["bootstrap", "--json", "--email", "bench@example.com"]);
    if let Some(url) = database_url {
        command.args(["--database-url", url]);
    }
    let output = command.output()?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(format!("bootstrap failed: {}", String::from_utf8_lossy(&output.stderr)).into())
}

fn last_words(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines().last().unwrap_or("it said nothing").to_owned()
}
