use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use astralform_domain::{
    Actor, Clock, ConnectorSlug, Email, Entropy, ProjectConnectorId, Secret, SettingsPatch, Tenant,
    Timestamp,
};
use astralform_engine::{Site, project_connectors::ConnectorChange};
use astralform_http::{Limits, serve};
use astralform_management::Management;
use astralform_operations::prepare_database;
use astralform_server::router;
use astralform_simulator::{
    Simulator, github::Github, notion::Notion, slack::Slack, tavily::Tavily,
};
use astralform_storage::Db;
use astralform_surface::{App, Settings};
use astralform_vault::create_key_file;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use url::Url;

use crate::{
    Agent, Browser,
    node::{KEYS, engine, follower, listen},
    setup::{Setup, enable, simulator},
};

/// The whole product under test. Dropping it ends its servers and forgets its files.
pub struct TestServer {
    /// The app behind the listener.
    pub app: App,
    /// The database behind the app, for looking and for tampering.
    pub db: Db,
    /// The time, for the product and the simulator alike.
    pub clock: Clock,
    /// The project under test, in the environment under test.
    pub tenant: Tenant,
    /// Its enabled connector.
    pub connector: ProjectConnectorId,
    /// The connector's name.
    pub slug: ConnectorSlug,
    /// Where the product is reached.
    pub base: Url,
    pub(crate) api_key: Secret,
    pub(crate) admin_token: Secret,
    pub(crate) simulator: Simulator,
    pub(crate) database: Option<PathBuf>,
    pub(crate) tasks: Vec<JoinHandle<()>>,
    pub(crate) catalogue: Vec<String>,
    pub(crate) files: Arc<TempDir>,
}

fn owner() -> Email {
    "owner@example.com".parse().expect("an address")
}

impl TestServer {
    /// Starts everything, with Slack enabled in the sandbox of a `test` environment.
    pub async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    /// Starts everything the way `setup` says.
    pub async fn with(setup: Setup) -> Self {
        Self::listening_on("127.0.0.1:0".parse().expect("an address"), setup).await
    }

    /// Starts one at a given address, for providers that must know it beforehand.
    pub async fn listening_on(address: SocketAddr, setup: Setup) -> Self {
        let files = tempfile::tempdir().expect("a temporary folder");
        let (db, database) = database(files.path(), setup.postgres.as_deref()).await;
        let clock =
            setup.clock.unwrap_or_else(|| Clock::manual(Timestamp::from_secs(1_800_000_000)));
        let (listener, base) = listen(address).await;
        let (simulators, simulator_url) = listen("127.0.0.1:0".parse().expect("an address")).await;
        let added = setup.connector.iter().map(|(yaml, ..)| yaml.clone());
        let catalogue: Vec<_> = added.chain(setup.catalogue).collect();
        let site = Site::new(base.clone(), Some(simulator_url.clone()));
        let keys = create_key_file(&files.path().join(KEYS), &Entropy::system());
        let keys = keys.expect("a key file");
        prepare_database(&db, &keys).await.expect("a schema");
        let engine =
            engine(db.clone(), &catalogue, keys, site, clock.clone(), files.path().join("spool"));
        let provisioning = &Management::over(&engine).provisioning;
        let made = provisioning.provision("Test team", "Test project").await.expect("a project");
        let tenant = Tenant { project: made.project, environment: setup.environment };
        if let Some(settings) = &setup.settings {
            provisioning.configure_environment(tenant, settings).await.expect("settings");
        }
        let api_key = provisioning.create_api_key(tenant, None).await.expect("a key");
        let admin_token = provisioning.create_owner(made.team, &owner()).await.expect("an owner");
        let simulator = simulator(&engine, &clock, &simulator_url, setup.token_rotation);
        let enable = enable(setup.connector, setup.sandboxed);
        let slug = enable.connector.clone();
        let enabled = engine.project_connectors.enable(Actor::Operator, tenant, enable);
        let connector = enabled.await.expect("enabled");
        let metrics_token = setup.metrics_token.map(|token| Secret::new(token.to_owned()));
        let settings = Settings {
            metrics_token,
            rates: setup.rates,
            hosts: setup.hosts,
            ..Settings::default()
        };
        let app = App::with(engine, settings);
        let never = std::future::pending;
        let limits = Limits { drain: Duration::ZERO, ..Limits::default() };
        let tasks = vec![
            follower(&app).await,
            tokio::spawn(serve(listener, router(app.clone()), limits, never())),
            tokio::spawn(serve(simulators, simulator.router(), Limits::for_tests(), never())),
        ];
        Self {
            app,
            db,
            clock,
            tenant,
            connector,
            slug,
            base,
            api_key,
            admin_token,
            simulator,
            database,
            tasks,
            catalogue,
            files: Arc::new(files),
        }
    }

    /// Returns the simulated Slack, for looking and for making trouble.
    pub fn slack(&self) -> &Slack {
        self.simulator.slack()
    }

    /// Returns the simulated Notion, for connectors that are enabled besides.
    pub fn notion(&self) -> &Notion {
        self.simulator.notion()
    }

    /// Returns the simulated GitHub, for looking and for making trouble.
    pub fn github(&self) -> &Github {
        self.simulator.github()
    }

