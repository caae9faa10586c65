//! A server is replaced at its address while a refresh that it sent has not been answered.

use std::time::{Duration, Instant};

use astralform_simulator::hostile::{Rotation, Temper};
use tokio::task::JoinSet;

use crate::{
    Database, Report, Result, Stage,
    client::Outcome,
    fill::{Life, end_user},
    installation::{Node, Start},
    load::Tally,
    world::World,
};

/// How much of it.
#[derive(Clone, Copy, Debug)]
pub struct Successor {
    /// How many refreshes are under way.
    pub connections: usize,
    /// How long the provider takes for one; it takes effect after half of that.
    pub latency: Duration,
}

/// How long after SIGTERM the next process is started.
const AFTER: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_mins(2);

/// Stops a server (SIGTERM) and starts another at the same address, as a service manager does.
///
/// # Errors
/// When it could not be run.
pub async fn run(stage: &Stage, successor: Successor) -> Result<Report> {
    let Successor { connections, latency } = successor;
    let mut report = Report::begin(format!(
        "Successor: a server on PostgreSQL is stopped (SIGTERM) with {connections} refreshes under \
         way that take {latency:?}, and another is started at its address {AFTER:?} later; strict \
         rotation"
    ));
    let temper = Temper { rotation: Rotation::Strict, latency, ..Temper::default() };
    let world = stage.set_up(Database::Postgres, temper).await?;
    world.fill(0..connections, Life::Over).await?;
    world.hostile().expire_all();
    let mut first = world.installation.start(&Start::default()).await?;
    let mut calls = JoinSet::new();
    let tally = Tally::default();
    for number in 0..connections {
        let client = world.client.clone();
        let at = first.address;
        let tally = tally.clone();
        calls.spawn(async move { tally.note(&client.read(at, &end_user(number)).await) });
    }
    report.equal("refreshes under way", sent(&world, connections).await, connections);
    let stopped = Instant::now();
    first.signal("TERM")?;
    tokio::time::sleep(AFTER).await;
    let next = started(&world, &first).await?;
    let ready_after = stopped.elapsed();
    report.within("from SIGTERM until the next is ready", ready_after, 3 * latency);
    let lost = world.lost(next.address, 0..connections, PATIENCE).await?;
    calls.join_all().await;
    let completed = tally.of(&Outcome::Completed);
    report.equal("calls at the first that completed", completed, connections);
    report.equal("the first has ended", first.dies(PATIENCE).await?, true);
    // What the first has brought home by now is looked at once more.
    let lost = lost.max(world.lost(next.address, 0..connections, PATIENCE).await?);
    report.equal("connections that do not work afterwards", lost, 0);
    let ledger = world.hostile().ledger();
    report.equal("refreshes that took effect", ledger.refreshes, connections as u64);
    report.equal("refresh tokens that were sent twice", ledger.reused, 0);
    report.equal("refreshes that were refused", ledger.refused, 0);
    report.figure("what the product complained of", world.installation.complaints());
    next.stop()?;
    Ok(report)
}

/// Waits until the provider has so many refreshes under way; how many it has had.
async fn sent(world: &World, wanted: usize) -> usize {
    let began = Instant::now();
    while world.hostile().ledger().peak < wanted && began.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.hostile().ledger().peak
}

/// Starts a server at the address of another, again and again until one stays: the address may be
/// taken for a moment.
async fn started(world: &World, at_the_address_of: &Node) -> Result<Node> {
    let start = Start { address: Some(at_the_address_of.address), ..Start::default() };
    let began = Instant::now();
    loop {
        match world.installation.start(&start).await {
            Err(error) if began.elapsed() > PATIENCE => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            Ok(node) => return Ok(node),
        }
    }
}
