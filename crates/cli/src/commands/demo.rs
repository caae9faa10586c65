mod setup;
mod words;

use std::process::ExitCode;

use anyhow::Context as _;
use astralform_surface::App;
use clap::Args;
use tokio::net::TcpListener;

use crate::{
    node::{self, Hangup},
    out::print,
    telemetry,
};

/// Try the whole product on this machine. Nothing is kept, and nothing leaves the machine.
#[derive(Args)]
pub(crate) struct Demo {
    /// The port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// Print one line of JSON instead of instructions
    #[arg(long)]
    json: bool,
}

impl Demo {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        telemetry::start_plain("warn")?;
        let listener = TcpListener::bind(("127.0.0.1", self.port))
            .await
            .with_context(|| format!("port {} cannot be listened on; try `--port 0`", self.port))?;
        let demo = Box::pin(setup::set_up(&listener)).await?;
        let facts = &demo.facts;
        print(&if self.json { words::json(facts) } else { words::instructions(facts) })?;
        Box::pin(node::run(listener, App::new(demo.engine), Hangup::Stop)).await?;
        demo.simulator.abort();
        Ok(ExitCode::SUCCESS)
    }
}
