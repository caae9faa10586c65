//! A gateway's incident: for a while the API answers 401 to every token, good or not.

use std::time::{Duration, Instant};

use astralform_simulator::hostile::{Habit, Rotation, Temper};

use crate::{
    Database, Report, Result, Stage,
    client::Outcome,
    fill::{Life, Stored, end_user},
    watch::Watch,
    world::World,
};

/// How much of it.
#[derive(Clone, Copy, Debug)]
pub struct Incident {
    /// On which database.
    pub database: Database,
    /// How many end users are active; half of them have no refresh token.
    pub users: usize,
    /// How long it lasts.
    pub time: Duration,
}

const LIFE: Life = Life::Left(Duration::from_hours(2));
const PATIENCE: Duration = Duration::from_mins(2);

/// Lets every request of the API be refused for a while, the one for the account's identity among
/// them, while all end users call.
///
/// # Errors
/// When it could not be run.
pub async fn run(stage: &Stage, incident: Incident) -> Result<Report> {
    let Incident { database, users, time } = incident;
    let mut report = Report::begin(format!(
        "401 incident: {users} active end users on {}, half of them without refresh token, whose API \
         and `identity` answer 401 for {time:?}",
        database.name()
    ));
    let temper = Temper { rotation: Rotation::Strict, ..Temper::default() };
    let world = stage.set_up(database, temper).await?;
    world.fill(0..users / 2, LIFE).await?;
    world.fill(users / 2..users, Stored::without_refresh_token(LIFE)).await?;
    let node = world.start_nodes(1).await?.remove(0);
    let lost = world.lost(node.address, 0..users, PATIENCE).await?;
    report.equal("connections that do not work before", lost, 0);
    let calls = calling(&world, node.address, users);
    world.hostile().change(|temper| temper.habits.extend([Habit::RefusesTokens]));
    let began = Instant::now();
    tokio::time::sleep(time).await;
    world.hostile().change(|temper| temper.habits.clear());
    let lasted = began.elapsed();
    let seen = calls.stop().await;
    report.figure("outcomes of calls meanwhile", &seen);
    report.equal("calls that asked an end user to connect again", seen.of(&Outcome::Asked), 0);
    let lost = world.lost(node.address, 0..users, PATIENCE).await?;
    report.equal("end users who have to connect again afterwards", lost, 0);
    let ledger = world.hostile().ledger();
    // At most once a minute for each connection.
    let most = (users as u64 / 2) * (lasted.as_secs() / 60 + 1);
    report.claim(
        "refreshes that were tried",
        ledger.refreshes,
        format!("≤ {most}"),
        ledger.refreshes <= most,
    );
    report.equal("grants that the provider ended for re-use", ledger.reused, 0);
    report.figure("what the product complained of", world.installation.complaints());
    node.stop()?;
    Ok(report)
}

fn calling(world: &World, at: std::net::SocketAddr, users: usize) -> Watch {
    let client = world.client.clone();
    Watch::start(12, Duration::from_millis(10), move |number| {
        let client = client.clone();
        async move { client.read(at, &end_user(number % users)).await }
    })
}
