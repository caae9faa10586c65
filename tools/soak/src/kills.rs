//! Kills: at random moments under load, and at every crash point.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use astralform_simulator::hostile::{Ended, Rotation};
use astralform_testkit::free_address;

use crate::{
    Database, Manner, Report, Result, Stage,
    client::{Client, Outcome, Standing},
    fill::{Life, end_user},
    installation::{Node, Start},
    load::{Ongoing, Tally},
    progress::Progress,
    seeded::Seeded,
    world::{Settled, Turns, World},
    writes::{Kept, Writes, is_passing},
};

/// How many, and of what.
#[derive(Clone, Copy, Debug)]
pub struct Kills {
    /// On which database.
    pub database: Database,
    /// How many other servers share it, and live on.
    pub companions: usize,
    /// What the provider does with used refresh tokens.
    pub rotation: Rotation,
    /// What else the provider does.
    pub manner: Manner,
    /// How many SIGKILLs at random moments.
    pub random: usize,
    /// Whether the process dies at every crash point, too.
    pub crash_points: bool,
    /// How many connections have expired before each of the deaths.
    pub expired: usize,
    /// What chance follows from.
    pub seed: u64,
    /// How long callers go on asking in the end.
    pub patience: Duration,
    /// How many acknowledged writes a second it takes to count.
    pub writes_per_second: usize,
    /// How soon after its start the product has to be ready.
    pub recovery: Duration,
}

/// The places of a refresh at which a test build can die.
pub const CRASH_POINTS: [&str; 4] =
    ["refresh.claimed", "refresh.answered", "refresh.stored", "refresh.applied"];

/// How a process ends.
enum Death {
    /// By SIGKILL, so long after it was ready.
    After(Duration),
    /// By itself, at that crash point.
    At(String),
}

/// What is seen of all the deaths.
struct Deaths<'a> {
    world: &'a World,
    address: SocketAddr,
    slowest: Duration,
    /// How long it was up, in total.
    up: Duration,
    survived: Vec<String>,
}

/// How many connections were lost, by the reason that the product gives.
type Lost = BTreeMap<String, usize>;

/// Kills the product over and over, starts it again each time, and counts what was lost.
///
/// # Errors
/// When it could not be run.
pub async fn run(stage: &Stage, kills: Kills) -> Result<Report> {
    let Kills { database, rotation, expired, seed, patience, .. } = kills;
    let deaths = deaths(&kills);
    let mut report = Report::begin(title(&kills, deaths.len()));
    let world = stage.set_up(database, kills.manner.temper(rotation, seed)).await?;
    world.fill(Writes::END_USERS, Life::Left(Duration::from_hours(3))).await?;
    let address = free_address();
    let slowest = Duration::ZERO;
    let up = Duration::ZERO;
    let mut seen = Deaths { world: &world, address, slowest, up, survived: Vec::new() };
    let writes = Writes::start(&world.client, address);
    let filled = Arc::new(AtomicUsize::new(0));
    let tally = Tally::default();
    let companions = world.start_nodes(kills.companions).await?;
    let turns = Turns::of(&companions).and(address);
    let calls = calling(&world.client, &turns, &filled, expired, &tally);
    let progress = Progress::of("deaths", deaths.len());
    for death in &deaths {
        let first = filled.load(Ordering::SeqCst);
        world.fill(first..first + expired, Life::Over).await?;
        filled.store(first + expired, Ordering::SeqCst);
        seen.one(death).await?;
        progress.one();
    }
    drop(progress);
    let node = seen.start(None).await?;
    let ready = Instant::now();
    calls.stop().await;
    seen.up += ready.elapsed();
    let kept = writes.stop(&world.client, address).await?;
    let settled = world.settle(address, 0..filled.load(Ordering::SeqCst), patience).await?;
    node.stop()?;
    seen.writes(&mut report, &kept, kills.writes_per_second)?;
    let repeated = world.hostile().ledger().repeated_writes;
    report.equal("writes at the provider that were carried out twice", repeated, 0);
    report.within("slowest recovery", seen.slowest, kills.recovery);
    report.none("crash points that were not reached", &seen.survived);
    lost(&mut report, &world, rotation, &settled);
    report.figure("outcomes of calls meanwhile", tally.all());
    report.figure("what the product complained of", world.installation.complaints());
    Ok(report)
}

fn title(kills: &Kills, deaths: usize) -> String {
    let Kills { random, expired, seed, .. } = kills;
    let beside = match kills.companions {
        0 => String::new(),
        companions => format!(" beside {companions} servers that live on"),
    };
    format!(
        "Kills: {deaths} on {}{beside}, {random} of them SIGKILL at a random moment and the others at \
         a crash point, {expired} connections expired before each, {}{}, seed {seed}",
        kills.database.name(),
        name(kills.rotation),
        kills.manner.words(),
    )
}

