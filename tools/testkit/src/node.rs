//! One server of those that share a database.

use std::{io::Write as _, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use astralform_catalog::{Catalog, Folder, builtin, load};
use astralform_domain::{Clock, ConnectorSlug, Entropy};
use astralform_egress::{Egress, Networks};
use astralform_engine::{Engine, Parts, Site};
use astralform_http::{Limits, serve};
use astralform_server::router;
use astralform_storage::{Db, calls::Keep};
use astralform_surface::App;
use astralform_vault::{KeyRing, read_key_file};
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

use crate::{Setup, TestServer, server::told};

/// The file of the master keys, among a server's files.
pub(crate) const KEYS: &str = "keys";

impl TestServer {
    /// Returns two servers on one PostgreSQL database, where there is one; see [`postgres_url`].
    pub async fn two_nodes(setup: Setup) -> Option<(Self, Self)> {
        let url = postgres_url()?;
        let first = Self::with(Setup { postgres: Some(url), ..setup }).await;
        let second = first.second_node().await;
        Some((first, second))
    }

    /// Returns another server on the same database, with the same master keys, at an address of its
    /// own. Its links and redirect URIs are the first one's: to browsers all nodes are one site.
    pub async fn second_node(&self) -> Self {
        let db = self.db.another_pool().await;
        let site = self.app.engine().site().clone();
        let spool = self.files.path().join("spool-of-another");
        let keys = read_key_file(&self.files.path().join(KEYS)).expect("the key file");
        let app =
            App::new(engine(db.clone(), &self.catalogue, keys, site, self.clock.clone(), spool));
        self.serving(app, db).await
    }

    /// Returns an app of the same installation, at an address of its own.
    async fn serving(&self, app: App, db: Db) -> Self {
        let (listener, base) = listen("127.0.0.1:0".parse().expect("an address")).await;
        let limits = Limits { drain: Duration::ZERO, ..Limits::default() };
        let serving = serve(listener, router(app.clone()), limits, std::future::pending());
        let following = follower(&app).await;
        Self {
            app,
            db,
            base,
            tasks: vec![tokio::spawn(serving), following],
            clock: self.clock.clone(),
            tenant: self.tenant,
            connector: self.connector,
            slug: self.slug.clone(),
            api_key: self.api_key.clone(),
            admin_token: self.admin_token.clone(),
            simulator: self.simulator.clone(),
            database: None,
            catalogue: self.catalogue.clone(),
            files: Arc::clone(&self.files),
        }
    }

    /// Returns the product over the same database after a restart: it remembers nothing.
    pub fn restarted(&self) -> App {
        let keys = read_key_file(&self.files.path().join(KEYS)).expect("the key file");
        let site = self.app.engine().site().clone();
        let spool = self.files.path().join("spool");
        App::new(engine(self.db.clone(), &self.catalogue, keys, site, self.clock.clone(), spool))
    }

    /// Restarts with a catalogue that lacks a connector.
    pub fn restarted_without(&self, missing: &ConnectorSlug) -> App {
        let keys = read_key_file(&self.files.path().join(KEYS)).expect("the key file");
        let site = self.app.engine().site().clone();
        let spool = self.files.path().join("spool");
        let rest: Vec<_> =
            self.catalogue.iter().filter(|yaml| slug(yaml) != *missing).cloned().collect();
        App::new(engine(self.db.clone(), &rest, keys, site, self.clock.clone(), spool))
    }

    /// Starts the installation after its operator has taken the private networks away that
    /// connectors may reach. Its links are the first server's.
    pub async fn closed_node(&self) -> Self {
        let keys = read_key_file(&self.files.path().join(KEYS)).expect("the key file");
        let site = self.app.engine().site().clone();
        let spool = self.files.path().join("spool-of-closed");
        let engine = Engine::new(Parts {
            db: self.db.clone(),
            catalog: catalog(&self.catalogue),
            key_ring: keys,
            egress: Egress::new(Networks::default(), None),
            site,
            clock: self.clock.clone(),
            node: spool.display().to_string(),
            call_log: Keep::default(),
            spool: Some(spool),
            entropy: Entropy::system(),
        });
        self.serving(App::new(engine), self.db.clone()).await
    }

    /// Returns a second node that hears nothing of the others but when it is told to: a control for
    /// tests of those that do.
    pub async fn deaf_node(&self) -> Self {
        let mut node = self.second_node().await;
        // The last task is the one that hears.
        node.tasks.pop().expect("a task").abort();
        node
    }

    /// Returns an address of the site, at this node.
    pub fn here(&self, address: &Url) -> Url {
        let mut here = address.clone();
        here.set_port(self.base.port()).expect("an address with a port");
        here
    }
}

/// Returns the PostgreSQL server for tests of several nodes. None, with a note, where
/// `TEST_DATABASE_URL` names no server: SQLite is for one server alone.
pub fn postgres_url() -> Option<String> {
    let url = told("TEST_DATABASE_URL");
    if url.is_none() {
        // Written so that it is seen of a test that passes, too.
        let _ = writeln!(std::io::stderr(), "skipped: TEST_DATABASE_URL names no server");
    }
    url
}

pub(crate) fn engine(
    db: Db,
    catalogue: &[String],
    key_ring: KeyRing,
    site: Site,
    clock: Clock,
    spool: PathBuf,
) -> Arc<Engine> {
    let simulator = site.simulator().and_then(|url| url.socket_addrs(|| None).ok()?.pop());
    let networks: Networks = ["127.0.0.0/8".parse().expect("a network")].into_iter().collect();
    Engine::new(Parts {
        db,
        catalog: catalog(catalogue),
        key_ring,
        egress: Egress::new(networks, simulator),
        site,
        clock,
        node: spool.display().to_string(),
        call_log: Keep::default(),
        spool: Some(spool),
        entropy: Entropy::system(),
    })
}

/// Hears what other nodes change and says that it lives, as a real one does. It has heard once before
/// anybody calls.
pub(crate) async fn follower(app: &App) -> JoinHandle<()> {
    let app = app.clone();
    app.engine().cache.follow().await.expect("the database answers");
    app.engine().presence.beat().await.expect("the database answers");
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(250)).await;
            let _ = app.engine().cache.follow().await;
            let _ = app.engine().presence.beat().await;
        }
    })
}

pub(crate) async fn listen(address: SocketAddr) -> (TcpListener, Url) {
    let listener = TcpListener::bind(address).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    (listener, format!("http://{address}").parse().expect("an address"))
}

/// Returns the built-in catalogue and those texts of a `connector.yaml` besides.
fn catalog(added: &[String]) -> Catalog {
    let files = |yaml| -> [(&str, &[u8]); 3] {
        [
            ("connector.yaml", yaml),
            ("icon.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            ("setup.md", b"Register an app."),
        ]
    };
    let added: Vec<_> =
        added.iter().map(|yaml| (slug(yaml).to_string(), files(yaml.as_bytes()))).collect();
    let folders = added.iter().map(|(name, files)| Folder { name, files });
    let (catalog, faults) = load(builtin().iter().copied().chain(folders));
    assert!(faults.is_empty(), "{faults:#?}");
    catalog
}

pub(crate) fn slug(yaml: &str) -> ConnectorSlug {
    let line = yaml.lines().find_map(|line| line.strip_prefix("slug: ")).expect("a slug");
    line.trim().parse().expect("a slug")
}
