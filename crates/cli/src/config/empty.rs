//! Settings that are empty count as not set: what fills a variable in, such as a compose file, often
//! has nothing to fill it with.

use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
};

use clap::{Command, builder::Resettable};
use toml::{Table, Value};

/// Makes a command pass over variables that are empty.
pub(crate) fn without_empty_variables(command: Command) -> Command {
    pass_over(command, &|name| std::env::var_os(name).is_some_and(|value| is_empty(&value)))
}

fn pass_over(command: Command, is_variable_empty: &dyn Fn(&OsStr) -> bool) -> Command {
    let command = command.mut_args(|arg| {
        let is_empty = arg.get_env().is_some_and(is_variable_empty);
        if is_empty { arg.env(Resettable::Reset) } else { arg }
    });
    let below: Vec<_> =
        command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    below.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |below| pass_over(below, is_variable_empty))
    })
}

/// Returns a command line without flags of settings that have an empty value.
pub(crate) fn without_empty_flags(
    command: &Command,
    given: impl IntoIterator<Item = OsString>,
) -> Vec<OsString> {
    let mut settings = HashSet::new();
    note_settings(command, &mut settings);
    let mut given = given.into_iter().peekable();
    let mut left = Vec::new();
    while let Some(argument) = given.next() {
        if argument == "--" {
            left.push(argument);
            break;
        }
        let (flag, value) = parts(&argument);
        let is_setting = flag.is_some_and(|flag| settings.contains(flag));
        let has_empty_value = value.is_some_and(str::is_empty)
            || value.is_none() && given.peek().is_some_and(|next| is_empty(next));
        if is_setting && has_empty_value {
            if value.is_none() {
                given.next();
            }
        } else {
            left.push(argument);
        }
    }
    left.extend(given);
    left
}

/// Removes empty entries from a settings file, and empty parts from its lists.
pub(super) fn without_empty_entries(mut file: Table) -> Table {
    file.retain(|_, value| {
        if let Value::Array(parts) = value {
            parts.retain(|part| !is_blank(part));
        }
        !is_blank(value)
    });
    file
}

fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// Collects the settings: the flags that can be given as a variable too, and take a value.
fn note_settings(command: &Command, settings: &mut HashSet<String>) {
    let flags = command
        .get_arguments()
        .filter(|arg| arg.get_env().is_some() && arg.get_action().takes_values());
    settings.extend(flags.filter_map(|arg| arg.get_long().map(ToOwned::to_owned)));
    for below in command.get_subcommands() {
        note_settings(below, settings);
    }
}

fn parts(argument: &OsStr) -> (Option<&str>, Option<&str>) {
    let Some(flag) = argument.to_str().and_then(|text| text.strip_prefix("--")) else {
        return (None, None);
    };
    match flag.split_once('=') {
        Some((flag, value)) => (Some(flag), Some(value)),
        None => (Some(flag), None),
    }
}

fn is_empty(value: &OsStr) -> bool {
    value.to_str().is_some_and(|text| text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    fn command() -> Command {
        let node = Arg::new("node").long("node").env("ASTRALFORM_NODE");
        let name = Arg::new("name").long("name");
        let serve = Command::new("serve").arg(node).arg(name).arg(Arg::new("rest").num_args(0..));
        Command::new("astralform").subcommand(serve)
    }

    fn left(given: &[&str]) -> Vec<String> {
        let given = given.iter().map(OsString::from);
        let left = without_empty_flags(&command(), given);
        left.into_iter().map(|argument| argument.into_string().unwrap()).collect()
    }

    #[test]
    fn a_setting_with_an_empty_value_is_no_flag_and_nothing_else_is_touched() {
        for (given, expected) in [
            (&["astralform", "serve", "--node", ""][..], &["astralform", "serve"][..]),
            (&["astralform", "serve", "--node="], &["astralform", "serve"]),
            (
                &["astralform", "serve", "--node", " ", "--name", ""],
                &["astralform", "serve", "--name", ""],
            ),
            (
                &["astralform", "serve", "--node", "a", ""],
                &["astralform", "serve", "--node", "a", ""],
            ),
            (
                &["astralform", "serve", "--", "--node", ""],
                &["astralform", "serve", "--", "--node", ""],
            ),
            (&["astralform", "serve", "--node"], &["astralform", "serve", "--node"]),
        ] {
            assert_eq!(left(given), expected, "{given:?}");
        }
    }

    fn has_variable(is_empty: bool) -> bool {
        let command = pass_over(command(), &|_| is_empty);
        let serve = command.find_subcommand("serve").unwrap();
        serve.get_arguments().any(|arg| arg.get_env().is_some())
    }

    #[test]
    fn a_variable_that_is_empty_is_passed_over_in_every_command() {
        assert!(has_variable(false) && !has_variable(true));
    }

    #[test]
    fn entries_of_the_file_that_are_empty_are_not_there() {
        let file = "node = ''\nlog = ' '\ncatalog_dirs = ['', 'a']\nkey_rate = 5".parse().unwrap();
        let expected: Table = "catalog_dirs = ['a']\nkey_rate = 5".parse().unwrap();
        assert_eq!(without_empty_entries(file), expected);
    }
}
