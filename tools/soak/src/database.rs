//! The database fails: PostgreSQL is stopped hard again and again, SQLite's disk is full, its file
//! is locked by another process.

use astralform_domain::Actor;
use std::{
    net::SocketAddr,
    ops::Range,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use astralform_simulator::hostile::{Rotation, Temper};
use astralform_storage::Db;

use crate::{
    Database, Postgres, Report, Result, Stage,
    client::Outcome,
    disk::SmallDisk,
    fill::{Life, end_user},
    installation::{Node, Start},
    load::{Ongoing, Tally},
    world::{Settled, World},
    writes::{Writes, is_passing},
};

/// Those whose tokens are good all the time.
const WARM: usize = 50;
/// Those whose tokens have expired when the trouble begins.
const EXPIRED: usize = 200;
/// How soon everything is as before.
const HEALS_WITHIN: Duration = Duration::from_secs(10);

/// Whether what needs a write may be refused meanwhile, or has to wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refusals {
    MayBe,
    None,
}

/// One run of it, under load.
struct Trouble<'a> {
    world: &'a World,
    node: &'a Node,
    writes: Writes,
    warm: (Ongoing, Tally),
    others: (Ongoing, Tally),
}

/// Stops a PostgreSQL of its own again and again, as hard as can be.
///
/// # Errors
/// When it could not be run.
pub async fn stopped(program: &Path, stops: usize, every: Duration) -> Result<Report> {
    let mut report = Report::begin(format!(
        "PostgreSQL stopped with `-m immediate` {stops} times, every {every:?}, under load"
    ));
    let stage = Stage::new(program.to_owned(), Some(Postgres::start()?));
    let world = set_up(&stage, Database::Postgres).await?;
    let node = world.installation.start(&Start::default()).await?;
    let trouble = Trouble::begin(&world, &node).await;
    let server = stage.postgres.as_ref().ok_or("there is no PostgreSQL")?;
    for _ in 0..stops {
        tokio::time::sleep(every.saturating_sub(Duration::from_secs(1))).await;
        server.stop_hard()?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        server.again()?;
    }
    trouble.end(&mut report, Refusals::MayBe).await?;
    node.stop()?;
    Ok(report)
}

/// Fills the disk under SQLite for a while.
///
/// # Errors
/// When it could not be run; only root can make the disk for it.
pub async fn full(stage: &Stage, time: Duration) -> Result<Report> {
    let mut report = Report::begin(format!("SQLite with no byte of disk left for {time:?}"));
    let world = stage.set_up(Database::Sqlite, temper()).await?;
    let folder = world.installation.data_folder();
    let aside = folder.with_extension("aside");
    std::fs::rename(&folder, &aside)?;
    let disk = SmallDisk::at(&folder)?;
    for entry in std::fs::read_dir(&aside)? {
        let entry = entry?;
        std::fs::copy(entry.path(), folder.join(entry.file_name()))?;
    }
    fill(&world).await?;
    let node = world.installation.start(&Start::default()).await?;
    let trouble = Trouble::begin(&world, &node).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    disk.fill()?;
    // What was under way may still find room that was set aside.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = world.hostile().ledger().refreshes;
    tokio::time::sleep(time).await;
    let during = world.hostile().ledger().refreshes - before;
    report.equal("refreshes sent while nothing could be stored", during, 0);
    let writes = world.client.open_session(node.address, &end_user(0)).await.is_some();
    report.equal("a write at the end of it is acknowledged", writes, false);
    report.equal("ready right after that", world.client.is_ready(node.address).await, false);
    disk.clear()?;
    trouble.end(&mut report, Refusals::MayBe).await?;
    node.stop()?;
    drop(disk);
    Ok(report)
}

/// Has another process hold SQLite's write lock for a while.
///
/// # Errors
/// When it could not be run.
pub async fn locked(stage: &Stage, holder: &Path, time: Duration) -> Result<Report> {
    let mut report = Report::begin(format!("SQLite locked by another process for {time:?}"));
    let world = set_up(stage, Database::Sqlite).await?;
    let node = world.installation.start(&Start::default()).await?;
    let trouble = Trouble::begin(&world, &node).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut lock = Command::new(holder);
    lock.arg("hold-lock").arg(world.installation.sqlite_file()).arg(time.as_secs().to_string());
    let mut held = lock.stdin(Stdio::null()).spawn()?;
    tokio::time::sleep(time).await;
    report.equal("the other process had the lock", held.wait()?.success(), true);
    trouble.end(&mut report, Refusals::None).await?;
    node.stop()?;
    Ok(report)
}

