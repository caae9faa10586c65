use std::{fmt::Write as _, process::ExitCode};

use astralform_operations::rotation::{KeyStatus, key_status};
use clap::Args;

use crate::{
    config::{KeyFile, Store, StoreFlags},
    keys,
    out::print,
    telemetry,
};

/// Which master keys the key file holds, which keys of projects each of them wraps, and how many
/// sealed values each of those holds. It reads whole tables: on a large database it takes a while.
#[derive(Args)]
pub(crate) struct KeysStatus {
    #[command(flatten)]
    store: StoreFlags,
}

impl KeysStatus {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::load(self.store)?;
        telemetry::start_plain("warn")?;
        let (db, ring) = keys::open_existing(&store).await?;
        let status = key_status(&db, &ring).await?;
        db.close().await;
        print(in_words(&status, &store.key_file).trim_end())?;
        Ok(ExitCode::SUCCESS)
    }
}

fn in_words(status: &KeyStatus, file: &KeyFile) -> String {
    let mut text = format!("Master keys in {file}:\n");
    for master in &status.masters {
        let what = match (master.is_wanted, master.is_superfluous()) {
            (true, _) => "current".to_owned(),
            (_, true) => format!("nothing needs it: `astralform keys retire {}`", master.id),
            (false, false) => "`astralform keys rotate` makes it superfluous".to_owned(),
        };
        let _ = writeln!(text, "  {}  wraps {} keys  {what}", master.id, master.wraps);
    }
    text.push_str("Data keys:\n");
    for key in &status.projects {
        let master = key.master.map_or_else(|| "unreadable".to_owned(), |id| id.to_string());
        let sealed: i64 = key.sealed.iter().map(|(.., number)| number).sum();
        let _ = writeln!(
            text,
            "  {}  {}  {}  wrapped with {master}  {sealed} values",
            key.project, key.id, key.role
        );
        for (table, column, number) in &key.sealed {
            let _ = writeln!(text, "      {table}.{column}  {number}");
        }
    }
    text
}
