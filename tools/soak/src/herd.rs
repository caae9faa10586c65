//! A herd: everything expires at once, and everybody calls at once.

use std::time::{Duration, Instant};

use astralform_simulator::hostile::{Rotation, Temper};

use crate::{
    Database, Report, Result, Stage,
    client::Outcome,
    fill::{Life, end_user},
    load::{Tally, each},
    world::Turns,
};

/// How large it is.
#[derive(Clone, Copy, Debug)]
pub struct Herd {
    /// On which database.
    pub database: Database,
    /// How many servers share it.
    pub nodes: usize,
    /// How many connections expire at once.
    pub connections: usize,
    /// How many callers each of them has.
    pub callers: usize,
    /// How many calls are in flight at a time, in total.
    pub in_flight: usize,
}

/// Lets all callers of a connection come at once, each to another node, until all have called.
///
/// # Errors
/// When it could not be run.
pub async fn run(stage: &Stage, herd: Herd) -> Result<Report> {
    let Herd { database, nodes, connections, callers, in_flight } = herd;
    let mut report = Report::begin(format!(
        "Herd: {nodes} × {}, {connections} connections expired at once, {callers} callers for each, \
         {in_flight} calls in flight, strict rotation",
        database.name()
    ));
    let latency = Duration::from_millis(20);
    let temper = Temper { rotation: Rotation::Strict, latency, ..Temper::default() };
    let world = stage.set_up(database, temper).await?;
    world.fill(0..connections, Life::Over).await?;
    world.hostile().expire_all();
    let nodes = world.start_nodes(nodes).await?;
    let turns = Turns::of(&nodes);
    let client = world.client.clone();
    let tally = Tally::default();
    let started = Instant::now();
    let noted = tally.clone();
    each(connections * callers, in_flight, move |number| {
        let client = client.clone();
        let tally = noted.clone();
        let at = turns.at(number);
        let end_user = end_user(number / callers);
        async move { tally.note(&client.read(at, &end_user).await) }
    })
    .await;
    let took = started.elapsed();
    let ledger = world.hostile().ledger();
    let completed = tally.of(&Outcome::Completed);
    report.equal("refreshes", ledger.refreshes, connections as u64);
    report.equal("grants that the provider ended for re-use", ledger.reused, 0);
    report.equal("refreshes that were refused", ledger.refused, 0);
    report.equal("calls that completed", completed, connections * callers);
    report.figure("outcomes of calls", tally.all());
    report.figure("calls that reached the API with a dead token", ledger.dead_calls);
    report.figure("most requests at the token endpoint at a time", ledger.peak);
    report.figure("what the product complained of", world.installation.complaints());
    report.figure("calls per second", completed as u128 * 1_000 / took.as_millis().max(1));
    Ok(report)
}