/// Holds the write lock of a SQLite file: what the other process does.
///
/// # Errors
/// When the file cannot be opened or locked.
pub async fn hold_lock(file: &Path, time: Duration) -> Result<()> {
    let db = Db::open_sqlite(file).await?;
    let lock = db.begin(Actor::Product).await?;
    tokio::time::sleep(time).await;
    drop(lock);
    db.close().await;
    Ok(())
}

fn temper() -> Temper {
    let latency = Duration::from_millis(20);
    Temper { rotation: Rotation::Strict, latency, ..Temper::default() }
}

async fn set_up(stage: &Stage, database: Database) -> Result<World> {
    let world = stage.set_up(database, temper()).await?;
    fill(&world).await?;
    Ok(world)
}

async fn fill(world: &World) -> Result<()> {
    world.fill(0..WARM, Life::Left(Duration::from_hours(1))).await?;
    world.fill(Writes::END_USERS, Life::Left(Duration::from_hours(1))).await?;
    world.fill(WARM..WARM + EXPIRED, Life::Over).await
}

/// Returns so many callers, who pause so many milliseconds, of these end users.
fn calling(
    world: &World,
    at: SocketAddr,
    (callers, pause): (usize, u64),
    of: Range<usize>,
) -> (Ongoing, Tally) {
    let client = world.client.clone();
    let tally = Tally::default();
    let noted = tally.clone();
    let ongoing = Ongoing::start(callers, move |number| {
        let client = client.clone();
        let tally = noted.clone();
        let end_user = end_user(of.start + number % of.len());
        async move {
            let outcome = client.read(at, &end_user).await;
            tally.note(&outcome);
            let pause = if is_passing(&outcome) { 50 } else { pause };
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    });
    (ongoing, tally)
}

impl<'a> Trouble<'a> {
    /// Starts the load; everybody whose token is good has called once.
    async fn begin(world: &'a World, node: &'a Node) -> Self {
        let at = node.address;
        for number in 0..WARM {
            world.client.read(at, &end_user(number)).await;
        }
        let warm = calling(world, at, (4, 10), 0..WARM);
        let others = calling(world, at, (2, 100), WARM..WARM + EXPIRED);
        Self { world, node, writes: Writes::start(&world.client, at), warm, others }
    }

    /// Waits until everything is as before, and looks at what was lost.
    async fn end(self, report: &mut Report, refusals: Refusals) -> Result<()> {
        let Self { world, node, writes, warm, others } = self;
        let started = Instant::now();
        let mut healed = None;
        while healed.is_none() && started.elapsed() < 3 * HEALS_WITHIN {
            let wrote = world.client.open_session(node.address, &end_user(0)).await.is_some();
            healed = wrote.then(|| started.elapsed());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let healed = healed.unwrap_or(Duration::MAX);
        report.within("writes again, by itself, after", healed, HEALS_WITHIN);
        warm.0.stop().await;
        others.0.stop().await;
        let kept = writes.stop(&world.client, node.address).await?;
        report.equal("acknowledged writes that were lost", kept.lost, 0);
        report.figure("acknowledged writes", kept.acknowledged);
        report.figure("longest time without one", format!("{:.3?}", kept.longest_gap));
        let alone =
            |tally: &Tally| tally.all() == format!("{} Completed", tally.of(&Outcome::Completed));
        report.claim("calls with good tokens", warm.1.all(), "all Completed", alone(&warm.1));
        if refusals == Refusals::None {
            let expired = &others.1;
            report.claim("calls with expired ones", expired.all(), "all Completed", alone(expired));
            report.equal("writes that were not acknowledged", kept.unacknowledged, 0);
        } else {
            report.figure("calls with expired ones", others.1.all());
            report.figure("writes that were not acknowledged", kept.unacknowledged);
        }
        let patience = Duration::from_mins(2);
        let settled = world.settle(node.address, 0..WARM + EXPIRED, patience).await?;
        let lost = settled.iter().filter(|settled| **settled != Settled::Works).count();
        report.equal("connections that do not work afterwards", lost, 0);
        report.figure("what the product complained of", world.installation.complaints());
        report.equal(
            "grants that the provider ended for re-use",
            world.hostile().ledger().reused,
            0,
        );
        Ok(())
    }
}
