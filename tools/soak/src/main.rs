//! Runs the scenarios of this crate large, one after another, and prints what they have shown.
//!
//! `astralform-soak --program FILE [--quick] [--write] [SCENARIO …]`; without names, all of them.

mod document;
mod incidents;

use std::{
    fs,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use astralform_simulator::hostile::Rotation;
use astralform_soak::{
    Database, Error, Manner, Postgres, Report, Stage, database,
    disable::{self, Disable},
    faults::{self, Faults},
    herd::{self, Herd},
    kills::{self, Kills},
    note,
    rolling::{self, Rolling},
    rotation::{self, Rotate},
    stopped::{self, Stopped},
};

use document::document;
use tokio::signal::unix::{SignalKind, signal};

const REPORT: &str = "docs/soak.md";
const SCENARIOS: [&str; 13] = [
    "herd",
    "faults",
    "kills",
    "database",
    "disable",
    "rotation",
    "stopped",
    "rolling",
    "refused",
    "half-open",
    "hanging",
    "successor",
    "incident",
];
const BOTH: [Database; 2] = [Database::Sqlite, Database::Postgres];

/// What is to be done.
struct Arguments {
    program: PathBuf,
    quick: bool,
    write: bool,
    scenarios: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    // Whatever is under way is dropped, and with it the processes and folders it has.
    let ended = tokio::select! {
        ended = run() => ended,
        asked = asked_to_stop() => asked.and(Err("stopped".into())),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            note(&format!("astralform-soak: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn asked_to_stop() -> Result<(), Error> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

async fn run() -> Result<bool, Error> {
    let mut words = std::env::args().skip(1).peekable();
    if words.next_if(|word| word == "hold-lock").is_some() {
        let file: PathBuf = words.next().ok_or("which file?")?.into();
        let seconds = words.next().ok_or("how long?")?.parse()?;
        database::hold_lock(&file, Duration::from_secs(seconds)).await?;
        return Ok(true);
    }
    let arguments = Arguments::parse(words)?;
    let stage = Stage::new(arguments.program.clone(), Some(Postgres::start()?));
    let began = Instant::now();
    let mut reports = Vec::new();
    for scenario in &arguments.scenarios {
        reports.extend(arguments.reports(&stage, scenario).await?);
        if arguments.write {
            // What was shown stays, should a later one not end.
            fs::write(REPORT, document(&arguments, &reports, began.elapsed()))?;
        }
    }
    let failed = reports.iter().filter(|report| !report.holds());
    failed.clone().for_each(|report| note(&format!("FAILED: {}", report.title())));
    Ok(failed.count() == 0)
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Error> {
        let mut program = None;
        let mut quick = false;
        let mut write = false;
        let mut scenarios = Vec::new();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--program" => program = words.next().map(PathBuf::from),
                "--quick" => quick = true,
                "--write" => write = true,
                name if SCENARIOS.contains(&name) => scenarios.push(name.to_owned()),
                other => return Err(format!("`{other}`: there is {}", SCENARIOS.join(", ")).into()),
            }
        }
        if scenarios.is_empty() {
            scenarios = SCENARIOS.map(ToOwned::to_owned).into();
        }
        let program = program.ok_or("--program names the product's binary")?;
        Ok(Self { program, quick, write, scenarios })
    }

    async fn reports(&self, stage: &Stage, scenario: &str) -> Result<Vec<Report>, Error> {
        match scenario {
            "herd" => self.herds(stage).await,
            "faults" => self.faults(stage).await,
            "kills" => self.kills(stage).await,
            "database" => self.database(stage).await,
            "disable" => self.disable(stage).await,
            "rotation" => self.rotation(stage).await,
            "stopped" => stopped(stage).await,
            "rolling" => self.rolling(stage).await,
            "refused" => self.refused(stage).await,
            "half-open" => self.half_open(stage).await,
            "hanging" => self.hanging(stage).await,
            "successor" => self.successor(stage).await,
            _ => self.incident(stage).await,
        }
    }

    async fn herds(&self, stage: &Stage) -> Result<Vec<Report>, Error> {
        let connections = if self.quick { 200 } else { 2_000 };
        let mut reports = Vec::new();
        for (database, nodes) in [(Database::Postgres, 3), (Database::Sqlite, 1)] {
            let herd = Herd { database, nodes, connections, callers: 50, in_flight: 500 };
            reports.push(shown(herd::run(stage, herd).await?));
        }
        Ok(reports)
    }

    async fn faults(&self, stage: &Stage) -> Result<Vec<Report>, Error> {
        let refreshes = if self.quick { 500 } else { 10_000 };
        let mut reports = Vec::new();
        for database in BOTH {
            let hang = Duration::from_secs(25);
            let patience = Duration::from_mins(8);
            let faults = Faults { database, refreshes, seed: 5, hang, patience };
            reports.push(shown(faults::run(stage, faults).await?));
        }
        Ok(reports)
    }

    async fn kills(&self, stage: &Stage) -> Result<Vec<Report>, Error> {
        let random = if self.quick { 5 } else { 100 };
        let profiles = [Rotation::Strict, Rotation::Grace(Duration::from_mins(2)), Rotation::None];
        let mut reports = Vec::new();
        let mut kills = Kills {
            database: Database::Sqlite,
            companions: 0,
            rotation: Rotation::Strict,
            manner: Manner::Plain,
            random,
            crash_points: true,
            expired: 40,
            seed: 7,
            patience: Duration::from_mins(3),
            writes_per_second: 100,
            recovery: Duration::from_secs(3),
        };
        for database in BOTH {
            for rotation in profiles {
                kills = Kills { database, rotation, ..kills };
                reports.push(shown(kills::run(stage, kills).await?));
            }
        }
        let beside = random.div_ceil(5);
        let some = random.div_ceil(10);
        let grace = profiles[1];
        for (manner, rotation) in [
            (Manner::RefusesWithOk, Rotation::Strict),
            (Manner::Errs, grace),
            (Manner::LosesAnswers, grace),
            (Manner::LosesAnswers, Rotation::Strict),
            (Manner::Omits, Rotation::None),
        ] {
            for database in BOTH {
                kills = Kills { database, rotation, manner, random: some, ..kills };
                reports.push(shown(kills::run(stage, kills).await?));
            }
        }
        let companions = 2;
        let crash_points = false;
        let manner = Manner::Plain;
        let rotation = Rotation::Strict;
        kills = Kills { companions, crash_points, rotation, manner, random: beside, ..kills };
        reports.push(shown(kills::run(stage, kills).await?));
        Ok(reports)
    }

    async fn database(&self, stage: &Stage) -> Result<Vec<Report>, Error> {
        let (stops, full) = if self.quick { (3, 5) } else { (24, 60) };
        let holder = std::env::current_exe()?;
        let every = Duration::from_secs(5);
        Ok(vec![
            shown(database::stopped(&self.program, stops, every).await?),
            shown(database::full(stage, Duration::from_secs(full)).await?),
            shown(database::locked(stage, &holder, Duration::from_secs(10)).await?),
        ])
    }

    async fn rotation(&self, stage: &Stage) -> Result<Vec<Report>, Error> {
        let (connections, kills) = if self.quick { (200, 4) } else { (2_000, 20) };
        let mut reports = Vec::new();
        for (database, nodes) in [(Database::Sqlite, 1), (Database::Postgres, 2)] {
            let rotation = Rotate { database, nodes, connections, kills, seed: 11 };
            reports.push(shown(rotation::run(stage, rotation).await?));
        }
        Ok(reports)
    }

    async fn rolling(&self, stage: &Stage) -> Result<Vec<Report>, Error> {
        let rolling =
            Rolling { nodes: 3, rounds: if self.quick { 2 } else { 20 }, connections: 150 };
        Ok(vec![shown(rolling::run(stage, rolling).await?)])
    }

    async fn disable(&self, stage: &Stage) -> Result<Vec<Report>, Error> {
        let connections = if self.quick { 100 } else { 1_000 };
        let mut reports = Vec::new();
        for (database, nodes) in [(Database::Sqlite, 1), (Database::Postgres, 2)] {
            let down = Duration::from_secs(10);
            let patience = Duration::from_mins(6);
            let disable = Disable { database, nodes, connections, down, patience };
            reports.push(shown(disable::run(stage, disable).await?));
        }
        Ok(reports)
    }
}

async fn stopped(stage: &Stage) -> Result<Vec<Report>, Error> {
    let mut reports = Vec::new();
    for rotation in [Rotation::Grace(Duration::from_mins(10)), Rotation::Strict] {
        let stopped = Stopped { rotation, connections: 20, time: Duration::from_secs(75) };
        reports.push(shown(stopped::run(stage, stopped).await?));
    }
    Ok(reports)
}

/// Shows a report as soon as it is there.
#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
fn shown(report: Report) -> Report {
    println!("{}", report.markdown());
    report
}
