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

/// When a call that completed was begun last.
type LastUse = Arc<Mutex<Option<Instant>>>;

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
    let (calls, last_use) = calling(&world, &turns, connections).await;
    let path = format!(
        "/v1/projects/{}/connectors/{}?environment=test",
        world.installation.project,
        HostileProvider::CONNECTOR
    );
    let (status, body) = admin.delete(turns.at(0), &path).await?;
    let disabled = Instant::now();
    report.claim("disabled", &body, status == 200);
    tokio::time::sleep(Duration::from_secs(3)).await;
    calls.stop().await;
    let last = *last_use.lock().unwrap_or_else(PoisonError::into_inner);
    let after = last.and_then(|last| last.checked_duration_since(disabled)).unwrap_or_default();
    report.claim("last use after that", format!("{after:?}"), after <= Duration::from_secs(1));
    report.equal(
        "grants that the provider has ended by then",
        world.hostile().ledger().returned,
        0,
    );
    for node in nodes {
        node.kill()?;
    }
    let node = world.installation.start(&Start::default()).await?;
    tokio::time::sleep(down).await;
    let waiting = receipts(&admin, node.address, &world).await?;
    let pending = waiting.get("pending").copied().unwrap_or_default();
    report.equal("receipts that are pending meanwhile", pending, connections);
    world.hostile().change(|temper| temper.habits.clear());
    let back = Instant::now();
    while world.hostile().ledger().returned < connections && back.elapsed() < patience {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let returned = world.hostile().ledger().returned;
    report.equal("grants that the provider has ended in the end", returned, connections);
    report.figure("time that took after it came back", format!("{:?}", back.elapsed()));
    // The last ones are noted a moment after they are ended.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let receipts = receipts(&admin, node.address, &world).await?;
    let confirmed = receipts.get("provider_confirmed").copied().unwrap_or_default();
    report.equal("receipts of it", confirmed, connections);
    report.figure("what the product complained of", world.installation.complaints());
    report.figure("revocations sent", world.hostile().ledger().revocations);
    node.stop()?;
    Ok(report)
}

/// Every node has used every connection, and goes on.
async fn calling(world: &World, turns: &Turns, connections: usize) -> (Ongoing, LastUse) {
    let last_use = LastUse::default();
    let (client, turns, noted) = (world.client.clone(), turns.clone(), Arc::clone(&last_use));
    let call = move |number: usize| {
        let (client, at, noted) = (client.clone(), turns.at(number), Arc::clone(&noted));
        let end_user = end_user(number / turns.len() % connections);
        async move {
            let begun = Instant::now();
            if client.read(at, &end_user).await == Outcome::Completed {
                let mut last = noted.lock().unwrap_or_else(PoisonError::into_inner);
                *last = (*last).max(Some(begun));
            }
        }
    };
    each(connections, 16, call.clone()).await;
    (Ongoing::start(16, call), last_use)
}

/// How many receipts there are of each status.
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
