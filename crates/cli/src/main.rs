//! The `astralform` binary: commands, configuration, telemetry.
//!
//! The only place that reads the environment, prints, and ends the process.

mod audited;
mod beside;
mod catalog_dirs;
mod commands;
mod config;
mod database;
#[cfg(test)]
mod documented;
mod handed_over;
mod keys;
mod machine;
mod management;
mod memory;
mod node;
mod out;
mod partial;
mod secrets;
mod simulated;
mod table;
mod telemetry;

use clap::{CommandFactory as _, FromArgMatches as _, Parser};
use commands::Command;

/// A call takes and frees a few hundred pieces of memory; this one costs it a fifth less CPU. It is
/// built without huge pages (`no_thp`), with which an idle server would hold twice the memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Lets AI agents act for your end users in the services they use.
#[derive(Parser)]
#[command(name = "astralform", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    astralform_domain::arm_crash_point!(
        std::env::var_os("ASTRALFORM_CRASH_POINT").map(|text| text.to_string_lossy().into_owned())
    );
    let Cli { command } = read_command_line();
    let set = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for said in config::misspelt_variables(&Cli::command(), set) {
        telemetry::note(&said);
    }
    memory::keep_files_private();
    if let Err(error) = memory::keep_private() {
        telemetry::note(&format!("{error:#}: whoever runs as this user may read secrets"));
    }
    match command.run().await {
        Ok(code) => code,
        Err(error) => {
            // As a program that the signal of a closed pipe ends.
            const READER_GONE: u8 = 128 + 13;
            if error.downcast_ref::<out::Unprinted>().is_some_and(out::Unprinted::is_reader_gone) {
                return READER_GONE.into();
            }
            telemetry::complain(&error);
            std::process::ExitCode::FAILURE
        }
    }
}

/// Reads the command line, and variables for flags that are not there; what is empty is not set.
fn read_command_line() -> Cli {
    let given = config::without_empty_flags(&Cli::command(), std::env::args_os());
    let command = config::without_empty_variables(Cli::command());
    let read = command.try_get_matches_from(given);
    let read = read.and_then(|matches| Cli::from_arg_matches(&matches));
    read.unwrap_or_else(|error| error.exit())
}
