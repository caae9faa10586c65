use std::{
    fs::File,
    io::{BufReader, BufWriter, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context as _;
use astralform_domain::Clock;
use astralform_operations::backup::{back_up, check_written};
use clap::Args;

use crate::{
    config::{Store, StoreFlags},
    database,
    out::print,
    partial::Partial,
    telemetry,
};

/// Write everything in the database to a file, as it is at one moment, while servers run. Secrets are
/// in it as they are in the database, sealed; the master key is not, and without it the file is of no
/// use: keep both, apart from each other. It can be restored into `SQLite` and PostgreSQL alike.
#[derive(Args)]
pub(crate) struct Backup {
    /// The file to write; it must not be there yet
    file: PathBuf,
    #[command(flatten)]
    store: StoreFlags,
}

impl Backup {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::load(self.store)?;
        telemetry::start_plain("warn")?;
        let file = self.file.as_path();
        anyhow::ensure!(!file.exists(), "{} is there already", file.display());
        let db = database::connect_existing(&store.database).await?;
        let cannot = || format!("{} cannot be written", file.display());
        let (partial, out) = Partial::create(file).with_context(cannot)?;
        let mut out = BufWriter::new(out);
        let written = back_up(&db, Clock::system().now(), &mut out).await?;
        out.flush().with_context(cannot)?;
        drop(out);
        let back = File::open(partial.path()).with_context(cannot)?;
        check_written(&written, BufReader::with_capacity(1024 * 1024, back)).await?;
        partial.finish().with_context(cannot)?;
        let rows = written.rows();
        db.close().await;
        print(&format!(
            "{rows} rows are in {}, and were read back. Keep it apart from {}: it can be used only together with that.",
            file.display(),
            store.key_file
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}
