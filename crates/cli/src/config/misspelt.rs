//! Variables that are not read by any command, and look as if they were meant to be.

use std::collections::BTreeSet;

use astralform_engine::Nearest;
use clap::Command;

use crate::secrets::VARIABLES;

/// Returns a warning for each variable whose name is nearly that of a setting.
pub(crate) fn misspelt_variables(
    command: &Command,
    set: impl IntoIterator<Item = String>,
) -> Vec<String> {
    const PREFIX: &str = "ASTRALFORM_";
    let mut known: BTreeSet<_> = VARIABLES.map(ToOwned::to_owned).into();
    note_variables(command, &mut known);
    let unknown = set.into_iter().filter(|name| name.starts_with(PREFIX) && !known.contains(name));
    unknown
        .filter_map(|name| {
            let settings = known.iter().filter_map(|name| name.strip_prefix(PREFIX));
            let nearest = Nearest::to(&name[PREFIX.len()..], settings);
            let meant = nearest.first()?;
            Some(format!("`{name}` is set and not read: did you mean `{PREFIX}{meant}`?"))
        })
        .collect()
}

fn note_variables(command: &Command, known: &mut BTreeSet<String>) {
    let variables = command.get_arguments().filter_map(|arg| arg.get_env()?.to_str());
    known.extend(variables.map(ToOwned::to_owned));
    command.get_subcommands().for_each(|below| note_variables(below, known));
}

#[cfg(test)]
mod tests {
    use clap::{Arg, CommandFactory as _};

    use super::*;

    fn warnings(name: &str) -> Vec<String> {
        let command = Command::new("x").subcommand(Command::new("serve").args([
            Arg::new("a").long("public-url").env("ASTRALFORM_PUBLIC_URL"),
            Arg::new("b").long("log").env("ASTRALFORM_LOG"),
        ]));
        misspelt_variables(&command, [name.to_owned()])
    }

    #[test]
    fn a_slip_in_the_name_of_a_variable_is_told() {
        let said =
            "`ASTRALFORM_PUBLIC_URI` is set and not read: did you mean `ASTRALFORM_PUBLIC_URL`?";
        assert_eq!(warnings("ASTRALFORM_PUBLIC_URI"), [said]);
        for other in ["ASTRALFORM_PUBLIC_URL", "PUBLIC_URI", "ASTRALFORM_WEBHOOK_SECRET", ""] {
            assert_eq!(warnings(other), [""; 0], "{other}");
        }
    }

    #[test]
    fn what_the_documents_name_is_no_slip() {
        let command = crate::Cli::command();
        let others = ["ASTRALFORM_CRASH_POINT", "ASTRALFORM_WEBHOOK_SECRET", "ASTRALFORM_URL"];
        for own in others.iter().chain(&VARIABLES) {
            assert_eq!(misspelt_variables(&command, [(*own).to_owned()]), [""; 0]);
        }
    }
}
