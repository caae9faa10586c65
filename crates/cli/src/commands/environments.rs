mod copy;

use std::process::ExitCode;

use astralform_domain::{Environment, VerifyEndUser};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::{
    management::{OVER_A_SERVER, ProjectAccess, text, texts},
    table::facts,
};

/// Look at the settings of a project's environments, change and copy them
#[derive(Subcommand)]
#[command(after_help = OVER_A_SERVER)]
pub(crate) enum EnvironmentsCommand {
    /// Show the settings of an environment, or of both
    Show(ShowEnvironment),
    /// Change the settings of an environment
    Update(UpdateEnvironment),
    /// Show what copying settings from one environment to the other would change, and do it with
    /// --yes
    Copy(copy::CopyEnvironment),
}

#[derive(Args)]
pub(crate) struct ShowEnvironment {
    /// live or test [default: both]
    environment: Option<Environment>,
    #[command(flatten)]
    access: ProjectAccess,
}

#[derive(Args)]
pub(crate) struct UpdateEnvironment {
    /// live or test
    environment: Environment,
    #[command(flatten)]
    change: EnvironmentChange,
    #[command(flatten)]
    access: ProjectAccess,
}

/// What is to change; what is left out stays.
#[derive(Args)]
#[group(required = true, multiple = true)]
struct EnvironmentChange {
    /// Who vouches for the person who finished in the browser: with `confirm` your backend, before
    /// the connection is used; with `off` it is used at once. For owners of the team
    #[arg(long, value_name = "WAY")]
    verify_end_user: Option<VerifyEndUser>,
    /// Where browsers may be sent afterwards; give it once for each, in place of all that there
    /// are; empty for none
    #[arg(long = "return-url", value_name = "URL")]
    return_urls: Option<Vec<String>>,
    /// The origin of pages that may call with a session, such as
    /// `https://app.example.com`; give it once for each, in place of all that there are; empty for
    /// none
    #[arg(long = "allowed-origin", value_name = "ORIGIN")]
    allowed_origins: Option<Vec<String>>,
}

impl EnvironmentsCommand {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Show(show) => show.run().await?,
            Self::Update(update) => update.run().await?,
            Self::Copy(copy) => return copy.run().await,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl ShowEnvironment {
    async fn run(self) -> anyhow::Result<()> {
        let project = self.access.open().await?;
        let named = self.environment.map(|environment| vec![environment]);
        for environment in named.unwrap_or_else(|| vec![Environment::Live, Environment::Test]) {
            let path = project.path(&format!("/environments/{environment}"));
            let found = project.at.server.get(&path, &[]).await?;
            project.at.show(&found, in_facts)?;
        }
        Ok(())
    }
}

impl UpdateEnvironment {
    async fn run(self) -> anyhow::Result<()> {
        let project = self.access.open().await?;
        let path = project.path(&format!("/environments/{}", self.environment));
        let changed = project.at.server.change(&path, &self.change.body()).await?;
        project.at.show(&changed, in_facts)?;
        Ok(())
    }
}

impl EnvironmentChange {
    fn body(&self) -> Value {
        let mut body = Map::new();
        let way = self.verify_end_user.iter();
        body.extend(way.map(|way| ("verify_end_user".to_owned(), json!(way))));
        let urls = self.return_urls.iter();
        body.extend(urls.map(|urls| ("return_urls".to_owned(), without_empty(urls))));
        let origins = self.allowed_origins.iter();
        body.extend(origins.map(|all| ("allowed_origins".to_owned(), without_empty(all))));
        body.into()
    }
}

fn without_empty(texts: &[String]) -> Value {
    texts.iter().filter(|text| !text.trim().is_empty()).cloned().collect()
}

fn in_facts(settings: &Value) -> String {
    facts(&[
        ("environment", text(settings, "/environment")),
        ("verify end user", text(settings, "/verify_end_user")),
        ("return URLs", texts(settings, "/return_urls", "none")),
        ("allowed origins", texts(settings, "/allowed_origins", "none")),
        ("version", settings["version"].to_string()),
    ])
}
