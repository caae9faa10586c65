//! The day of a breach: a connector is disabled while its provider is down.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use astralform_simulator::hostile::{Habit, Temper};
use astralform_testkit::HostileProvider;

use crate::{
    Database, Report, Result, Stage,
    client::{Client, Outcome},
    fill::{Life, end_user},
    installation::Start,
    load::{Ongoing, each},
    progress::Progress,
    world::{Turns, World},
};

/// How large it is.
#[derive(Clone, Copy, Debug)]
pub struct Disable {
    /// On which database.
    pub database: Database,
    /// How many servers share it.
    pub nodes: usize,
    /// How many connections there are.
    pub connections: usize,
    /// How long the provider stays down after the restart.
    pub down: Duration,
    /// How long receipts may take once it is back.
    pub patience: Duration,
}

/// What was seen of each node.
type Seen = Arc<Mutex<Vec<Uses>>>;

/// The last use of a node, and its end.
#[derive(Clone, Copy, Default)]
struct Uses {
    /// When a call that completed was begun last.
    last: Option<Instant>,
    /// When the first refusal came of those that were begun after it.
    refused: Option<(Instant, Instant)>,
}

/// What is left to be ended at the provider.
struct Breach<'a> {
    world: &'a World,
    admin: Client,
    connections: usize,
    patience: Duration,
}

/// Where the first server after the restart dies, while the provider is down, and the next once it
/// is back.
const CRASH_POINTS: [&str; 2] = ["revocation.taken:2", "revocation.answered:40"];
const DIES_WITHIN: Duration = Duration::from_mins(1);

/// Disables the connector under load, kills every server, starts one again, and waits for the
/// receipts.
///
/// # Errors
/// When it could not be run.
pub async fn run(stage: &Stage, disable: Disable) -> Result<Report> {
    let Disable { database, nodes, connections, down, patience } = disable;
    let mut report = Report::begin(format!(
        "Disable: {nodes} × {}, {connections} connections, the provider down until {down:?} after a \
         restart",
        database.name()
    ));
    let temper = Temper { habits: [Habit::RevocationDown].into(), ..Temper::default() };
    let world = stage.set_up(database, temper).await?;
    world.fill(0..connections, Life::Left(Duration::from_hours(1))).await?;
    let nodes = world.start_nodes(nodes).await?;
    let turns = Turns::of(&nodes);
    let admin = Client::new(&world.installation.admin);
    let (calls, seen) = calling(&world, &turns, connections).await;
    let path = format!(
        "/v1/projects/{}/connectors/{}?environment=test",
        world.installation.project,
        HostileProvider::CONNECTOR
    );
    let (status, body) = admin.delete(turns.at(0), &path).await?;
    let disabled = Instant::now();
    report.equal("status of the answer", status, 200);
    let ended = body["revoked_connections"].as_u64().unwrap_or_default();
    report.equal("connections it ended", ended, connections as u64);
    tokio::time::sleep(Duration::from_secs(3)).await;
    calls.stop().await;
    let uses = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    unusable(&mut report, &uses, disabled);
    report.equal(
        "grants that the provider has ended by then",
        world.hostile().ledger().returned,
        0,
    );
    for node in nodes {
        node.kill()?;
    }
    let breach = Breach { world: &world, admin, connections, patience };
    breach.while_down(&mut report, down).await?;
    breach.once_back(&mut report).await?;
    report.figure("what the product complained of", world.installation.complaints());
    report.figure("revocations sent", world.hostile().ledger().revocations);
    Ok(report)
}

