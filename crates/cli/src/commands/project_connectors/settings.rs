use clap::Args;
use serde_json::{Map, Value};

/// How a connector behaves; what is left out stays, or is the default.
#[derive(Args)]
pub(super) struct SettingsFlags {
    /// A scope to ask end users for, give it once for each; empty for the connector's minimum
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Option<Vec<String>>,
    /// A tool to offer, give it once for each; empty for all
    #[arg(long = "tool", value_name = "TOOL")]
    tools: Option<Vec<String>>,
    /// Whether end users must connect accounts of their own, where they may
    #[arg(long, value_name = "true|false")]
    require_auth: Option<bool>,
    /// Whether end users may connect accounts of their own
    #[arg(long, value_name = "true|false")]
    allow_end_user_auth: Option<bool>,
    /// An address of another installation of the service: `authorize_url`, `token_url`,
    /// `revoke_url` or `api_base_url`; give it once for each; empty for the catalogue's
    #[arg(long = "endpoint", value_name = "NAME=URL")]
    endpoints: Option<Vec<String>>,
}

impl SettingsFlags {
    /// Adds to the body of a request what is given.
    pub(super) fn add_to(&self, body: &mut Map<String, Value>) -> anyhow::Result<()> {
        for (name, list) in [("scopes", &self.scopes), ("tools", &self.tools)] {
            body.extend(list.iter().map(|list| (name.to_owned(), list_or_null(list))));
        }
        for (name, switch) in
            [("require_auth", self.require_auth), ("allow_end_user_auth", self.allow_end_user_auth)]
        {
            body.extend(switch.map(|is_on| (name.to_owned(), is_on.into())));
        }
        if let Some(endpoints) = &self.endpoints {
            body.insert("endpoints".to_owned(), addresses(endpoints)?.into());
        }
        Ok(())
    }
}

/// Returns what is sent for a list: null where all of it is empty.
fn list_or_null(given: &[String]) -> Value {
    let list: Vec<_> = given.iter().filter(|text| !text.trim().is_empty()).cloned().collect();
    if list.is_empty() { Value::Null } else { list.into() }
}

fn addresses(given: &[String]) -> anyhow::Result<Map<String, Value>> {
    let mut addresses = Map::new();
    for one in given.iter().filter(|text| !text.trim().is_empty()) {
        let Some((name, url)) = one.split_once('=') else {
            anyhow::bail!("`--endpoint {one}` is no NAME=URL, such as api_base_url=https://…");
        };
        addresses.insert(name.to_owned(), url.into());
    }
    Ok(addresses)
}
