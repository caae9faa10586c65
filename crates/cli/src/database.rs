use std::fs;

use anyhow::Context as _;
use astralform_storage::Db;

use crate::config::Database;

/// Opens a database, made anew where there is none.
pub(crate) async fn connect(database: &Database) -> anyhow::Result<Db> {
    match database {
        Database::Sqlite(path) => {
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                fs::create_dir_all(folder)
                    .with_context(|| format!("{} cannot be made", folder.display()))?;
            }
            let opened = Db::open_sqlite(path).await;
            opened.with_context(|| format!("{} cannot be opened", path.display()))
        }
        Database::Postgres(url) => {
            Db::connect_postgres(url).await.context("the PostgreSQL database cannot be reached")
        }
    }
}

/// Opens a database that an installation of this version uses already.
pub(crate) async fn connect_existing(database: &Database) -> anyhow::Result<Db> {
    if let Database::Sqlite(path) = database {
        anyhow::ensure!(
            path.exists(),
            "there is no database at {}: name it with --database-url or --data-dir",
            path.display()
        );
    }
    let db = connect(database).await?;
    let found = match db.schema_version().await {
        Err(error) if error.is_missing_table() => None,
        found => Some(found?),
    };
    match found {
        Some(version) if version == Db::NEWEST_SCHEMA => Ok(db),
        Some(version) => anyhow::bail!(
            "the database has schema version {version}, this program {}: use the program that the \
             server runs",
            Db::NEWEST_SCHEMA
        ),
        None => anyhow::bail!("this database is empty: no server has used it yet"),
    }
}