impl Breach<'_> {
    async fn while_down(&self, report: &mut Report, down: Duration) -> Result<()> {
        let died = dies_at(self.world, CRASH_POINTS[0]).await?;
        report.equal("a server died over revocations while the provider was down", died, true);
        let node = self.world.installation.start(&Start::default()).await?;
        tokio::time::sleep(down).await;
        let pending = self.receipts(node.address, "pending").await?;
        report.equal("receipts that are pending meanwhile", pending, self.connections);
        node.kill()
    }

    async fn once_back(&self, report: &mut Report) -> Result<()> {
        const CONFIRMED: &str = "provider_confirmed";
        let Self { world, connections, patience, .. } = *self;
        world.hostile().change(|temper| temper.habits.clear());
        let back = Instant::now();
        let died = dies_at(world, CRASH_POINTS[1]).await?;
        report.equal("another died over them once it was back", died, true);
        let node = world.installation.start(&Start::default()).await?;
        let at = node.address;
        let progress = Progress::of("grants ended at the provider", connections);
        let returned = || world.hostile().ledger().returned;
        while returned() < connections && back.elapsed() < patience {
            tokio::time::sleep(Duration::from_millis(100)).await;
            progress.set(returned());
        }
        drop(progress);
        report.equal("grants that the provider has ended in the end", returned(), connections);
        report.figure("time that took after it came back", format!("{:.1?}", back.elapsed()));
        // What a server had asked for when it died is asked for again once its lease is over.
        while self.receipts(at, CONFIRMED).await? < connections && back.elapsed() < patience {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        report.within("all receipts after it came back", back.elapsed(), patience);
        let confirmed = self.receipts(at, CONFIRMED).await?;
        report.equal("receipts that say `provider_confirmed`", confirmed, connections);
        node.stop()?;
        Ok(())
    }

    async fn receipts(&self, at: SocketAddr, status: &str) -> Result<usize> {
        let counts = receipts(&self.admin, at, self.world).await?;
        Ok(counts.get(status).copied().unwrap_or_default())
    }
}

/// Has every node use every connection, and go on.
async fn calling(world: &World, turns: &Turns, connections: usize) -> (Ongoing, Seen) {
    /// Odd, so that every worker comes to every node.
    const CALLERS: usize = 15;
    let seen = Seen::new(Mutex::new(vec![Uses::default(); turns.len()]));
    let client = world.client.clone();
    let turns = turns.clone();
    let noted = Arc::clone(&seen);
    let nodes = turns.len();
    let call = move |number: usize| {
        let client = client.clone();
        let at = turns.at(number);
        let noted = Arc::clone(&noted);
        let end_user = end_user(number / nodes % connections);
        async move {
            let begun = Instant::now();
            let outcome = client.read(at, &end_user).await;
            let mut seen = noted.lock().unwrap_or_else(PoisonError::into_inner);
            seen[number % nodes].note(&outcome, begun);
        }
    };
    each(connections * nodes, CALLERS, call.clone()).await;
    (Ongoing::start(CALLERS, call), seen)
}

impl Uses {
    fn note(&mut self, outcome: &Outcome, begun: Instant) {
        if *outcome == Outcome::Completed {
            self.last = self.last.max(Some(begun));
            self.refused = self.refused.filter(|(refused, _)| *refused > begun);
        } else if self.refused.is_none() && self.last.is_none_or(|last| last < begun) {
            self.refused = Some((begun, Instant::now()));
        }
    }
}

/// Says when the last node began to refuse.
fn unusable(report: &mut Report, uses: &[Uses], disabled: Instant) {
    const BAR: Duration = Duration::from_secs(1);
    let after = |moment: Option<Instant>| {
        moment.map_or(Duration::MAX, |moment| moment.saturating_duration_since(disabled))
    };
    let refused = uses.iter().map(|uses| after(uses.refused.map(|(_, came)| came))).max();
    report.within(
        "from the answer until the last node refused a call",
        refused.unwrap_or(Duration::MAX),
        BAR,
    );
    let last_use = uses.iter().map(|uses| after(uses.last)).max();
    report.within(
        "from the answer until the last call that completed was begun",
        last_use.unwrap_or(Duration::MAX),
        BAR,
    );
}

/// Starts a server that dies at a crash point; whether it did.
async fn dies_at(world: &World, crash_point: &str) -> Result<bool> {
    let start = Start { crash_point: Some(crash_point.to_owned()), ..Start::default() };
    world.installation.begin(&start)?.dies(DIES_WITHIN).await
}

/// Returns how many receipts there are of each status.
async fn receipts(
    admin: &Client,
    at: SocketAddr,
    world: &World,
) -> Result<BTreeMap<String, usize>> {
    let mut counts = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let project = world.installation.project;
        let path = format!("/v1/projects/{project}/revocations?environment=test&limit=100{cursor}");
        let (status, page) = admin.get(at, &path).await?;
        let rows = page["data"].as_array();
        let rows = rows.ok_or_else(|| format!("no receipts ({status}): {page}"))?;
        for row in rows {
            let status = row["status"].as_str().unwrap_or_default().to_owned();
            *counts.entry(status).or_default() += 1;
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(counts),
        }
    }
}
