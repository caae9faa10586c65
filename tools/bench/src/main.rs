//! The benchmark of tool calls: the product beside its upstream and beside nginx, on loopback.
//!
//! Run by `scripts/bench`. `rounds` has the order of measurements, `load` sends the requests,
//! `bars` says what they may cost. What an attack costs another user is measured beside it: `abuse`,
//! run by `scripts/abuse`; and what the call log costs and how fast it is searched: `call_log`, run by
//! `scripts/bench-calls`. Not part of the product: it links nothing of it but what fills
//! its database.

mod abuse;
mod arguments;
mod bars;
mod call_log;
mod child;
mod cpu;
mod figures;
mod fill;
mod http;
mod installations;
mod load;
mod machine;
mod nginx;
mod postgres;
mod product;
mod report;
mod results;
mod rounds;
mod upstream;
mod workload;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::ExitCode,
    rc::Rc,
    time::Duration,
};

use arguments::{Arguments, Measure};
use installations::{Setup, upstream_address};
use machine::Machine;
use nginx::Nginx;
use postgres::Postgres;
use report::{Conditions, report};
use results::Database::{self, Postgres as OnPostgres, Sqlite};
use rounds::{Plan, Stage};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::LocalSet,
};
use upstream::Upstream;
use workload::Workload;

type Error = Box<dyn std::error::Error>;
type Result<T> = std::result::Result<T, Error>;

const FEW: usize = 1_000;
const MANY: usize = 1_000_000;
const REPORT: &str = "docs/benchmarks.md";

/// Runs on one thread: what the load costs is then easy to tell, and the rest of the machine is the
/// others'.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // Whatever is under way is dropped, and with it the processes and folders it has.
    let tasks = LocalSet::new();
    let ended = tasks.run_until(async {
        tokio::select! {
            ended = run() => ended,
            asked = asked_to_stop() => asked.and(Err("stopped".into())),
        }
    });
    match ended.await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            note(&format!("astralform-bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn asked_to_stop() -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// Returns whether everything holds that decides how the process ends.
async fn run() -> Result<bool> {
    match Arguments::parse(std::env::args().skip(1))? {
        Arguments::Upstream(port) => upstream::serve(port, &Workload::load()?).await?,
        Arguments::Measure(measure) => measured(&measure).await?,
        Arguments::Abuse(abuse) => return abuse.measure().await,
        Arguments::CallLog(call_log) => return call_log.measure().await,
        Arguments::Attack(attack) => attack.run().await?,
    }
    Ok(true)
}

#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
async fn measured(wanted: &Measure) -> Result<()> {
    let machine = Machine::look()?;
    let (rounds, seconds) = if wanted.quick { (1, 2) } else { (5, 5) };
    let rounds = wanted.rounds.unwrap_or(rounds);
    let seconds = wanted.seconds.unwrap_or(seconds);
    let plan = Plan { rounds, time: Duration::from_secs(seconds) };
    let stage = prepared(wanted, machine.cores).await?;
    let results = stage.measure(&plan).await?;
    let conditions = Conditions {
        machine,
        profile: wanted.profile.clone(),
        tool: stage.workload.tool.clone(),
        answer_bytes: stage.workload.answer.to_string().len(),
        rounds,
        seconds,
    };
    let report = report(&conditions, &results);
    if wanted.write {
        fs::write(REPORT, &report)?;
    }
    println!("{report}");
    Ok(())
}

/// Starts everything that is measured, or stands beside it.
async fn prepared(wanted: &Measure, cores: usize) -> Result<Stage> {
    const ALL: [(Database, usize); 4] =
        [(Sqlite, FEW), (Sqlite, MANY), (OnPostgres, FEW), (OnPostgres, MANY)];
    let installations = if wanted.quick { &ALL[..1] } else { &ALL };
    let workload = Rc::new(Workload::load()?);
    let upstream = Upstream::start(upstream_address(&wanted.keep, MANY)?).await?;
    let postgres = if wanted.quick { None } else { Some(Postgres::start().await?) };
    let setup = Setup {
        program: &wanted.program,
        keep: &wanted.keep,
        workload: Rc::clone(&workload),
        upstream: upstream.address,
        postgres: postgres.as_ref(),
    };
    let mut filled = Vec::new();
    for (database, connections) in installations {
        filled.push(setup.filled(*database, *connections).await?);
    }
    let nginx = Nginx::start(upstream.address, cores).await?;
    Ok(Stage { workload, nginx, filled, postgres, upstream })
}

/// Says something to know while it goes on; standard output is the report's.
#[expect(clippy::print_stderr, reason = "standard output is the report's")]
fn note(text: &str) {
    eprintln!("{text}");
}

/// Returns an address of loopback that is free.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