    /// Returns the simulated Tavily, which takes keys.
    pub fn tavily(&self) -> &Tavily {
        self.simulator.tavily()
    }

    /// Returns the project's API key, for requests that are written by hand.
    pub fn key(&self) -> &str {
        self.api_key.expose()
    }

    /// Returns an agent that acts for an end user.
    pub fn agent(&self, end_user: &str) -> Agent {
        Agent::new(self.base.clone(), self.api_key.expose(), Some(end_user))
    }

    /// Returns the developer's backend, which names no end user.
    pub fn backend(&self) -> Agent {
        Agent::new(self.base.clone(), self.api_key.expose(), None)
    }

    /// Returns somebody who administers the project.
    pub fn admin(&self) -> Agent {
        Agent::new(self.base.clone(), self.admin_token.expose(), None)
    }

    /// Returns where the project is managed, with what follows its id.
    pub fn project(&self, rest: &str) -> String {
        format!("/v1/projects/{}{rest}", self.tenant.project)
    }

    /// Returns where the connector is managed, with what follows its name.
    pub fn managed(&self, rest: &str) -> String {
        let Tenant { project, environment } = self.tenant;
        let slug = &self.slug;
        format!("/v1/projects/{project}/connectors/{slug}{rest}?environment={environment}")
    }

    /// Writes the lines of the calls until now.
    pub async fn write_calls(&self) {
        self.app.engine().base().calls().write().await.expect("the store takes them");
    }

    /// Makes this node hear what others have changed until now.
    pub async fn catch_up(&self) {
        self.app.engine().cache.follow().await.expect("the database answers");
    }

    /// Changes the connector's settings.
    pub async fn change(&self, change: impl Into<ConnectorChange>) {
        let change = change.into();
        let changed = self
            .app
            .engine()
            .project_connectors
            .change_connector(Actor::Operator, self.tenant, &self.slug, &change)
            .await;
        changed.expect("a change");
    }

    /// Pauses or resumes the connector.
    pub async fn set_enabled(&self, is_enabled: bool) {
        self.change(SettingsPatch { is_enabled: Some(is_enabled), ..SettingsPatch::default() })
            .await;
    }

    /// Returns whoever holds `key`, acting for an end user.
    pub fn agent_with_key(&self, key: &str, end_user: &str) -> Agent {
        Agent::new(self.base.clone(), key, Some(end_user))
    }

    /// Returns a fresh browser.
    pub fn browser(&self) -> Browser {
        Browser::new()
    }

    /// Returns a key of another project on the same server.
    pub async fn foreign_key(&self) -> String {
        let management = self.app.management();
        let provisioning = &management.provisioning;
        let made = provisioning.provision("Other team", "Other project").await.expect("a project");
        let tenant = Tenant { project: made.project, environment: self.tenant.environment };
        provisioning.create_api_key(tenant, None).await.expect("a key").expose().to_owned()
    }

    /// Returns how often a code was exchanged, or tried to be.
    pub fn exchanges(&self) -> usize {
        self.slack_requests("oauth.v2.access")
    }

    /// Returns how many requests reached an endpoint of the simulated Slack.
    pub fn slack_requests(&self, endpoint: &str) -> usize {
        self.slack().requests().iter().filter(|request| request.endpoint == endpoint).count()
    }

    /// Returns the database once more, as another program opens it; none when it is a server's.
    pub async fn database_from_outside(&self) -> Option<Db> {
        let file = self.database.as_ref()?;
        Some(Db::open_sqlite(file).await.expect("a database"))
    }

    /// Returns where new tokens wait for the database.
    pub fn spool(&self) -> PathBuf {
        self.files.path().join("spool")
    }

    /// Returns how many files lie where new tokens wait for the database.
    pub fn spooled(&self) -> usize {
        std::fs::read_dir(self.spool()).map_or(0, Iterator::count)
    }

    /// Returns the bytes of the database and its log, for proving what is not in them; none when it
    /// is a server's.
    pub fn database_bytes(&self) -> Option<Vec<u8>> {
        let file = self.database.as_ref()?;
        let read = |path: &PathBuf| std::fs::read(path).unwrap_or_default();
        Some([read(file), read(&file.with_extension("db-wal"))].concat())
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Returns a SQLite file of the test's own or a schema of its own on a PostgreSQL server: on
/// `postgres` or, where `ASTRALFORM_TEST_ON_POSTGRES` is set, on the one that `TEST_DATABASE_URL`
/// names.
async fn database(folder: &Path, postgres: Option<&str>) -> (Db, Option<PathBuf>) {
    let told = || {
        told("ASTRALFORM_TEST_ON_POSTGRES")
            .map(|_| told("TEST_DATABASE_URL").expect("TEST_DATABASE_URL names a server"))
    };
    if let Some(url) = postgres.map(ToOwned::to_owned).or_else(told) {
        return (Db::connect_to_fresh_schema(&url).await, None);
    }
    let file = folder.join("test.db");
    (Db::open_sqlite(&file).await.expect("a database"), Some(file))
}

/// Returns what the environment says to tests.
#[expect(clippy::disallowed_methods, reason = "tests are told by the environment where to run")]
pub fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
