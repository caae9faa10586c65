//! The document that the reports make, with what a stranger needs to know of the run.

use std::{fmt::Write as _, fs, path::Path, process::Command, thread, time::Duration};

use astralform_domain::Clock;
use astralform_soak::{Postgres, Report};

use crate::Arguments;

const INTRODUCTION: &str = "# Soak\n\nWhat `.ci/soak` has shown, the last time it ran: the product in processes \
     of its own, the provider of any temper from `crates/simulator`, the callers and the book of what \
     was acknowledged in a process that outlives them, all on one machine with loopback between them. \
     Each scenario alone: `.ci/soak NAME` with the name that its title begins with. Sizes and seeds \
     are in the titles; a seed makes the troubles and moments the same, not the machine's timing.\n";

const UNKNOWN: &str = "unknown";

/// Returns all of it, as Markdown.
pub(crate) fn document(arguments: &Arguments, reports: &[Report], took: Duration) -> String {
    let failed = reports.iter().filter(|report| !report.holds()).count();
    let verdict = match failed {
        0 => format!("All {} runs pass.", reports.len()),
        _ => format!("**{failed} of {} runs FAIL.**", reports.len()),
    };
    let size = if arguments.quick { "small (`--quick`)" } else { "full" };
    let minutes = took.as_secs().div_ceil(60);
    let facts = [
        ("command", "`.ci/soak`".to_owned()),
        ("size", format!("{size}, {minutes} minutes")),
        ("ended", Clock::system().now().to_string()),
        ("build", build(&arguments.program)),
        ("machine", machine()),
        ("databases", format!("SQLite in its file; {}", Postgres::version())),
    ];
    let mut text = format!("{INTRODUCTION}\n{verdict}\n\n| | |\n|---|---|\n");
    for (what, value) in facts {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {what} | {value} |");
    }
    for report in reports {
        text.push('\n');
        text.push_str(&report.markdown());
    }
    text
}

fn build(program: &Path) -> String {
    let version = said(Command::new(program).arg("--version"));
    let git = |words: &[&str]| said(Command::new("git").args(words));
    let commit = git(&["rev-parse", "--short=12", "HEAD"]);
    let changes = match git(&["status", "--porcelain", "--", "crates", "catalog", "Cargo.lock"]) {
        none if none == UNKNOWN => "",
        _ => " with changes",
    };
    format!("{version}, release with crash points, commit {commit}{changes}")
}

fn machine() -> String {
    let line = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let found = text.lines().find(|line| line.starts_with(name));
        let value = found.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim());
        value.unwrap_or(UNKNOWN).to_owned()
    };
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let model = line("/proc/cpuinfo", "model name");
    let memory = line("/proc/meminfo", "MemTotal");
    let system = said(Command::new("uname").arg("-sr"));
    format!("{cores} cores of {model}, {memory} of memory, {system}")
}

fn said(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&output).trim().to_owned();
    if text.is_empty() { UNKNOWN.to_owned() } else { text }
}
