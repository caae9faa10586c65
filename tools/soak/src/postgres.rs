use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use astralform_testkit::free_address;
use tempfile::TempDir;

use crate::Result;

/// A PostgreSQL on loopback: one of our own, which may be stopped as hard as can be and ends with
/// this, or somebody else's, whose databases end with this.
pub struct Postgres {
    programs: PathBuf,
    /// Of any database.
    url: String,
    /// The folder of our own one.
    own: Option<TempDir>,
    made: Mutex<Vec<String>>,
}

impl Postgres {
    /// Makes one and starts it.
    ///
    /// # Errors
    /// When it is not installed, or does not start.
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        if is_root()? {
            run(Command::new("chown").arg("postgres").arg(folder.path()))?;
        }
        let url = format!("postgres://postgres@{}/postgres", free_address());
        let mut server = Self::at(&url)?;
        server.own = Some(folder);
        let mut initdb = server.command("initdb")?;
        run(initdb.args(["-U", "postgres", "--auth=trust", "-E", "UTF8", "-D", "data"]))?;
        server.again()?;
        Ok(server)
    }

    /// Returns one that runs already.
    ///
    /// # Errors
    /// When its client programs are not installed.
    pub fn at(url: &str) -> Result<Self> {
        let programs = newest_programs().ok_or("install the Debian package postgresql")?;
        Ok(Self { programs, url: url.to_owned(), own: None, made: Mutex::default() })
    }

    /// Returns the one that is installed.
    #[must_use]
    pub fn version() -> String {
        let newest = newest_programs();
        let output =
            newest.and_then(|bin| Command::new(bin.join("postgres")).arg("-V").output().ok());
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        text.unwrap_or_else(|| "no PostgreSQL".to_owned())
    }

    /// Starts our own one after it was stopped.
    pub(crate) fn again(&self) -> Result<()> {
        let (address, _) = self.address()?.rsplit_once('/').ok_or("an address has a database")?;
        let port = address.rsplit(':').next().unwrap_or_default();
        let options =
            format!("-p {port} -c listen_addresses=127.0.0.1 -c max_connections=200 -k .");
        let mut start = self.command("pg_ctl")?;
        run(start.args(["-D", "data", "-s", "-w", "-l", "log", "-o", &options, "start"]))
    }

    /// Stops our own one with nothing written back, as a power cut would.
    pub(crate) fn stop_hard(&self) -> Result<()> {
        run(self.command("pg_ctl")?.args(["-D", "data", "-s", "-m", "immediate", "stop"]))
    }

    /// Makes a database; its address.
    pub(crate) fn create(&self) -> Result<String> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let name = format!("soak_{}_{number}", std::process::id());
        let mut create = Command::new(self.programs.join("createdb"));
        run(create.args(["--maintenance-db", &self.url, &name]))?;
        self.made.lock().map_err(|_| "a database was being made")?.push(name.clone());
        let (server, _) = self.url.rsplit_once('/').ok_or("an address has a database")?;
        Ok(format!("{server}/{name}"))
    }

    fn address(&self) -> Result<&str> {
        Ok(self.url.split_once("://").ok_or("an address has a scheme")?.1)
    }

    /// Returns a program for our own one, which refuses to run as root.
    fn command(&self, program: &str) -> Result<Command> {
        let folder = self.own.as_ref().ok_or("somebody else's server is not ours to stop")?;
        let program = self.programs.join(program);
        let mut command = if is_root()? {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(folder.path());
        Ok(command)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.own.is_some() {
            let _ = self.stop_hard();
            return;
        }
        let made = self.made.get_mut().map(std::mem::take).unwrap_or_default();
        for name in made {
            let mut drop = Command::new(self.programs.join("dropdb"));
            let _ = run(drop.args(["--force", "--maintenance-db", &self.url, &name]));
        }
    }
}

fn newest_programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    versions.flatten().map(|entry| entry.path().join("bin")).filter(|bin| bin.is_dir()).max()
}

fn is_root() -> Result<bool> {
    Ok(fs::metadata(Path::new("/proc/self"))?.uid() == 0)
}

/// Runs a program to its end. Its streams are not pipes: a server that it leaves behind would keep
/// them open.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let said = tempfile::NamedTempFile::new()?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said.reopen()?);
    if command.status()?.success() {
        return Ok(());
    }
    let why = fs::read_to_string(said.path()).unwrap_or_default();
    Err(format!("{} failed: {why}", command.get_program().display()).into())
}