fn deaths(kills: &Kills) -> Vec<Death> {
    const LATEST: u64 = 1_000;
    /// Enough for several refreshes to be under way.
    const PASSAGE: u64 = 7;
    let mut chance = Seeded::new(kills.seed);
    let mut deaths: Vec<_> =
        (0..kills.random).map(|_| Death::After(chance.moment(LATEST))).collect();
    if kills.crash_points {
        let point = |name| Death::At(format!("{name}:{}", 1 + chance.below(PASSAGE)));
        deaths.extend(CRASH_POINTS.map(point));
    }
    deaths
}

/// Calls for those whose tokens expired last, all the time, whether the product is there or not.
fn calling(
    client: &Client,
    turns: &Turns,
    filled: &Arc<AtomicUsize>,
    expired: usize,
    tally: &Tally,
) -> Ongoing {
    const CALLERS: usize = 24;
    let client = client.clone();
    let turns = turns.clone();
    let filled = Arc::clone(filled);
    let tally = tally.clone();
    Ongoing::start(CALLERS, move |number| {
        let client = client.clone();
        let tally = tally.clone();
        let at = turns.at(number);
        let filled = filled.load(Ordering::SeqCst);
        async move {
            // Two of three calls are for the newest, so that several meet at each of them.
            let span = if number % 3 == 0 { filled.min(4 * expired) } else { expired };
            let outcome = match filled {
                0 => Outcome::Unreachable,
                _ => client.read(at, &end_user(filled - 1 - (number / 2) % span)).await,
            };
            tally.note(&outcome);
            let pause = if is_passing(&outcome) { 20 } else { 5 };
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    })
}

impl Deaths<'_> {
    async fn start(&mut self, crash_point: Option<String>) -> Result<Node> {
        let start = Start { address: Some(self.address), crash_point };
        let node = self.world.installation.start(&start).await?;
        self.slowest = self.slowest.max(node.ready_after);
        Ok(node)
    }

    fn writes(&self, report: &mut Report, kept: &Kept, bar: usize) -> Result<()> {
        report.equal("acknowledged writes that were lost", kept.lost, 0);
        report.figure("acknowledged writes", kept.acknowledged);
        let millis = self.up.as_millis().max(1);
        let pace = usize::try_from(kept.acknowledged as u128 * 1_000 / millis)?;
        let reached = pace >= bar;
        report.claim("of them per second while it was up", pace, format!("≥ {bar}"), reached);
        report.figure("of them per second, its deaths and starts included", kept.per_second);
        Ok(())
    }

    async fn one(&mut self, death: &Death) -> Result<()> {
        match death {
            Death::After(moment) => {
                let node = self.start(None).await?;
                let ready = Instant::now();
                tokio::time::sleep(*moment).await;
                node.kill()?;
                self.up += ready.elapsed();
                Ok(())
            }
            Death::At(point) => {
                // It may die before it has said that it is ready.
                let crash_point = Some(point.clone());
                let start = Start { address: Some(self.address), crash_point };
                let mut node = self.world.installation.begin(&start)?;
                let begun = Instant::now();
                if !node.dies(Duration::from_secs(10)).await? {
                    self.survived.push(point.clone());
                }
                self.up += begun.elapsed();
                Ok(())
            }
        }
    }
}

/// Notes that a grant is lost when it was not its owner who ended it.
fn lost(report: &mut Report, world: &World, rotation: Rotation, settled: &[Settled]) {
    let mut lost = Lost::new();
    let mut silent = Vec::new();
    let mut open = Vec::new();
    let endings = world.endings();
    for (number, settled) in settled.iter().enumerate() {
        let name = end_user(number);
        match settled {
            Settled::Works => {}
            Settled::Asks(Standing { status, reason }) => {
                *lost.entry(format!("{status}/{reason}")).or_default() += 1;
                let ended = endings[&name];
                if reason != "refresh_outcome_unknown" || ended != Some(Ended::Reused) {
                    silent.push(format!("{name}: {reason}, {ended:?}"));
                }
            }
            Settled::Open(outcome) => open.push(format!("{name}: {outcome:?}")),
        }
    }
    let of = settled.len();
    let all: usize = lost.values().sum();
    let may_lose = rotation == Rotation::Strict;
    let known = lost.keys().cloned().collect::<Vec<_>>().join(", ");
    report.claim(
        "connections lost",
        format!("{all} of {of} {known}").trim_end(),
        if may_lose { "each reported" } else { "0" },
        may_lose || all == 0,
    );
    report.none("of them not reported as refresh_outcome_unknown, or not lost at all", &silent);
    report.none("connections that neither work nor say why", &open);
    let ledger = world.hostile().ledger();
    report.figure("refreshes that took effect", ledger.refreshes);
    report.claim(
        "grants that the provider ended for re-use",
        ledger.reused,
        if may_lose { all } else { 0 },
        may_lose && ledger.reused == all || ledger.reused == 0,
    );
}

fn name(rotation: Rotation) -> String {
    match rotation {
        Rotation::None => "no rotation".to_owned(),
        Rotation::Strict => "strict rotation".to_owned(),
        Rotation::Grace(window) => format!("rotation with {window:?} of grace"),
    }
}
