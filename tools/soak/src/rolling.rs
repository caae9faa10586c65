//! Servers are replaced one after the other, under load.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use astralform_simulator::hostile::{Rotation, Temper};

use crate::{
    Database, Report, Result, Stage,
    client::Outcome,
    fill::{Life, end_user},
    installation::Start,
    load::{Ongoing, Tally},
    progress::Progress,
    world::{Settled, Turns, World},
};

/// How much of it.
#[derive(Clone, Copy, Debug)]
pub struct Rolling {
    /// How many servers share one PostgreSQL.
    pub nodes: usize,
    /// How often all of them are replaced.
    pub rounds: usize,
    /// How many connections there are, whose tokens live for a few seconds.
    pub connections: usize,
}

const LIFETIME: Duration = Duration::from_secs(5);
const DRAINED_WITHIN: Duration = Duration::from_secs(30);

/// Stops one server after the other (SIGTERM) and starts it again, while tokens are refreshed all
/// the time.
///
/// # Errors
/// When it could not be run.
pub async fn run(stage: &Stage, rolling: Rolling) -> Result<Report> {
    let Rolling { nodes: count, rounds, connections } = rolling;
    let mut report = Report::begin(format!(
        "Rolling: each of {count} servers on PostgreSQL replaced (SIGTERM) {rounds} times, one after \
         the other, {connections} connections with tokens of {LIFETIME:?}, strict rotation"
    ));
    let rotation = Rotation::Strict;
    let latency = Duration::from_millis(300);
    let temper = Temper { rotation, latency, lifetime: LIFETIME, ..Temper::default() };
    let world = stage.set_up(Database::Postgres, temper).await?;
    world.fill(0..connections, Life::Over).await?;
    world.hostile().expire_all();
    let mut nodes = world.start_nodes(count).await?;
    let (calls, tally) = calling(&world, &Turns::of(&nodes), connections);
    let mut slowest = Duration::ZERO;
    let progress = Progress::of("servers replaced", count * rounds);
    for _ in 0..count * rounds {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let node = nodes.remove(0);
        let address = Some(node.address);
        let began = Instant::now();
        let ended = tokio::task::spawn_blocking(move || node.stop()).await??;
        slowest = slowest.max(began.elapsed());
        if !ended.success() {
            report.equal("how a server ended", ended.to_string(), "exit status: 0".to_owned());
        }
        let start = Start { address, ..Start::default() };
        nodes.push(world.installation.start(&start).await?);
        progress.one();
    }
    drop(progress);
    calls.stop().await;
    report.claim(
        "calls; who finds nobody listening asks the next server",
        tally.all(),
        "all Completed",
        tally.all() == format!("{} Completed", tally.of(&Outcome::Completed)),
    );
    report.within("longest time from SIGTERM to the end", slowest, DRAINED_WITHIN);
    let patience = Duration::from_mins(2);
    let settled = world.settle(nodes[0].address, 0..connections, patience).await?;
    let lost = settled.iter().filter(|settled| **settled != Settled::Works).count();
    report.equal("connections that do not work afterwards", lost, 0);
    let ledger = world.hostile().ledger();
    report.equal("grants that the provider ended for re-use", ledger.reused, 0);
    report.figure("refreshes that took effect", ledger.refreshes);
    report.figure("what the product complained of", world.installation.complaints());
    for node in nodes {
        node.stop()?;
    }
    Ok(report)
}

fn calling(world: &World, turns: &Turns, connections: usize) -> (Ongoing, Tally) {
    let client = world.client.clone();
    let turns = Arc::new(turns.clone());
    let tally = Tally::default();
    let noted = tally.clone();
    let ongoing = Ongoing::start(12, move |number| {
        let client = client.clone();
        let turns = Arc::clone(&turns);
        let tally = noted.clone();
        async move {
            let end_user = end_user(number % connections);
            let mut outcome = Outcome::Unreachable;
            for next in 0..turns.len() {
                outcome = client.read(turns.at(number + next), &end_user).await;
                if outcome != Outcome::Unreachable {
                    break;
                }
            }
            tally.note(&outcome);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    (ongoing, tally)
}
