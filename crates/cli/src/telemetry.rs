mod floods;
mod form;
mod lines;
mod requests;

use std::{
    io::{IsTerminal as _, Write as _, stderr},
    sync::Arc,
};

use anyhow::Context as _;
use astralform_storage::STATEMENTS_LOGGED_BY;
use tracing_subscriber::{
    EnvFilter, Layer as _, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use floods::Floods;
use form::Form;
pub(crate) use lines::Log;
use lines::LogWriter;
use requests::{TimeAndId, WithId};

/// Starts a server's log: lines for people on a terminal, otherwise JSON for machines. Floods of
/// one kind of line are counted, and a reader that stalls stops no request. The last lines are
/// written before the log is dropped.
pub(crate) fn start_server(filter: &str) -> anyhow::Result<Log> {
    let filter = parse(filter)?;
    let floods = Arc::<Floods>::default();
    let form = if stderr().is_terminal() { Form::Text } else { Form::Json };
    let lines = LogWriter::to(stderr(), form, Arc::clone(&floods));
    let (lines, log) = lines.context("logging cannot start")?;
    let layer = fmt::layer().log_internal_errors(false).with_writer(lines);
    let layer = match form {
        Form::Json => layer.json().map_event_format(WithId).boxed(),
        Form::Text => layer.with_timer(TimeAndId).with_target(false).with_ansi(false).boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(layer);
    let subscriber = subscriber.with(filter).with(floods::Layer(floods));
    let started = subscriber.try_init();
    started.map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))?;
    Ok(log)
}

/// Starts a command's log: lines as text, for people.
pub(crate) fn start_plain(filter: &str) -> anyhow::Result<()> {
    let subscriber = fmt().with_timer(TimeAndId).log_internal_errors(false);
    let subscriber = subscriber.with_env_filter(parse(filter)?).with_writer(stderr);
    subscriber.try_init().map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))
}

/// Prints the error that a process ended with, with its causes, on one line.
pub(crate) fn complain(error: &anyhow::Error) {
    note(&format!("astralform: {error:#}"));
}

/// Prints a note beside the output of a command, on standard error. Where that is closed, the note
/// is dropped.
pub(crate) fn note(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}

/// Parses a log filter. Statements of the database are logged only where it asks for them by name.
fn parse(filter: &str) -> anyhow::Result<EnvFilter> {
    let example = "`info`, or `info,astralform_egress=debug`";
    let mut parts: Vec<_> = filter.split(',').map(str::trim).collect();
    if let Some(word) = parts.iter().find(|part| is_no_level(part)) {
        anyhow::bail!(
            "`{word}` is no level to log at: error, warn, info, debug, trace and off are; {example} \
             is a log filter"
        );
    }
    let quiet = format!("{STATEMENTS_LOGGED_BY}=off");
    if !parts.iter().any(|part| part.starts_with(STATEMENTS_LOGGED_BY)) {
        parts.push(&quiet);
    }
    EnvFilter::try_new(parts.join(","))
        .with_context(|| format!("`{filter}` is no log filter; one is {example}"))
}

/// Returns whether a part of a filter is a word alone that is no level: it would be read as the name of
/// a module, and everything else would be silent.
fn is_no_level(part: &str) -> bool {
    let is_word = !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ');
    is_word && part.parse::<tracing_subscriber::filter::LevelFilter>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_statements(filter: &str) -> bool {
        !parse(filter).unwrap().to_string().contains("sqlx=off")
    }

    #[test]
    fn statements_of_the_database_are_logged_only_where_they_are_asked_for_by_name() {
        for quiet in ["info", "debug", "trace", "info,astralform_egress=debug", "sql=debug", ""] {
            assert!(!has_statements(quiet), "{quiet}");
        }
        for loud in ["sqlx=debug", "info, sqlx::query=debug", "debug,sqlx=trace"] {
            assert!(has_statements(loud), "{loud}");
        }
        assert!(parse("a=b=c").is_err());
    }

    #[test]
    fn a_word_that_is_no_level_is_refused_and_silences_nothing() {
        for wrong in ["verbose", "a b", "info,loud"] {
            let refused = parse(wrong).unwrap_err().to_string();
            assert!(refused.contains("is no level to log at"), "{refused}");
        }
        for fine in ["INFO", "3", "off", "warn,astralform_egress=debug", ""] {
            assert!(parse(fine).is_ok(), "{fine}");
        }
    }
}
