mod check;
mod rotate;
mod status;

use std::process::ExitCode;

use astralform_domain::Entropy;
use astralform_operations::rotation::key_status;
use astralform_vault::{KeyFileLock, KeyId};
use clap::{Args, Subcommand};

use crate::{
    config::{Store, StoreFlags},
    keys,
    out::print,
    telemetry,
};

/// Look at keys and replace them, while servers run.
#[derive(Subcommand)]
pub(crate) enum Keys {
    /// Say which keys there are and what each of them holds; nothing secret
    Status(status::KeysStatus),
    /// Open every sealed value where it stands, and name those that do not open
    Check(check::Check),
    /// Add a fresh master key to the key file, to be copied to every node before `keys rotate`
    Add(Add),
    /// Replace the master key, and the data keys where that is wanted, while servers run
    Rotate(rotate::Rotate),
    /// Take a master key that nothing is wrapped with any more out of the key file
    Retire(Retire),
}

/// Where several nodes have key files of their own, all of them need the new key before anything is
/// wrapped with it: `keys add` on one, copy the file to the others, then `keys rotate` on one.
#[derive(Args)]
pub(crate) struct Add {
    #[command(flatten)]
    store: StoreFlags,
}

/// Servers that run do not notice; a copy of the file elsewhere keeps the key.
#[derive(Args)]
pub(crate) struct Retire {
    /// The key's fingerprint, as `keys status` shows it
    #[arg(value_name = "FINGERPRINT", value_parser = fingerprint)]
    key: KeyId,
    #[command(flatten)]
    store: StoreFlags,
}

impl Keys {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Status(status) => status.run().await,
            Self::Check(check) => check.run().await,
            Self::Add(add) => add.run(),
            Self::Rotate(rotate) => rotate.run().await,
            Self::Retire(retire) => retire.run().await,
        }
    }
}

impl Add {
    fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::load(self.store)?;
        telemetry::start_plain("warn")?;
        let ring = KeyFileLock::take(&store.key_file.path, store.key_file.readers)?
            .add_key(&Entropy::system())?;
        print(&format!(
            "Master key {} is in {}. Copy the file to every node, then run `astralform keys \
             rotate` on one of them.",
            ring.current(),
            store.key_file
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Retire {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::load(self.store)?;
        telemetry::start_plain("warn")?;
        let lock = KeyFileLock::take(&store.key_file.path, store.key_file.readers)?;
        let (db, ring) = keys::open_existing(&store).await?;
        let status = key_status(&db, &ring).await?;
        db.close().await;
        let id = self.key;
        let known = status.masters.iter().find(|master| master.id == id);
        match known {
            Some(master) if master.is_wanted => {
                anyhow::bail!(
                    "master key {id} is the current one: run `astralform keys rotate` first"
                )
            }
            Some(master) if master.wraps > 0 => anyhow::bail!(
                "master key {id} still wraps {} keys: run `astralform keys rotate`, which ends what \
                 broke off",
                master.wraps
            ),
            _ => lock.remove_key(id)?,
        };
        print(&format!("Master key {id} is no longer in {}.", store.key_file))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn fingerprint(text: &str) -> Result<KeyId, String> {
    KeyId::parse(text).ok_or_else(|| "a fingerprint has 32 hexadecimal digits".to_owned())
}
