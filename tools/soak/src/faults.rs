//! A provider that errs: errors, pages and silence before anything took effect.

use std::time::Duration;

use astralform_simulator::hostile::{Chances, Ended, Rotation, Temper, Trouble};

use crate::{
    Database, Report, Result, Stage,
    fill::{Life, end_user},
    world::Settled,
};

/// How much of it.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// On which database.
    pub database: Database,
    /// How many connections are to be refreshed.
    pub refreshes: usize,
    /// What chance follows from.
    pub seed: u64,
    /// How long a provider that says nothing holds the line.
    pub hang: Duration,
    /// How long callers go on asking.
    pub patience: Duration,
}

/// Lets three of ten refreshes fail without effect, and revokes some grants for good.
///
/// # Errors
/// When it could not be run.
pub async fn run(stage: &Stage, faults: Faults) -> Result<Report> {
    let Faults { database, refreshes, seed, hang, patience } = faults;
    let mut report = Report::begin(format!(
        "Faults: {refreshes} refreshes on {}, 30 % answered by 503 (12 %), HTML (12 %), a dropped \
         connection (5 %) or {hang:?} of silence (1 %) before they took effect, 2 % of the grants \
         truly revoked at each try, seed {seed}",
        database.name()
    ));
    let troubles = vec![
        (Trouble::ServerError, 0.12),
        (Trouble::Html, 0.12),
        (Trouble::DropBefore, 0.05),
        (Trouble::HangBefore, 0.01),
    ];
    let chances = Chances { seed, troubles, revoked: 0.02 };
    let temper = Temper { rotation: Rotation::Strict, hang, chances, ..Temper::default() };
    let world = stage.set_up(database, temper).await?;
    world.fill(0..refreshes, Life::Over).await?;
    world.hostile().expire_all();
    let nodes = world.start_nodes(1).await?;
    let settled = world.settle(nodes[0].address, 0..refreshes, patience).await?;
    let endings = world.endings();
    let mut caught = 0;
    let mut wrongly = Vec::new();
    let mut missed = 0;
    let mut open = Vec::new();
    for (number, settled) in settled.iter().enumerate() {
        match (settled, endings[&end_user(number)] == Some(Ended::Revoked)) {
            (Settled::Asks(_), true) => caught += 1,
            (Settled::Works, false) => {}
            (Settled::Works, true) => missed += 1,
            (Settled::Asks(standing), false) => {
                wrongly.push(format!("{}: {standing:?}", end_user(number)));
            }
            (Settled::Open(outcome), _) => open.push(format!("{}: {outcome:?}", end_user(number))),
        }
    }
    let ledger = world.hostile().ledger();
    report.none("connections that wrongly need reauthorization", &wrongly);
    report.none(&format!("connections that did not come through within {patience:?}"), &open);
    report.equal("grants truly revoked that were caught", caught, ledger.revoked);
    report.equal("grants truly revoked that nobody noticed", missed, 0);
    let due = (refreshes - ledger.revoked) as u64;
    report.equal("refreshes that took effect", ledger.refreshes, due);
    report.equal("grants that the provider ended for re-use", ledger.reused, 0);
    report.figure("what befell refreshes", format!("{:?}", ledger.troubles));
    report.figure("what the product complained of", world.installation.complaints());
    report.figure("most requests at the token endpoint at a time", ledger.peak);
    Ok(report)
}
