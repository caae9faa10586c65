//! A server stands still for longer than its leases, and then goes on as if nothing had been.

use std::time::{Duration, Instant};

use astralform_simulator::hostile::{Ended, Rotation, Temper};
use tokio::task::JoinSet;

use crate::{
    Database, Report, Result, Stage,
    client::{Outcome, Standing},
    fill::{Life, end_user},
    world::{Settled, World},
};

/// How much of it.
#[derive(Clone, Copy, Debug)]
pub struct Stopped {
    /// What the provider does with used refresh tokens.
    pub rotation: Rotation,
    /// How many refreshes the server has sent when it stands still.
    pub connections: usize,
    /// For how long it does at least: longer than a lease lasts.
    pub time: Duration,
}

/// How long a refresh takes, half of it before it takes effect.
const LATENCY: Duration = Duration::from_secs(6);
const PATIENCE: Duration = Duration::from_mins(3);

/// Stops one of two servers (SIGSTOP) when the provider has given new tokens that it has not heard
/// of, lets the other take over, and lets it go on (SIGCONT).
///
/// # Errors
/// When it could not be run.
pub async fn run(stage: &Stage, stopped: Stopped) -> Result<Report> {
    let Stopped { rotation, connections, time } = stopped;
    let mut report = Report::begin(format!(
        "Stopped: one of two servers on PostgreSQL stands still (SIGSTOP) for {time:?} with \
         {connections} refreshes sent and taken effect, and goes on; {rotation:?} rotation"
    ));
    let temper = Temper { rotation, latency: LATENCY, ..Temper::default() };
    let world = stage.set_up(Database::Postgres, temper).await?;
    world.fill(0..connections, Life::Over).await?;
    world.hostile().expire_all();
    let nodes = world.start_nodes(2).await?;
    let stops = &nodes[0];
    let other = &nodes[1];
    let mut calls = JoinSet::new();
    for number in 0..connections {
        let client = world.client.clone();
        let at = stops.address;
        calls.spawn(async move { client.read(at, &end_user(number)).await });
    }
    let sent = took_effect(&world, connections as u64).await;
    stops.signal("STOP")?;
    let began = Instant::now();
    report.equal("refreshes that had taken effect by then", sent, connections as u64);
    world.hostile().change(|temper| temper.latency = Duration::from_millis(20));
    let meanwhile = world.settle(other.address, 0..connections, PATIENCE).await?;
    let taken_over = began.elapsed();
    report.figure("the other had taken over all of them after", format!("{taken_over:.1?}"));
    tokio::time::sleep(time.saturating_sub(taken_over)).await;
    stops.signal("CONT")?;
    let early: Vec<_> = calls.join_all().await;
    let completed = early.iter().filter(|outcome| **outcome == Outcome::Completed).count();
    report.figure("calls at the one that stood still that completed", completed);
    tokio::time::sleep(Duration::from_secs(3)).await;
    for (place, node) in [("the one that stood still", stops), ("the other", other)] {
        let after = world.settle(node.address, 0..connections, PATIENCE).await?;
        let differ = (0..connections).filter(|at| meanwhile[*at] != after[*at]).count();
        let what = format!("connections that stand otherwise at {place} once it goes on");
        report.equal(&what, differ, 0);
    }
    lost(&mut report, &world, rotation, &meanwhile);
    report.figure("what the product complained of", world.installation.complaints());
    for node in nodes {
        node.stop()?;
    }
    Ok(report)
}

/// Waits until so many refreshes have taken effect; how many have.
async fn took_effect(world: &World, wanted: u64) -> u64 {
    let began = Instant::now();
    while world.hostile().ledger().refreshes < wanted && began.elapsed() < 2 * LATENCY {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.hostile().ledger().refreshes
}

fn lost(report: &mut Report, world: &World, rotation: Rotation, settled: &[Settled]) {
    let mut unknown = 0;
    let mut silent = Vec::new();
    let endings = world.endings();
    for (number, settled) in settled.iter().enumerate() {
        let name = end_user(number);
        match settled {
            Settled::Works => {}
            Settled::Asks(Standing { reason, .. })
                if reason == "refresh_outcome_unknown" && endings[&name] == Some(Ended::Reused) =>
            {
                unknown += 1;
            }
            other => silent.push(format!("{name}: {other:?}")),
        }
    }
    let may_lose = rotation == Rotation::Strict;
    let bar = if may_lose { "each reported as refresh_outcome_unknown" } else { "0" };
    report.claim("connections lost", unknown, bar, may_lose || unknown == 0);
    report.none("lost otherwise", &silent);
    let reused = world.hostile().ledger().reused;
    report.equal("grants that the provider ended for re-use", reused, unknown);
}
