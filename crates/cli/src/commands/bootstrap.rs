use std::process::ExitCode;

use astralform_domain::{Email, Entropy};
use astralform_engine::provision::Bootstrapped;
use clap::Args;
use serde_json::json;

use crate::{
    beside,
    config::{Store, StoreFlags},
    handed_over::{MAKE_OTHERS, Shown},
    keys, telemetry,
};

/// Set an installation up, straight on its database, whether or not a server runs: its first
/// member, who owns a team with one project, a key for each environment and an admin token. What
/// it prints cannot be had again.
#[derive(Args)]
pub(crate) struct Bootstrap {
    /// The first member's email address
    #[arg(long, value_name = "ADDRESS")]
    email: Email,
    /// Print one line of JSON instead of instructions
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreFlags,
}

impl Bootstrap {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::load(self.store)?;
        telemetry::start_plain("warn")?;
        let entropy = Entropy::system();
        let (db, key_ring) = keys::open(&store, &entropy).await?;
        let engine = beside::engine(db.clone(), key_ring, entropy)?;
        let done = engine.bootstrap(&self.email).await?;
        let example = engine.catalog().connectors().next().map(|connector| &connector.slug);
        let example = example.map_or("…", |slug| slug.as_str());
        let text = if self.json { in_json(&done) } else { in_words(&done, example) };
        let shown = Shown::of([&done.test_api_key, &done.live_api_key], [&done.admin_token]);
        shown.print(&text, &db, MAKE_OTHERS).await?;
        db.close().await;
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

fn in_words(done: &Bootstrapped, connector: &str) -> String {
    let (project, token) = (done.made.project, done.admin_token.secret.expose());
    format!(
        "
Set up. None of the secrets below is shown again; keep them where secrets are kept.

  Project       {project}
  Test API key  {test}
  Live API key  {live}
  Admin token   {token}

Enable a connector with your own OAuth app (replace the address by your server's):

   curl -s http://127.0.0.1:8787/v1/projects/{project}/connectors \\
     -H 'Authorization: Bearer {token}' \\
     -H 'Content-Type: application/json' \\
     -d '{{\"connector\": \"{connector}\", \"environment\": \"test\", \"credentials\": {{\"client_id\": \"…\", \"client_secret\": \"…\"}}}}'

The answer says which redirect URI to register at the provider.
",
        test = done.test_api_key.secret.expose(),
        live = done.live_api_key.secret.expose(),
    )
}
