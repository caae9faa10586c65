//! Who attacks, and what each was given.

use std::{fmt, fs, net::SocketAddr, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    Result,
    fill::{Wanted, fill},
    product::Installation,
    workload::Workload,
};

/// Who attacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attacker {
    /// Somebody with one session token.
    Session,
    /// Somebody with one API key.
    Key,
    /// One address without a credential.
    Address,
    /// A member whose connector's endpoints and webhook are hostile.
    Provider,
}

/// What the attackers have, in a file of the installation's folder.
#[derive(Serialize, Deserialize)]
pub(super) struct Prepared {
    /// The API key of the attackers' project.
    pub(super) key: String,
    /// Where the hostile provider answers when it does.
    pub(super) hostile: SocketAddr,
    /// The project whose connector leads there, a key of it, and a token of its owner.
    pub(super) hostile_project: String,
    pub(super) hostile_key: String,
    pub(super) hostile_admin: String,
    #[serde(skip)]
    catalogue: Option<Catalogue>,
}

/// What is called: the workload's tool, and one whose arguments can have many faults.
struct Catalogue {
    workload: Workload,
    faulty: Faulty,
}

/// A tool of another connector with an argument that is an array.
#[derive(Deserialize)]
pub(super) struct Faulty {
    pub(super) connector: String,
    tool: String,
    argument: String,
}

/// How many connections of the hostile provider are due to be refreshed.
const DUE: usize = 300;
const FILE: &str = "attackers.json";

impl Attacker {
    pub(crate) const ALL: [Self; 4] = [Self::Session, Self::Key, Self::Address, Self::Provider];

    /// Returns its name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Key => "key",
            Self::Address => "address",
            Self::Provider => "provider",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|attacker| attacker.name() == name)
    }
}

impl fmt::Display for Attacker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Session => "one session token",
            Self::Key => "one API key",
            Self::Address => "one unauthenticated address",
            Self::Provider => "one hostile provider",
        })
    }
}

impl Faulty {
    pub(super) fn load() -> Result<Self> {
        Ok(serde_json::from_str(include_str!("../../abuse.json"))?)
    }
}

impl Prepared {
    pub(super) fn new(
        key: String,
        hostile: SocketAddr,
        (project, hostile_key, hostile_admin): (String, String, String),
    ) -> Self {
        let hostile_project = project;
        Self { key, hostile, hostile_project, hostile_key, hostile_admin, catalogue: None }
    }

    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        Ok(fs::write(folder.join(FILE), serde_json::to_vec(self)?)?)
    }

    pub(super) fn read(folder: &Path) -> Result<Self> {
        let mut read: Self = serde_json::from_slice(&fs::read(folder.join(FILE))?)?;
        let workload = Workload::load()?;
        let faulty = Faulty::load()?;
        read.catalogue = Some(Catalogue { workload, faulty });
        Ok(read)
    }

    fn catalogue(&self) -> &Catalogue {
        self.catalogue.as_ref().expect("only what was read is used")
    }

    pub(super) fn call_path(&self) -> String {
        format!("/v1/tools/{}/call", self.catalogue().workload.tool)
    }

    pub(super) fn call_body(&self) -> String {
        serde_json::json!({"arguments": self.catalogue().workload.arguments}).to_string()
    }

    pub(super) fn faulty_connector(&self) -> &str {
        &self.catalogue().faulty.connector
    }

    pub(super) fn faulty_path(&self) -> String {
        format!("/v1/tools/{}/call", self.catalogue().faulty.tool)
    }

    /// Returns a body of about that length whose every item is a fault.
    pub(super) fn faulty_body(&self, length: usize) -> String {
        let argument = &self.catalogue().faulty.argument;
        let zeros = "0,".repeat(length / 2);
        format!("{{\"arguments\":{{\"{argument}\":[{zeros}0]}}}}")
    }

    /// Stores connections of the hostile provider that are due to be refreshed.
    pub(super) async fn fill_hostile(&self, folder: &Path) -> Result<()> {
        let installation = Installation::at(Path::new("none"), folder, None)?;
        let project = self.hostile_project.parse().map_err(|_| "not a project")?;
        let wanted = Wanted { project, end_users: 1_000..1_000 + DUE, is_due: true };
        fill(&installation, &self.catalogue().workload, wanted).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attackers_are_found_by_their_names() {
        for attacker in Attacker::ALL {
            assert_eq!(Attacker::named(attacker.name()), Some(attacker));
        }
        assert_eq!(Attacker::named("nobody"), None);
    }

    #[test]
    fn a_body_of_faults_is_json_of_the_length_that_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let secret = || "x".to_owned();
        let hostile = "127.0.0.1:1".parse().unwrap();
        let written = Prepared::new(secret(), hostile, (secret(), secret(), secret()));
        written.write(folder.path()).unwrap();
        let body = Prepared::read(folder.path()).unwrap().faulty_body(10_000);
        assert!((10_000..10_100).contains(&body.len()), "{}", body.len());
        let parsed: serde_json::Value = serde_json::from_str(&body).unwrap();
        let arguments = parsed["arguments"].as_object().unwrap();
        assert_eq!(arguments.values().next().unwrap().as_array().unwrap().len(), 5_001);
    }
}
