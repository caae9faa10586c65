mod requests;

use std::io::stderr;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use requests::{TimeAndId, WithId};

/// Log lines as JSON, for machines.
pub(crate) fn start_json(filter: &str) -> anyhow::Result<()> {
    let subscriber = tracing_subscriber::fmt().json().map_event_format(WithId);
    let subscriber = subscriber.with_env_filter(parse(filter)?).with_writer(stderr);
    subscriber.try_init().map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))
}

/// Log lines as text, for people.
pub(crate) fn start_plain(filter: &str) -> anyhow::Result<()> {
    let subscriber = tracing_subscriber::fmt().with_timer(TimeAndId);
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
