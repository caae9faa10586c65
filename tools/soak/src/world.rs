use std::{
    collections::HashMap,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use astralform_domain::Clock;
use astralform_simulator::hostile::{Ended, Hostile, Temper};
use astralform_testkit::HostileProvider;

use crate::{
    Database, Postgres, Result,
    client::{Client, Outcome, Standing},
    fill::{Filler, Stored, end_user},
    installation::{Installation, Node, Start},
    load::each,
    progress::Progress,
};

/// How many end users at a time are called for until they are settled.
const IN_FLIGHT: usize = 64;

/// What scenarios stand on.
pub struct Stage {
    program: PathBuf,
    pub(crate) postgres: Option<Postgres>,
}

/// One installation, its provider, and whoever calls.
pub(crate) struct World {
    pub(crate) provider: HostileProvider,
    pub(crate) installation: Installation,
    pub(crate) client: Client,
}

/// How a connection stands after a while, as the product and its callers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    Works,
    Asks(Standing),
    /// It did neither in time; that was the last outcome.
    Open(Outcome),
}

impl Stage {
    /// Makes one with the product's program, and a PostgreSQL where there is to be one.
    pub const fn new(program: PathBuf, postgres: Option<Postgres>) -> Self {
        Self { program, postgres }
    }

    pub(crate) async fn set_up(&self, database: Database, temper: Temper) -> Result<World> {
        let url = match database {
            Database::Sqlite => None,
            Database::Postgres => Some(self.create_database()?),
        };
        self.set_up_at(url, temper).await
    }

    /// Makes a database of PostgreSQL and returns its address.
    pub(crate) fn create_database(&self) -> Result<String> {
        self.postgres.as_ref().ok_or("there is no PostgreSQL")?.create()
    }

    /// Sets the product up at a database, or on SQLite.
    pub(crate) async fn set_up_at(&self, url: Option<String>, temper: Temper) -> Result<World> {
        let provider = HostileProvider::start(&Clock::system(), temper).await;
        let installation = Installation::set_up(&self.program, url, &provider).await?;
        let client = Client::new(&installation.key);
        Ok(World { provider, installation, client })
    }
}

impl World {
    pub(crate) fn hostile(&self) -> &Hostile {
        &self.provider.hostile
    }

    /// Returns why the provider ended the grant of an end user, if it did.
    pub(crate) fn endings(&self) -> HashMap<String, Option<Ended>> {
        let families = self.hostile().families();
        families.into_iter().map(|family| (family.account, family.ended)).collect()
    }

    /// Stores a connection for each of these end users.
    pub(crate) async fn fill(
        &self,
        numbers: std::ops::Range<usize>,
        stored: impl Into<Stored>,
    ) -> Result<()> {
        let connector = HostileProvider::CONNECTOR;
        let filler = Filler::open(&self.installation, connector, self.hostile()).await?;
        filler.fill(numbers, stored.into()).await?;
        filler.close().await;
        Ok(())
    }

    /// Returns how many of these end users have a connection that does not work in the end.
    pub(crate) async fn lost(
        &self,
        at: SocketAddr,
        numbers: std::ops::Range<usize>,
        patience: Duration,
    ) -> Result<usize> {
        let settled = self.settle(at, numbers, patience).await?;
        Ok(settled.iter().filter(|settled| **settled != Settled::Works).count())
    }

    pub(crate) async fn start_nodes(&self, count: usize) -> Result<Vec<Node>> {
        let mut nodes = Vec::new();
        for _ in 0..count {
            nodes.push(self.installation.start(&Start::default()).await?);
        }
        Ok(nodes)
    }

    /// Calls for each of these end users until it works or they are asked, and says how it ended.
    pub(crate) async fn settle(
        &self,
        at: SocketAddr,
        numbers: std::ops::Range<usize>,
        patience: Duration,
    ) -> Result<Vec<Settled>> {
        let end = Instant::now() + patience;
        let client = self.client.clone();
        let first = numbers.start;
        let progress = Arc::new(Progress::of("connections looked at", numbers.len()));
        let settled = each(numbers.len(), IN_FLIGHT, move |number| {
            let client = client.clone();
            let progress = Arc::clone(&progress);
            async move {
                let settled = settled(&client, at, &end_user(first + number), end).await;
                progress.one();
                settled
            }
        });
        settled.await.into_iter().collect()
    }
}

async fn settled(client: &Client, at: SocketAddr, end_user: &str, end: Instant) -> Result<Settled> {
    const PAUSE: Duration = Duration::from_millis(250);
    loop {
        match client.read(at, end_user).await {
            Outcome::Completed => return Ok(Settled::Works),
            Outcome::Asked => return Ok(Settled::Asks(client.standing(at, end_user).await?)),
            other if Instant::now() > end => return Ok(Settled::Open(other)),
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// The addresses of nodes, in turn.
#[derive(Clone)]
pub(crate) struct Turns(Arc<[SocketAddr]>);

impl Turns {
    pub(crate) fn of(nodes: &[Node]) -> Self {
        Self(nodes.iter().map(|node| node.address).collect())
    }

    pub(crate) fn and(self, address: SocketAddr) -> Self {
        Self(self.0.iter().copied().chain([address]).collect())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn at(&self, number: usize) -> SocketAddr {
        self.0[number % self.0.len()]
    }
}
