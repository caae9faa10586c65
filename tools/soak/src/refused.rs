//! A provider refuses the app of one connector, whose refreshes are all due, for minutes.

use std::time::Duration;

use astralform_simulator::hostile::{Habit, Rotation, Temper};

use crate::{
    Database, Report, Result, Stage,
    fill::{Life, end_user},
    installation::Node,
    neighbour::Neighbour,
    watch::{Seen, Watch},
    world::World,
};

/// How much of it.
#[derive(Clone, Copy, Debug)]
pub struct Refused {
    /// How many connections of the refused app are due.
    pub connections: usize,
    /// For how long the app is refused.
    pub time: Duration,
    /// For how long the other connector is called before, to compare with.
    pub quiet: Duration,
}

/// The end users of the other connector.
const OTHERS: usize = 50;
/// How often as long a call of the other connector may take meanwhile, at p50.
const SLOWER: u32 = 2;
/// How soon every connection works once the app is accepted again.
const PATIENCE: Duration = Duration::from_mins(2);

/// Refuses an app on PostgreSQL while another connector of the same project is called.
///
/// # Errors
/// When it could not be run.
pub async fn run(stage: &Stage, refused: Refused) -> Result<Report> {
    let Refused { connections, time, quiet } = refused;
    let mut report = Report::begin(format!(
        "Refused: {connections} connections on PostgreSQL with due refreshes, whose token endpoint \
         answers 401 `invalid_client` for {time:?}, beside another connector that is called"
    ));
    let temper = Temper { rotation: Rotation::Strict, ..Temper::default() };
    let world = stage.set_up(Database::Postgres, temper).await?;
    // Nobody enables a connector with an app that is refused.
    world.hostile().change(|temper| {
        temper.habits.insert(Habit::RefusesClient);
    });
    let neighbour = Neighbour::move_in(&world, Temper::default()).await?;
    neighbour.fill(0..OTHERS, Life::Left(Duration::from_hours(2))).await?;
    let node = world.installation.start(&crate::installation::Start::default()).await?;
    let calls = calling(&world, &node);
    tokio::time::sleep(Duration::from_secs(2)).await;
    calls.take();
    tokio::time::sleep(quiet).await;
    let before = (calls.take(), quiet);
    world.fill(0..connections, Life::Due(Duration::from_hours(2))).await?;
    calls.take();
    tokio::time::sleep(time).await;
    let during = (calls.stop().await, time);
    others(&mut report, &before, &during);
    world.hostile().change(|temper| temper.habits.clear());
    let lost = world.lost(node.address, 0..connections, PATIENCE).await?;
    report.equal("connections of the refused app that do not work afterwards", lost, 0);
    let ledger = world.hostile().ledger();
    report.equal("grants that the provider ended for re-use", ledger.reused, 0);
    report.figure("what the product complained of", world.installation.complaints());
    node.stop()?;
    Ok(report)
}

fn calling(world: &World, node: &Node) -> Watch {
    let client = world.client.clone();
    let at = node.address;
    Watch::start(4, Duration::from_millis(10), move |number| {
        let client = client.clone();
        async move { client.call(at, Neighbour::READ, &end_user(number % OTHERS)).await }
    })
}

/// Compares what was seen of the other connector, each with the time that it was watched.
fn others(
    report: &mut Report,
    (before, quiet): &(Seen, Duration),
    (during, time): &(Seen, Duration),
) {
    report.claim("calls of the other connector before", before, "all Completed", before.is_good());
    report.claim("calls of the other connector", during, "all Completed", during.is_good());
    // Callers wait for their answers, so a few that hang would not show in the median.
    let rates = [(before, quiet), (during, time)].map(|(seen, time)| seen.per_second(*time));
    report.claim(
        "calls a second of the other connector",
        rates[1],
        format!("≥ {}", rates[0] / SLOWER),
        rates[1] >= rates[0] / SLOWER,
    );
    let median = before.percentile(50);
    report.figure("p50 of the other connector before", format!("{median:.3?}"));
    let most = Duration::from_micros(u64::try_from(median.as_micros()).unwrap_or(u64::MAX));
    report.within("p50 of the other connector", during.percentile(50), most * SLOWER);
    let p99 = [before, during].map(|seen| format!("{:.3?}", seen.percentile(99)));
    report.figure("p99 of the other connector before, and meanwhile", p99.join(", "));
    let longest = [before, during].map(|seen| format!("{:.3?}", seen.longest()));
    report.figure("longest call of the other connector likewise", longest.join(", "));
}
