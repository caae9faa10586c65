use clap::Args;
use serde_json::{Map, json};

use super::{
    NamedConnector,
    credentials::{CredentialFlags, Variables},
    settings::SettingsFlags,
};
use crate::management::{ProjectAccess, Request};

const WHAT_IS_NEEDED: &str = "\
An OAuth connector without an app waits for one. In `test`, --sandbox needs neither app nor key. \
Secrets are never given on the command line, where other users of this machine see them.";

#[derive(Args)]
#[command(after_help = WHAT_IS_NEEDED)]
pub(crate) struct EnableConnector {
    #[command(flatten)]
    which: NamedConnector,
    #[command(flatten)]
    credentials: CredentialFlags,
    #[command(flatten)]
    settings: SettingsFlags,
    /// Talk to the simulator of a server that runs with --sandbox; in `test` only
    #[arg(long)]
    sandbox: bool,
    #[command(flatten)]
    access: ProjectAccess,
}

impl EnableConnector {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let variables = if self.sandbox { Variables::Passed } else { Variables::Read };
        let entered = self.credentials.read(variables)?;
        let open = self.which.open(self.access).await?;
        let mut body = Map::new();
        body.insert("connector".to_owned(), json!(open.slug));
        body.insert("environment".to_owned(), json!(open.environment));
        body.insert("sandbox".to_owned(), self.sandbox.into());
        self.settings.add_to(&mut body)?;
        let secrets = entered.add_to(&mut body);
        let path = open.project.path("/connectors");
        let request = Request::post(&path).json(&body.into()).holding(&secrets);
        open.show(&open.project.at.server.send(request).await?)?;
        Ok(())
    }
}
