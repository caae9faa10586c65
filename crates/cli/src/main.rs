//! The `astralform` binary: commands, configuration, telemetry.
//!
//! The only place that reads the environment, prints, and ends the process.

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
mod partial;
mod simulated;
mod table;
mod telemetry;

use clap::Parser;
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
    let Cli { command } = Cli::parse();
    memory::keep_files_private();
    if let Err(error) = memory::keep_private() {
        telemetry::note(&format!("{error:#}: whoever runs as this user may read secrets"));
    }
    match command.run().await {
        Ok(code) => code,
        Err(error) => {
            telemetry::complain(&error);
            std::process::ExitCode::FAILURE
        }
    }
}
