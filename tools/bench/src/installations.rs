//! Which installations are measured, and which are kept for the next run.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    rc::Rc,
};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::{
    Result,
    fill::{Wanted, end_user, fill},
    free_address,
    http::Connection,
    load::{Limit, Target, closed},
    note,
    postgres::Postgres,
    product::Installation,
    results::Database,
    workload::Workload,
};

/// Fewer are stored anew each time.
const WORTH_KEEPING: usize = 100_000;
const FILLED: &str = "filled.json";
/// What a completed call starts with.
pub(crate) const COMPLETED: &str = "{\"status\":\"completed\"";

/// What is needed to set installations up.
pub(crate) struct Setup<'a> {
    pub(crate) program: &'a Path,
    pub(crate) keep: &'a Path,
    pub(crate) workload: Rc<Workload>,
    pub(crate) upstream: SocketAddr,
    pub(crate) postgres: Option<&'a Postgres>,
}

/// An installation whose connections are stored.
pub(crate) struct Filled {
    pub(crate) database: Database,
    pub(crate) connections: usize,
    pub(crate) installation: Installation,
    _folder: Option<TempDir>,
}

/// What a kept installation was filled with; its connections are bound to the upstream's address.
#[derive(Serialize, Deserialize, PartialEq)]
struct Content {
    upstream: SocketAddr,
    connections: usize,
}

/// Returns the address that the kept installations are bound to, where it is free, or else another.
pub(crate) fn upstream_address(keep: &Path, connections: usize) -> Result<SocketAddr> {
    let kept = content(&kept_folder(keep, connections)).map(|content| content.upstream);
    match kept.filter(|address| TcpListener::bind(address).is_ok()) {
        Some(address) => Ok(address),
        None => free_address(),
    }
}

fn kept_folder(keep: &Path, connections: usize) -> PathBuf {
    keep.join(format!("sqlite-{connections}"))
}

fn content(folder: &Path) -> Option<Content> {
    serde_json::from_slice(&fs::read(folder.join(FILLED)).ok()?).ok()
}

impl Setup<'_> {
    /// Returns an installation with so many connections, of which the first and the last can be
    /// used.
    pub(crate) async fn filled(&self, database: Database, connections: usize) -> Result<Filled> {
        match database {
            Database::Sqlite if connections >= WORTH_KEEPING => self.kept(connections).await,
            Database::Sqlite => self.fresh(database, connections, None).await,
            Database::Postgres => {
                let server = self.postgres.ok_or("PostgreSQL does not run")?;
                let url = server.create(&format!("bench_{connections}"))?;
                let filled = self.fresh(database, connections, Some(url)).await?;
                server.analyze()?;
                Ok(filled)
            }
        }
    }

    async fn fresh(
        &self,
        database: Database,
        connections: usize,
        url: Option<String>,
    ) -> Result<Filled> {
        let folder = tempfile::tempdir()?;
        let installation = self.make(folder.path(), url, connections).await?;
        Ok(Filled { database, connections, installation, _folder: Some(folder) })
    }

    async fn kept(&self, connections: usize) -> Result<Filled> {
        let folder = kept_folder(self.keep, connections);
        let wanted = Content { upstream: self.upstream, connections };
        let database = Database::Sqlite;
        if content(&folder).is_some_and(|content| content == wanted) {
            let installation = Installation::at(self.program, &folder, None)?;
            match self.check(&installation, connections).await {
                Ok(()) => return Ok(Filled { database, connections, installation, _folder: None }),
                Err(error) => note(&format!("the kept database does not fit any more: {error}")),
            }
        }
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let installation = self.make(&folder, None, connections).await?;
        fs::write(folder.join(FILLED), serde_json::to_vec(&wanted)?)?;
        Ok(Filled { database, connections, installation, _folder: None })
    }

    async fn make(
        &self,
        folder: &Path,
        url: Option<String>,
        connections: usize,
    ) -> Result<Installation> {
        note(&format!("{connections} connections are being stored"));
        let program = self.program;
        let workload = &self.workload;
        let installation =
            Installation::set_up(program, folder, url, workload, self.upstream).await?;
        let project = installation.made.project;
        let wanted = Wanted { project, end_users: 0..connections, is_due: false };
        fill(&installation, workload, wanted).await?;
        self.check(&installation, connections).await?;
        Ok(installation)
    }

    /// Calls the tool for the first and the last end user, and for one who has no connection.
    async fn check(&self, installation: &Installation, connections: usize) -> Result<()> {
        let server = installation.start().await?;
        let call = |number| self.workload.call(&installation.made.key, &end_user(number));
        let target = Target {
            address: server.address,
            requests: vec![call(0), call(connections - 1)],
            good: COMPLETED,
        };
        let both = Limit { time: std::time::Duration::from_secs(30), requests: 2 };
        closed(&Rc::new(target), 1, both).await?;
        let mut connection = Connection::open(server.address).await?;
        let asked = connection.exchange(&call(connections)).await?;
        if asked.body.starts_with(b"{\"status\":\"auth_required\"") {
            return Ok(());
        }
        Err("an end user without a connection was not asked for one".into())
    }
}
