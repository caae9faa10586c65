//! The report, in Markdown.

use std::fmt::{self, Write as _};

use crate::{
    bars::bars,
    figures::median,
    machine::Machine,
    results::{Database, Figures, Life, Load, Results, Subject},
    rounds::LOADS,
};

/// What the figures are of.
pub(crate) struct Conditions {
    pub(crate) machine: Machine,
    pub(crate) profile: String,
    pub(crate) tool: String,
    pub(crate) answer_bytes: usize,
    pub(crate) rounds: usize,
    pub(crate) seconds: u64,
}

/// Returns the whole report.
pub(crate) fn report(conditions: &Conditions, results: &Results) -> String {
    let mut text = head(conditions);
    let paragraphs = [
        bar_table(results),
        open_table(results),
        closed_table(results),
        cold_table(results),
        life_table(results),
        method(conditions),
    ];
    for paragraph in paragraphs {
        text.push('\n');
        text.push_str(&paragraph);
    }
    text
}

fn head(conditions: &Conditions) -> String {
    let Conditions { machine, profile, tool, answer_bytes, .. } = conditions;
    let Machine { processor, cores, memory_gib, kernel, commit, date } = machine;
    format!(
        "# What a tool call costs

Made by `scripts/bench` on {date}, of commit {commit}, build profile `{profile}`, on {cores} cores
of {processor} with {memory_gib:.0} GiB, Linux {kernel}. Load, upstream, database and
product share the machine.

The call is `POST /v1/tools/{tool}/call` with an API key, for 1,000 end users in rotation, each with
a stored connection of their own: authentication, schema check, looking the credential up, opening
it, the provider's answer of {answer_bytes} bytes, shaping it. *Direct* is that answer alone, *nginx*
the same answer through nginx as a plain keep-alive proxy.
"
    )
}

fn bar_table(results: &Results) -> String {
    let mut text = "## Bars\n\n| what | bar | measured | |\n|---|---|---|---|\n".to_owned();
    for bar in bars(results) {
        let word = if bar.is_met() { "met" } else { "**missed**" };
        line(&mut text, &format!("| {} | ≤ {} | {} | {word} |", bar.what, bar.limit, bar.found));
    }
    text
}

fn open_table(results: &Results) -> String {
    let load = LOADS[0];
    let mut text = format!(
        "## At a fixed rate: {load}\n\n\
         Latencies count from when a request was due. CPU is the product's (or nginx's, or the \
         upstream's own) per request.\n\n\
         | | p50 ms | p99 ms | CPU µs |\n|---|---|---|---|\n"
    );
    for subject in results.subjects() {
        let figure = |of| middle(results, subject, load, of);
        let p50 = figure(|f| f.p50);
        let p99 = figure(|f| f.p99);
        line(&mut text, &format!("| {subject} | {p50:.2} | {p99:.2} | {:.0} |", figure(|f| f.cpu)));
    }
    text
}

fn closed_table(results: &Results) -> String {
    let mut text = "## As fast as it goes\n\n\
         CPU in µs per request: of the one measured, of the database server beside it, of the \
         upstream, of the load itself.\n\n\
         | | connections | per second | p50 ms | p99 ms | CPU | database | upstream | load |\n\
         |---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for load in LOADS {
        let Load::Closed(connections) = load else { continue };
        for subject in results.subjects() {
            let figure = |of| middle(results, subject, load, of);
            let speed = figure(|f| f.per_second);
            let p50 = figure(|f| f.p50);
            let p99 = figure(|f| f.p99);
            let cpu = figure(|f| f.cpu);
            let database = figure(|f| f.database_cpu);
            let upstream = figure(|f| f.upstream_cpu);
            let load = figure(|f| f.load_cpu);
            line(
                &mut text,
                &format!(
                    "| {subject} | {connections} | {speed:.0} | {p50:.2} | {p99:.2} | {cpu:.1} | {database:.1} | {upstream:.1} | {load:.1} |"
                ),
            );
        }
    }
    text
}

fn cold_table(results: &Results) -> String {
    let mut text = "## Cold calls\n\n\
         One at a time, each for an end user whom the process has not seen before.\n\n\
         | | p50 ms | p99 ms | CPU µs |\n|---|---|---|---|\n"
        .to_owned();
    for subject in results.subjects().into_iter().filter(|subject| subject.is_product()) {
        let figure = |of| middle(results, subject, Load::Cold, of);
        let p50 = figure(|f| f.p50);
        let p99 = figure(|f| f.p99);
        line(&mut text, &format!("| {subject} | {p50:.2} | {p99:.2} | {:.0} |", figure(|f| f.cpu)));
    }
    text
}

fn life_table(results: &Results) -> String {
    let mut text = "## Start and memory\n\n\
         | | ready after ms | MiB, idle | MiB, after the load |\n|---|---|---|---|\n"
        .to_owned();
    for subject in results.subjects().into_iter().filter(|subject| subject.is_product()) {
        let figure = |of| median(results.each_life(subject, of)).unwrap_or(f64::NAN);
        let ready = figure(|l| l.ready_after);
        let idle = figure(|l| l.idle);
        let after = figure(|l| l.after_load);
        line(&mut text, &format!("| {subject} | {ready:.0} | {idle:.1} | {after:.1} |"));
    }
    text
}

fn method(conditions: &Conditions) -> String {
    let Conditions { rounds, seconds, .. } = conditions;
    format!(
        "## How it was measured

Medians of {rounds} rounds of {seconds} s for each load; in each round every subject has its turn,
and each round begins with another one. The product is started anew for each turn, with the settings
it comes with and its log in a file. Every answer is checked, and one that is not as expected ends
the run. CPU time is user and system time of the processes as Linux counts it, in steps of 10 ms.
"
    )
}

fn middle(results: &Results, subject: Subject, load: Load, of: fn(&Figures) -> f64) -> f64 {
    median(results.each(subject, load, of)).unwrap_or(f64::NAN)
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a string takes every write");
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => f.write_str("direct"),
            Self::Nginx => f.write_str("nginx"),
            Self::Product { database, connections } => {
                write!(f, "product, {database}, {} stored", thousands(*connections))
            }
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cold => f.write_str("cold calls"),
            Self::Open(rate) => write!(f, "{} requests/s", thousands(*rate as usize)),
            Self::Closed(1) => f.write_str("1 connection"),
            Self::Closed(connections) => write!(f, "{connections} connections"),
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { per_second, p50, p99, cpu, database_cpu, upstream_cpu, load_cpu } = self;
        write!(
            f,
            "{per_second:.0}/s, p50 {p50:.2} ms, p99 {p99:.2} ms, CPU {cpu:.1} µs (database \
             {database_cpu:.1}, upstream {upstream_cpu:.1}, load {load_cpu:.1})"
        )
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ready_after, idle, after_load } = self;
        write!(f, "ready after {ready_after:.0} ms, {idle:.1} MiB idle, {after_load:.1} MiB after")
    }
}

/// Returns a count with a comma after each three digits.
fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
