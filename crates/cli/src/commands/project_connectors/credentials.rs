use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use astralform_domain::Secret;
use clap::Args;
use serde_json::{Map, Value};

use crate::secrets::{self, API_KEY, CLIENT_SECRET};

/// The developer's own OAuth app or API key. Secrets never stand on the command line.
#[derive(Args)]
pub(super) struct CredentialFlags {
    /// The client id of your own OAuth app; its secret is in --client-secret-file, or in the
    /// variable `ASTRALFORM_CLIENT_SECRET`
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The file of the app's client secret; `-` is standard input
    #[arg(long, value_name = "PATH")]
    client_secret_file: Option<PathBuf>,
    /// The file of an API key; `-` is standard input. Or else it is in the variable
    /// `ASTRALFORM_CONNECTOR_API_KEY`
    #[arg(long, value_name = "PATH", conflicts_with_all = ["client_id", "client_secret_file"])]
    api_key_file: Option<PathBuf>,
    /// What else the connector takes with an API key, and is no secret, such as subdomain=acme;
    /// give it once for each
    #[arg(long = "field", value_name = "NAME=VALUE")]
    fields: Vec<String>,
    /// Likewise, for what is a secret: the file that holds it; `-` is standard input
    #[arg(long = "field-file", value_name = "NAME=PATH")]
    field_files: Vec<String>,
}

/// Where a secret comes from that no file is named for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Variables {
    /// From its variable, if it is set.
    Read,
    /// From its variable, which must be set.
    Required,
    /// From nowhere: it stays as it is. A variable may be left from another connector.
    Passed,
}

/// What is entered, by name.
pub(super) struct Entered(BTreeMap<String, Secret>);

impl CredentialFlags {
    /// Reads what is entered.
    pub(super) fn read(self, variables: Variables) -> anyhow::Result<Entered> {
        self.check_standard_input()?;
        let mut entered = BTreeMap::new();
        for field in &self.fields {
            let (name, value) = pair(field, "--field", "subdomain=acme")?;
            let is_secret = ["api_key", "client_secret"].contains(&name);
            anyhow::ensure!(!is_secret, "{name} is a secret: see --api-key-file in --help");
            entered.insert(name.to_owned(), Secret::new(value.to_owned()));
        }
        for field in &self.field_files {
            let (name, path) = pair(field, "--field-file", "token=PATH")?;
            entered.insert(name.to_owned(), secrets::from_file(Path::new(path))?);
        }
        let is_app = self.client_id.is_some() || self.client_secret_file.is_some();
        if is_app {
            entered.insert("client_secret".to_owned(), self.client_secret()?);
            let id = self.client_id.map(|id| ("client_id".to_owned(), Secret::new(id)));
            entered.extend(id);
        } else if let Some(path) = &self.api_key_file {
            entered.insert("api_key".to_owned(), secrets::from_file(path)?);
        } else if variables != Variables::Passed {
            let key = secrets::from_variable(API_KEY)?;
            let is_missing = key.is_none() && variables == Variables::Required;
            anyhow::ensure!(!is_missing, "{API_KEY} is not set: put the key in it");
            entered.extend(key.map(|key| ("api_key".to_owned(), key)));
        }
        Ok(Entered(entered))
    }

    fn client_secret(&self) -> anyhow::Result<Secret> {
        match &self.client_secret_file {
            Some(path) => secrets::from_file(path),
            None => secrets::from_variable(CLIENT_SECRET)?.with_context(|| {
                format!(
                    "the app's secret is missing: name its file with --client-secret-file (`-` is \
                     standard input), or put it in {CLIENT_SECRET}"
                )
            }),
        }
    }

    /// Checks that one secret at most comes from standard input.
    fn check_standard_input(&self) -> anyhow::Result<()> {
        let files = [&self.client_secret_file, &self.api_key_file].into_iter().flatten();
        let named = files.filter(|path| **path == Path::new("-")).count();
        let fields = self.field_files.iter().filter(|field| field.ends_with("=-")).count();
        anyhow::ensure!(named + fields <= 1, "standard input holds one secret: name a file");
        Ok(())
    }
}

impl Entered {
    /// Adds it to the body of a request, if there is any; returns what is not to be shown.
    pub(super) fn add_to(self, body: &mut Map<String, Value>) -> Vec<Secret> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let texts = self.0.iter().map(|(name, one)| (name.clone(), one.expose().into()));
        body.insert("credentials".to_owned(), Value::Object(texts.collect()));
        let is_shown = |name: &str| name == "client_id";
        self.0.into_iter().filter(|(name, _)| !is_shown(name)).map(|(_, one)| one).collect()
    }
}

fn pair<'a>(text: &'a str, flag: &str, such_as: &str) -> anyhow::Result<(&'a str, &'a str)> {
    let pair = text.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty());
    pair.with_context(|| format!("{flag} takes a name and what it is, such as {such_as}"))
}
