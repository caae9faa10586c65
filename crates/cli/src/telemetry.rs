mod floods;
mod lines;
mod requests;

use std::{io::stderr, sync::Arc};

use anyhow::Context as _;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use floods::Floods;
use lines::Lines;
pub(crate) use lines::Log;
use requests::{TimeAndId, WithId};

/// Starts a server's log: lines as JSON, for machines. Floods of one kind of line are counted, and
/// a reader that stalls stops nobody. The last lines are written before the log is dropped.
pub(crate) fn start_json(filter: &str) -> anyhow::Result<Log> {
    let filter = parse(filter)?;
    let floods = Arc::<Floods>::default();
    let (lines, log) = Lines::to(stderr(), Arc::clone(&floods)).context("logging cannot start")?;
    let layer = fmt::layer().json().map_event_format(WithId).with_writer(lines);
    let subscriber = tracing_subscriber::registry().with(filter).with(floods::Layer(floods));
    let started = subscriber.with(layer).try_init();
    started.map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))?;
    Ok(log)
}

/// Starts a command's log: lines as text, for people.
pub(crate) fn start_plain(filter: &str) -> anyhow::Result<()> {
    let subscriber = fmt().with_timer(TimeAndId);
    let subscriber = subscriber.with_env_filter(parse(filter)?).with_writer(stderr);
    subscriber.try_init().map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))
}

/// The last words of a process: what went wrong, with its causes, on one line.
#[expect(clippy::print_stderr, reason = "logging may not have started")]
pub(crate) fn complain(error: &anyhow::Error) {
    eprintln!("astralform: {error:#}");
}

/// Something to know beside what a command prints.
#[expect(clippy::print_stderr, reason = "standard output is for what the command prints")]
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}

fn parse(filter: &str) -> anyhow::Result<EnvFilter> {
    let example = "`info`, or `info,astralform_engine=debug`";
    EnvFilter::try_new(filter)
        .with_context(|| format!("`{filter}` is no log filter; one is {example}"))
}
