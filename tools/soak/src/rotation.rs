//! All keys are replaced while servers run, by a command that is killed again and again.

use std::{process::Stdio, time::Duration};

use astralform_simulator::hostile::{Rotation, Temper};

use crate::{
    Database, Report, Result, Stage,
    client::Outcome,
    fill::{Life, end_user},
    load::{Ongoing, Tally},
    progress::Progress,
    seeded::Seeded,
    world::{Settled, Turns, World},
};

/// How much of it.
#[derive(Clone, Copy, Debug)]
pub struct Rotate {
    /// On which database.
    pub database: Database,
    /// How many servers share it.
    pub nodes: usize,
    /// How many connections there are; half of them have to be refreshed meanwhile.
    pub connections: usize,
    /// How often the command is killed before it may end.
    pub kills: usize,
    /// What chance follows from.
    pub seed: u64,
}

/// Every key: the master key, and the data keys with all that is sealed with them. All nodes read one
/// key file.
const COMMAND: [&str; 4] = ["keys", "rotate", "--data-keys", "--add"];

/// Rotates under load, kills it at random moments, lets it end, and looks for what was left behind.
///
/// # Errors
/// When it could not be run.
pub async fn run(stage: &Stage, rotate: Rotate) -> Result<Report> {
    let Rotate { database, nodes, connections, kills, seed } = rotate;
    let mut report = Report::begin(format!(
        "Keys rotated under load: {nodes} × {}, {connections} connections, `keys rotate --data-keys` \
         killed {kills} times at random moments, seed {seed}",
        database.name()
    ));
    let temper = Temper { rotation: Rotation::Strict, ..Temper::default() };
    let world = stage.set_up(database, temper).await?;
    world.fill(0..connections / 2, Life::Left(Duration::from_hours(2))).await?;
    world.fill(connections / 2..connections, Life::Over).await?;
    let nodes = world.start_nodes(nodes).await?;
    let (calls, tally) = calling(&world, &Turns::of(&nodes), connections);
    let mut chance = Seeded::new(seed);
    let mut killed = 0;
    let mut begun = 0;
    let progress = Progress::of("commands killed", kills);
    while killed < kills && begun < 5 * kills {
        begun += 1;
        let mut command = world.installation.command(&COMMAND);
        let mut rotating = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        tokio::time::sleep(Duration::from_millis(10) + chance.moment(1_500)).await;
        killed += usize::from(rotating.try_wait()?.is_none());
        rotating.kill()?;
        rotating.wait()?;
        progress.set(killed);
    }
    drop(progress);
    let ended = world.installation.command(&COMMAND).output()?;
    let why = String::from_utf8_lossy(&ended.stderr).into_owned();
    let ended_well = ended.status.success();
    report.claim("how the command ends when it may", ended.status, "success", ended_well);
    if !ended_well {
        report.figure("what it said", why.trim());
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    calls.stop().await;
    report.equal("commands that were killed before they had ended", killed, kills);
    let completed = tally.of(&Outcome::Completed);
    let good = tally.all() == format!("{completed} Completed");
    report.claim("calls all the while", tally.all(), "all Completed", good);
    let status = world.installation.command(&["keys", "status"]).output()?;
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    let left = left_behind(&status);
    report.none("older keys that something still needs", &left);
    let patience = Duration::from_mins(2);
    let settled = world.settle(nodes[0].address, 0..connections, patience).await?;
    let lost = settled.iter().filter(|settled| **settled != Settled::Works).count();
    report.equal("connections that do not work afterwards", lost, 0);
    report.equal("grants that the provider ended for re-use", world.hostile().ledger().reused, 0);
    report.figure("what the product complained of", world.installation.complaints());
    for node in nodes {
        node.stop()?;
    }
    Ok(report)
}

fn calling(world: &World, turns: &Turns, connections: usize) -> (Ongoing, Tally) {
    let client = world.client.clone();
    let turns = turns.clone();
    let tally = Tally::default();
    let noted = tally.clone();
    let ongoing = Ongoing::start(8, move |number| {
        let client = client.clone();
        let at = turns.at(number);
        let tally = noted.clone();
        let end_user = end_user(number % connections);
        async move {
            tally.note(&client.read(at, &end_user).await);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    (ongoing, tally)
}

/// Returns the lines of `keys status` of keys that are not in use and yet needed: master keys that
/// are not current and wrap something, data keys that are not current and seal something.
fn left_behind(status: &str) -> Vec<String> {
    let is_left = |line: &&str| {
        let master = line.contains("wraps ");
        let data = line.contains("wrapped with");
        let is_empty = line.contains("wraps 0 keys") || line.ends_with(" 0 values");
        let is_used = line.ends_with("current") || line.contains("  current  ");
        (master || data) && !is_empty && !is_used && !line.contains("  tags  ")
    };
    status.lines().filter(is_left).map(|line| line.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_behind_is_found() {
        let status = "Master keys in astralform.key:\n  aa  wraps 2 keys  current\n  \
                      bb  wraps 0 keys  nothing needs it: `astralform keys retire bb`\n  \
                      cc  wraps 1 keys  `astralform keys rotate` makes it superfluous\n\
                      Data keys:\n  proj_1  k1  current  wrapped with aa  12 values\n      \
                      tokens.access_token  12\n  proj_1  k2  tags  wrapped with aa  0 values\n  \
                      proj_1  k0  previous  wrapped with aa  3 values\n";
        let left = left_behind(status);
        assert_eq!(left.len(), 2, "{left:?}");
        assert!(left[0].starts_with("cc") && left[1].starts_with("proj_1  k0"));
    }
}
