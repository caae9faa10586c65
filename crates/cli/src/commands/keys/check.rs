use std::process::ExitCode;

use astralform_operations::rotation::{Checked, check_sealed};
use clap::Args;

use crate::{
    config::{Store, StoreFlags},
    keys,
    out::print,
    telemetry,
};

/// Whether every stored secret still opens where it stands: none was altered, moved to another row,
/// or had its row changed under it. It reads whole tables, and shows nothing secret.
#[derive(Args)]
pub(crate) struct Check {
    #[command(flatten)]
    store: StoreFlags,
}

impl Check {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::load(self.store)?;
        telemetry::start_plain("off")?;
        let (db, ring) = keys::open_existing(&store).await?;
        let checked = check_sealed(&db, &ring).await?;
        db.close().await;
        for column in &checked {
            print(&in_words(column))?;
        }
        let is_sound = checked.iter().all(|column| column.refused.is_empty());
        Ok(if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn in_words(checked: &Checked) -> String {
    let Checked { table, column, opened, refused } = checked;
    let mut lines = vec![format!("{table}.{column}: {opened} values open")];
    lines.extend(refused.iter().map(|row| format!("  DOES NOT OPEN  {row}")));
    lines.join("\n")
}
