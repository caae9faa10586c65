//! A throw-away PostgreSQL with its own defaults, on loopback.

use std::{
    fs::{self, File},
    net::SocketAddr,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::{Result, child::Child, free_address};

/// A database server while it runs.
pub(crate) struct Postgres {
    address: SocketAddr,
    programs: Programs,
    pub(crate) child: Child,
    _folder: TempDir,
}

/// Where Debian keeps its programs, and whether somebody else has to run them.
struct Programs {
    folder: PathBuf,
    is_root: bool,
}

impl Postgres {
    pub(crate) async fn start() -> Result<Self> {
        let programs = Programs::find()?;
        let folder = tempfile::tempdir()?;
        if programs.is_root {
            run(Command::new("chown").arg("postgres").arg(folder.path()))?;
        }
        let data = folder.path().join("data");
        let mut make = programs.command("initdb", folder.path());
        run(make.args(["-U", "postgres", "--auth=trust", "-E", "UTF8", "-D"]).arg(&data))?;
        let address = free_address()?;
        let mut command = programs.command("postgres", folder.path());
        command.arg("-D").arg(&data).arg("-k").arg(folder.path());
        command.args(["-c", "listen_addresses=127.0.0.1", "-p", &address.port().to_string()]);
        command.stderr(File::create(folder.path().join("log"))?);
        let child = Child::start("PostgreSQL", &mut command)?;
        let mut server = Self { address, programs, child, _folder: folder };
        server.accepts().await?;
        Ok(server)
    }

    /// Makes a database; its address.
    pub(crate) fn create(&self, name: &str) -> Result<String> {
        run(self.client("createdb").arg(name))?;
        Ok(format!("postgres://postgres@{}/{name}", self.address))
    }

    /// Takes stock of what was stored, as it would do by itself within minutes.
    pub(crate) fn analyze(&self) -> Result<()> {
        run(self.client("vacuumdb").args(["--all", "--analyze", "--quiet"]))
    }

    async fn accepts(&mut self) -> Result<()> {
        self.child.listens(self.address).await?;
        for _ in 0..100 {
            if run(self.client("pg_isready").arg("--quiet")).is_ok() {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        Err("PostgreSQL does not become ready".into())
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.folder.join(program));
        let host = self.address.ip().to_string();
        let port = self.address.port().to_string();
        command.args(["-h", &host, "-p", &port, "-U", "postgres"]);
        command
    }
}

impl Programs {
    fn find() -> Result<Self> {
        let versions = fs::read_dir("/usr/lib/postgresql").map(|entries| {
            entries.flatten().map(|entry| entry.path().join("bin")).filter(|bin| bin.is_dir()).max()
        });
        let folder = versions.ok().flatten().ok_or("install the Debian package postgresql")?;
        let is_root = fs::metadata("/proc/self")?.uid() == 0;
        Ok(Self { folder, is_root })
    }

    /// Returns one that refuses to run as root.
    fn command(&self, program: &str, folder: &Path) -> Command {
        let program = self.folder.join(program);
        let mut command = if self.is_root {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(folder).stdout(Stdio::null());
        command
    }
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.stdout(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} failed: {said}", command.get_program().display()).into())
}
