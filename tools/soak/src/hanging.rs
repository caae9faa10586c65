//! A provider that does not answer stands beside one that is well, and so do two webhooks.

mod ended;
mod fresh;

use std::time::Duration;

use astralform_simulator::hostile::{Chances, Rotation, Temper, Trouble};

use crate::{
    Database, Report, Result, Stage,
    client::Client,
    fill::Life,
    installation::{Node, Start},
    neighbour::Neighbour,
    world::World,
};

/// How much of it.
#[derive(Clone, Copy, Debug)]
pub struct Hanging {
    /// On which database.
    pub database: Database,
    /// How many connections of the provider that hangs are to be refreshed.
    pub connections: usize,
    /// For how long both are watched.
    pub time: Duration,
}

/// The connections of the provider that is well.
const HEALTHY: usize = 5;
/// How long access tokens of that provider live.
const LIFETIME: Duration = Duration::from_secs(40);
/// How long the other holds a line.
const HANG: Duration = Duration::from_mins(1);
/// How soon what concerns the provider that is well is done.
const SOON: Duration = Duration::from_secs(30);

/// Both providers, and the product between them.
struct Scene<'a> {
    world: &'a World,
    healthy: &'a Neighbour<'a>,
    node: &'a Node,
    admin: Client,
}

/// Has a provider hang at refreshes, then at revocations, and a webhook at deliveries, and looks at
/// what becomes of their neighbours.
///
/// # Errors
/// When it could not be run.
pub async fn run(stage: &Stage, hanging: Hanging) -> Result<Report> {
    let Hanging { database, connections, time } = hanging;
    let mut report = Report::begin(format!(
        "Hanging: {connections} connections on {} to be refreshed at a provider that does not answer, \
         for {time:?}, beside {HEALTHY} with tokens of {LIFETIME:?} at one that is well; then \
         revocations, unconfirmed connections and a webhook likewise",
        database.name()
    ));
    let chances = Chances { troubles: vec![(Trouble::HangBefore, 1.0)], ..Chances::default() };
    let temper = Temper { rotation: Rotation::Strict, hang: HANG, chances, ..Temper::default() };
    let world = stage.set_up(database, temper).await?;
    let well = Temper { rotation: Rotation::Strict, lifetime: LIFETIME, ..Temper::default() };
    let healthy = Neighbour::move_in(&world, well).await?;
    world.fill(0..connections, Life::Due(Duration::from_hours(2))).await?;
    let node = world.installation.start(&Start::default()).await?;
    let admin = Client::new(&world.installation.admin);
    let scene = Scene { world: &world, healthy: &healthy, node: &node, admin };
    scene.stay_fresh(&mut report, connections, time).await?;
    scene.end(&mut report, connections).await?;
    report.figure("what the product complained of", world.installation.complaints());
    node.kill()?;
    Ok(report)
}
