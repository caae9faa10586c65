mod words;

use std::process::ExitCode;

use anyhow::Context as _;
use astralform_domain::{Email, Entropy, ProjectName};
use astralform_management::{Management, provisioning::Bootstrapped};
use clap::Args;
use serde_json::json;

use crate::{
    beside,
    config::{PlaceFlags, StoreFlags, load_store_and_place},
    keys, out, telemetry,
};
use words::{Example, in_words};

/// Set an installation up, straight on its database, whether or not a server runs: its first
/// member, who owns a team with one project, a key for each environment and an admin token. What
/// it prints cannot be had again; where it cannot be printed, nothing is set up.
#[derive(Args)]
pub(crate) struct Bootstrap {
    /// The first member's email address
    #[arg(long, value_name = "ADDRESS")]
    email: Email,
    /// What the first project is called, also on the pages that end users see; `PATCH
    /// /v1/projects/{project}` changes it
    #[arg(long, value_name = "NAME", default_value = "My project")]
    project: ProjectName,
    /// Print one line of JSON instead of instructions
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreFlags,
    #[command(flatten)]
    place: PlaceFlags,
}

impl Bootstrap {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let (store, place) = load_store_and_place(self.store, self.place)?;
        telemetry::start_plain("warn")?;
        let entropy = Entropy::system();
        let (db, key_ring) = keys::open(&store, &entropy).await?;
        let engine = beside::engine(db.clone(), key_ring, entropy)?;
        let example = Example::of(engine.catalog()).context("no connector is simulated")?;
        let name = &self.project;
        let address = place.address();
        let mut is_printed = false;
        let management = Management::over(&engine);
        let set_up = management.provisioning.bootstrap(&self.email, &self.project, |done| {
            let text =
                if self.json { in_json(done) } else { in_words(done, name, &address, &example) };
            out::hand_over(&text).inspect(|()| is_printed = true)
        });
        let set_up = set_up.await;
        db.close().await;
        if set_up.is_err() && is_printed {
            set_up.context("nothing is set up: the keys that were printed are of no use")?;
        } else {
            set_up?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn in_json(done: &Bootstrapped) -> String {
    json!({
        "member_id": done.member,
        "team_id": done.made.team,
        "project_id": done.made.project,
        "agent": "default",
        "test_api_key": done.test_api_key.secret.expose(),
        "live_api_key": done.live_api_key.secret.expose(),
        "admin_token": done.admin_token.secret.expose(),
    })
    .to_string()
}
