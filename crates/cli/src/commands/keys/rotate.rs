use std::process::ExitCode;

use astralform_domain::{Clock, Entropy};
use astralform_engine::audit::Event;
use astralform_operations::rotation::{Rotation, Standing, Step, standing};
use astralform_vault::KeyFileLock;
use clap::Args;

use crate::{
    audited,
    config::{Database, Store, StoreFlags},
    keys,
    out::tell,
    telemetry,
};

/// Adds a fresh master key to the key file, unless the last one there has wrapped nothing yet, and
/// wraps the keys of all projects with it. Servers may run; they read the key file again by
/// themselves. When it is killed, run it again: it goes on where it was.
#[derive(Args)]
pub(crate) struct Rotate {
    /// Replace each project's data key as well, and seal every stored secret anew
    #[arg(long)]
    data_keys: bool,
    /// Add a fresh master key although other nodes may use this PostgreSQL database: they all read
    /// this very key file
    #[arg(long)]
    add: bool,
    #[command(flatten)]
    store: StoreFlags,
}

impl Rotate {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::load(self.store)?;
        telemetry::start_plain("warn")?;
        let lock = KeyFileLock::take(&store.key_file.path, store.key_file.readers)?;
        let (db, mut ring) = keys::open_existing(&store).await?;
        let entropy = Entropy::system();
        match standing(&db, &ring).await? {
            Standing::BrokeOff => tell("An earlier rotation broke off and is ended now."),
            Standing::HasFreshKey => tell(&format!("Master key {} is new.", ring.current())),
            Standing::NeedsKey if matches!(store.database, Database::Postgres(_)) && !self.add => {
                anyhow::bail!(
                    "nodes that share a PostgreSQL database need a new master key before anything is \
                     wrapped with it: run `astralform keys add`, copy the key file to every node, and \
                     rotate then; or use --add, where all of them read this very file"
                )
            }
            Standing::NeedsKey => {
                ring = lock.add_key(&entropy)?;
                tell(&format!("Master key {} was added to the key file.", ring.current()));
            }
        }
        let rotation = Rotation {
            db: &db,
            ring: &ring,
            clock: Clock::system(),
            entropy,
            tell: &|step| tell(&in_words(step)),
        };
        rotation.run(self.data_keys).await?;
        let event = Event::new("keys.rotated", ring.current());
        audited::note(&db, &store, &event.with("data_keys", self.data_keys)).await?;
        db.close().await;
        tell("Done. `astralform keys status` says which keys nothing needs any more.");
        Ok(ExitCode::SUCCESS)
    }
}

fn in_words(step: Step) -> String {
    match step {
        Step::Wrapped(master, keys) => format!("{keys} keys are wrapped with {master}."),
        Step::Announced(projects) => {
            format!("{projects} projects have a next data key; every node learns of it.")
        }
        Step::Promoted(projects) => format!("{projects} projects seal with their new data key."),
        Step::Resealed(table, column, values) => {
            format!("{table}.{column}: {values} values are sealed anew.")
        }
        Step::Unopened(table, column, values) => format!(
            "{table}.{column}: {values} values DO NOT OPEN and were left as they are: somebody has \
             changed them."
        ),
        Step::Forgotten(keys) => format!("{keys} older data keys, long unused, are forgotten."),
    }
}
