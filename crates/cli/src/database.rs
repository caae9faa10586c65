use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use anyhow::Context as _;
use astralform_storage::Db;

use crate::{
    config::Database,
    partial::{Partial, beside},
};

/// Opens a database, made anew where there is none.
pub(crate) async fn connect(database: &Database) -> anyhow::Result<Db> {
    match database {
        Database::Sqlite(path) => {
            check_is_file(path)?;
            make_folder(path)?;
            make_private(path)?;
            let opened = Db::open_sqlite(path).await;
            opened.with_context(|| format!("{} cannot be opened", path.display()))
        }
        Database::Postgres(url) => {
            let connected = Db::connect_postgres(url).await;
            connected.with_context(|| {
                format!("the PostgreSQL database at {} cannot be used", database.place())
            })
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

/// The right to serve a SQLite database, which one server at a time has. It ends with the process,
/// however that ends.
pub(crate) struct ServerLock {
    _file: File,
}

/// Takes the right to serve a database; servers on PostgreSQL need none. Commands beside a server do
/// not ask for it: SQLite has them write one after another.
pub(crate) fn lock_for_server(database: &Database) -> anyhow::Result<Option<ServerLock>> {
    let Database::Sqlite(path) = database else { return Ok(None) };
    make_folder(path)?;
    let lock = beside(path, ".lock");
    match lock_file(&lock) {
        Ok(file) => Ok(Some(ServerLock { _file: file })),
        Err(TryLockError::WouldBlock) => anyhow::bail!(
            "another server runs on {}: a SQLite database is for one alone; several share a \
             PostgreSQL one",
            path.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{} cannot be used", lock.display()))
        }
    }
}

fn lock_file(path: &Path) -> Result<File, TryLockError> {
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let file = opened.map_err(TryLockError::Error)?;
    file.try_lock()?;
    Ok(file)
}

/// Copies a SQLite database whose schema is about to be changed, to a file beside it.
pub(crate) async fn keep_copy(db: &Db, database: &Database, newest: i64) -> anyhow::Result<()> {
    let Database::Sqlite(path) = database else { return Ok(()) };
    let version = match db.schema_version().await {
        Err(error) if error.is_missing_table() => return Ok(()),
        found => found?,
    };
    let copy = beside(path, &format!(".schema-{version}"));
    if version < newest && !copy.exists() {
        let copied = write_copy(db, &copy).await;
        copied.with_context(|| format!("no copy at {}", copy.display()))?;
        tracing::info!(copy = %copy.display(), "the database was copied before its schema changes");
    }
    Ok(())
}

async fn write_copy(db: &Db, copy: &Path) -> anyhow::Result<()> {
    let (partial, _) = Partial::create(copy)?;
    db.copy_to(partial.path()).await?;
    partial.finish()?;
    Ok(())
}

/// Refuses a path to something that is no file, such as a device.
fn check_is_file(path: &Path) -> anyhow::Result<()> {
    let is_other = fs::metadata(path).is_ok_and(|found| !found.is_file());
    anyhow::ensure!(!is_other, "{} is no file, and a database must be one", path.display());
    Ok(())
}

/// Makes a database and its log readable by its owner alone, as earlier versions did not.
fn make_private(path: &Path) -> anyhow::Result<()> {
    for file in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        match fs::set_permissions(&file, fs::Permissions::from_mode(0o600)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let file = file.display();
                return Err(error).context(format!("{file} cannot be made its owner's alone"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn make_folder(path: &Path) -> anyhow::Result<()> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[tokio::test]
    async fn b5_a_sqlite_database_is_copied_before_its_schema_changes_and_only_then() {
        let folder = tempfile::tempdir().unwrap();
        let file = Database::Sqlite(folder.path().join("a.db"));
        let db = connect(&file).await.unwrap();
        let copy = folder.path().join("a.db.schema-1");
        keep_copy(&db, &file, 1).await.unwrap();
        db.migrate().await.unwrap();
        keep_copy(&db, &file, 1).await.unwrap();
        assert!(!copy.exists(), "there is nothing to change");
        keep_copy(&db, &file, 2).await.unwrap();
        let mode = fs::metadata(&copy).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "it holds what the database holds");
        let kept = connect(&Database::Sqlite(copy)).await.unwrap();
        assert_eq!(kept.schema_version().await.unwrap(), 1);
        keep_copy(&db, &file, 2).await.unwrap();
    }

    #[tokio::test]
    async fn b5_a_copy_that_was_cut_off_does_not_count_as_made() {
        let folder = tempfile::tempdir().unwrap();
        let file = Database::Sqlite(folder.path().join("a.db"));
        let db = connect(&file).await.unwrap();
        db.migrate().await.unwrap();
        let (partial, mut cut_off) = Partial::create(&folder.path().join("a.db.schema-1")).unwrap();
        cut_off.write_all(b"SQLite format 3").unwrap();
        drop((partial, cut_off));
        keep_copy(&db, &file, 2).await.unwrap();
        let copy = Database::Sqlite(folder.path().join("a.db.schema-1"));
        assert_eq!(connect(&copy).await.unwrap().schema_version().await.unwrap(), 1);
    }

    #[test]
    fn b3_one_server_at_a_time_has_the_right_to_serve_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = Database::Sqlite(folder.path().join("data/a.db"));
        let lock = lock_for_server(&file).unwrap();
        assert!(lock_for_server(&file).err().unwrap().to_string().contains("another server runs"));
        drop(lock);
        assert!(lock_for_server(&file).unwrap().is_some());
        let several = Database::Postgres("postgres://localhost/a".to_owned());
        assert!(lock_for_server(&several).unwrap().is_none());
    }
}
