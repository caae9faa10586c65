//! What the call log costs, and how fast it is searched when it is long.

mod lines;
mod searches;

use std::{
    fmt::Write as _,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use astralform_domain::Timestamp;
use astralform_engine::calls::CallLog;
use astralform_storage::{
    Db,
    calls::{CallStore, Keep},
};

use crate::{Result, cpu, figures::median, machine::Machine, note, postgres::Postgres};
use lines::Lines;

/// How to measure the call log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MeasureCallLog {
    /// Where the long log is kept between runs, and its databases are made.
    pub(crate) keep: PathBuf,
    /// How many lines it has.
    pub(crate) lines: usize,
    /// Whether the report becomes `docs/benchmarks-calls.md`.
    pub(crate) write: bool,
}

/// Something that was promised, and what was found.
struct Found {
    what: String,
    limit: f64,
    amount: f64,
    unit: &'static str,
}

const REPORT: &str = "docs/benchmarks-calls.md";
/// How many calls there are a second.
const RATE: u32 = 2_000;
/// For how long.
const TIME: Duration = Duration::from_secs(20);
/// How often lines are written, as a server does.
const EVERY: Duration = Duration::from_millis(500);

impl Default for MeasureCallLog {
    fn default() -> Self {
        Self { keep: PathBuf::new(), lines: 10_000_000, write: false }
    }
}

impl MeasureCallLog {
    /// Returns whether everything that was promised holds.
    #[expect(clippy::print_stdout, reason = "the report is what the program is for")]
    pub(crate) async fn measure(&self) -> Result<bool> {
        fs::create_dir_all(&self.keep)?;
        let postgres = Postgres::start().await?;
        let mut found = Vec::new();
        let scratch = tempfile::tempdir_in(&self.keep)?;
        let sqlite = Db::open_sqlite(&scratch.path().join("astralform.db")).await?;
        let on_postgres = Db::connect_postgres(&postgres.create("calls")?).await?;
        for (name, db) in [("SQLite", &sqlite), ("PostgreSQL", &on_postgres)] {
            found.extend(written(name, db).await?);
        }
        let kept = Db::open_sqlite(&self.keep.join("long.db")).await?;
        let long = Db::connect_postgres(&postgres.create("long")?).await?;
        for (name, db) in [("SQLite", kept), ("PostgreSQL", long)] {
            let store = CallStore::of(&db);
            lines::fill(&store, name, self.lines).await?;
            found.extend(searches::searched(name, &store, self.lines).await?);
            store.close().await;
        }
        let report = report(&Machine::look()?, self.lines, &found);
        if self.write {
            fs::write(REPORT, &report)?;
        }
        println!("{report}");
        Ok(found.iter().all(|found| found.amount <= found.limit))
    }
}

/// Measures what lines cost the thread that notes them, and the whole process.
async fn written(name: &str, db: &Db) -> Result<Vec<Found>> {
    let log = CallLog::new(db, Keep::default());
    let now = Timestamp::from_secs(1_764_500_000);
    let mut lines = Lines::new(now);
    log.note(lines.next());
    log.write().await?;
    let thread = median((0..9).map(|_| noted(&log, &mut lines)).collect::<Vec<_>>());
    log.write().await?;
    note(&format!("{name}: {RATE} lines a second for {} s", TIME.as_secs()));
    let before = cpu::used(&[std::process::id()])?;
    let made = as_they_come(&log, &mut lines, now).await?;
    let used = cpu::used(&[std::process::id()])?.saturating_sub(before);
    let process = used.as_secs_f64() * 1e6 / f64::from(made);
    Ok(vec![
        Found {
            what: format!("{name}: the thread of the call, for its line"),
            limit: 2.0,
            amount: thread.unwrap_or_default(),
            unit: "µs",
        },
        Found {
            what: format!("{name}: the process, for each line at {RATE}/s"),
            limit: 15.0,
            amount: process,
            unit: "µs",
        },
    ])
}

/// Returns how many microseconds a line takes that is made and noted.
fn noted(log: &CallLog, lines: &mut Lines) -> f64 {
    const NUMBER: u32 = 5_000;
    let began = Instant::now();
    for _ in 0..NUMBER {
        log.note(lines.next());
    }
    began.elapsed().as_secs_f64() * 1e6 / f64::from(NUMBER)
}

/// Notes lines as calls end, and writes them as a server does; returns how many.
async fn as_they_come(log: &CallLog, lines: &mut Lines, now: Timestamp) -> Result<u32> {
    const TICK: Duration = Duration::from_millis(5);
    let ticks = u32::try_from(TIME.as_millis() / TICK.as_millis())?;
    let each = RATE / u32::try_from(Duration::from_secs(1).as_millis() / TICK.as_millis())?;
    let mut clock = tokio::time::interval(TICK);
    let mut last = Instant::now();
    for tick in 0..ticks {
        clock.tick().await;
        lines.set_time(now.after(TICK * tick));
        for _ in 0..each {
            log.note(lines.next());
        }
        if last.elapsed() >= EVERY {
            log.write().await?;
            last = Instant::now();
        }
    }
    log.write().await?;
    Ok(ticks * each)
}

fn report(machine: &Machine, lines: usize, found: &[Found]) -> String {
    let mut text = format!(
        "# The call log: what it costs, and how fast it is searched\n\nMade by `scripts/bench-calls` on {}, \
         {} cores, commit {}; the searches in {lines} lines of 90 days, of 200,000 end users. The process \
         does not count PostgreSQL's own.\n\n| | bar | found | |\n|---|---|---|---|\n",
        machine.processor, machine.cores, machine.commit
    );
    for Found { what, limit, amount, unit } in found {
        let met = if amount <= limit { "met" } else { "**missed**" };
        let _ = writeln!(text, "| {what} | {limit:.0} {unit} | {amount:.2} {unit} | {met} |");
    }
    text
}
