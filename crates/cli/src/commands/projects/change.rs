use astralform_domain::{Accent, ProjectName};
use clap::Args;
use serde_json::{Map, Value, json};

use super::in_facts;
use crate::management::ProjectAccess;

#[derive(Args)]
pub(crate) struct UpdateProject {
    #[command(flatten)]
    change: ProjectChange,
    #[command(flatten)]
    access: ProjectAccess,
}

/// What is to change; what is left out stays.
#[derive(Args)]
#[group(required = true, multiple = true)]
struct ProjectChange {
    /// What it is called; its end users see it
    #[arg(long)]
    name: Option<ProjectName>,
    /// The colour of the pages that its end users see: neutral, petrol, blue, violet, rose, rust,
    /// moss or slate
    #[arg(long, value_name = "COLOUR")]
    accent: Option<Accent>,
    /// Where its privacy policy is, an https address; empty for none
    #[arg(long, value_name = "URL")]
    privacy_url: Option<String>,
    /// Where its users get help, an https address; empty for none
    #[arg(long, value_name = "URL")]
    support_url: Option<String>,
}

impl UpdateProject {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let project = self.access.open().await?;
        let changed = project.at.server.change(&project.path(""), &self.change.body()).await?;
        project.at.show(&changed, in_facts)?;
        Ok(())
    }
}

impl ProjectChange {
    fn body(&self) -> Value {
        let mut body = Map::new();
        body.extend(self.name.iter().map(|name| ("name".to_owned(), json!(name))));
        body.extend(self.accent.iter().map(|accent| ("accent".to_owned(), json!(accent))));
        body.extend(self.privacy_url.iter().map(|url| ("privacy_url".to_owned(), or_null(url))));
        body.extend(self.support_url.iter().map(|url| ("support_url".to_owned(), or_null(url))));
        body.into()
    }
}

/// Returns what is sent for a text that may be empty.
fn or_null(text: &str) -> Value {
    if text.trim().is_empty() { Value::Null } else { text.into() }
}
