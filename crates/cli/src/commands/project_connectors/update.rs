use clap::Args;
use serde_json::{Map, Value};

use super::{
    NamedConnector,
    credentials::{CredentialFlags, Variables},
    settings::SettingsFlags,
};
use crate::management::{ProjectAccess, Request};

const WHAT_STAYS: &str = "\
What is left out stays. Where a change makes connections unusable until their users connect again, \
nothing is changed, and the refusal says how many they are: repeat the command with \
--confirm-reconnects.";

#[derive(Args)]
#[command(after_help = WHAT_STAYS)]
pub(crate) struct UpdateConnector {
    #[command(flatten)]
    which: NamedConnector,
    /// Whether it is in use: false pauses it, calls are refused and connections stay
    #[arg(long, value_name = "true|false")]
    enabled: Option<bool>,
    #[command(flatten)]
    settings: SettingsFlags,
    /// Whether to talk to the simulator; in `test` only
    #[arg(long, value_name = "true|false")]
    sandbox: Option<bool>,
    #[command(flatten)]
    credentials: CredentialFlags,
    /// Enter the API key that is in the variable `ASTRALFORM_CONNECTOR_API_KEY`: it is not read
    /// otherwise
    #[arg(long, conflicts_with_all = ["api_key_file", "client_id", "client_secret_file"])]
    new_api_key: bool,
    /// How many connections may become unusable until their users connect again
    #[arg(long, value_name = "N")]
    confirm_reconnects: Option<u32>,
    #[command(flatten)]
    access: ProjectAccess,
}

impl UpdateConnector {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let variables = if self.new_api_key { Variables::Required } else { Variables::Passed };
        let entered = self.credentials.read(variables)?;
        let mut body = Map::new();
        for (name, switch) in [("is_enabled", self.enabled), ("sandbox", self.sandbox)] {
            body.extend(switch.map(|is_on| (name.to_owned(), is_on.into())));
        }
        self.settings.add_to(&mut body)?;
        let secrets = entered.add_to(&mut body);
        anyhow::ensure!(!body.is_empty(), "say what is to change: see --help");
        let confirmed = self.confirm_reconnects;
        body.extend(confirmed.map(|number| ("confirm_reconnects".to_owned(), number.into())));
        let open = self.which.open(self.access).await?;
        let (path, query) = (open.path(), open.query());
        let server = &open.project.at.server;
        let seen = server.send(Request::get(&path).query(&query)).await?;
        let body = Value::Object(body);
        let request = Request::patch(&path).query(&query).json(&body).holding(&secrets);
        open.show(&server.send(request.if_unchanged(&seen)).await?)?;
        Ok(())
    }
}
