use astralform_domain::Entropy;
use astralform_operations::{check_key, prepare_database, written_with};
use astralform_storage::Db;
use astralform_vault::{KeyFileError, KeyRing, create_key_file, read_key_file_of};

use crate::{
    config::Store,
    database::{connect, connect_existing, keep_copy},
};

/// Opens the database with the key it was written with. A key is made only for a database that
/// was written with none; in every other case a missing or wrong key stops the start, before
/// anything is written.
pub(crate) async fn open(store: &Store, entropy: &Entropy) -> anyhow::Result<(Db, KeyRing)> {
    let Store { database, key_file, .. } = store;
    let existing = match read_key_file_of(&key_file.path, key_file.readers) {
        Err(KeyFileError::Absent(_)) => None,
        read => Some(read?),
    };
    let db = connect(database).await?;
    let ring = match (existing, written_with(&db).await?) {
        (Some(ring), _) => ring,
        (None, None) => {
            tracing::info!(%key_file, "key file created");
            create_key_file(&key_file.path, entropy)?
        }
        (None, Some(id)) => anyhow::bail!(
            "there is no key file at {key_file}, and this database was written with master key {id}: \
             put its key file back, or name it with --key-file"
        ),
    };
    keep_copy(&db, database, Db::NEWEST_SCHEMA).await?;
    prepare_database(&db, &ring).await?;
    Ok((db, ring))
}

/// Opens a database that is in use with the key it was written with; makes and migrates nothing.
pub(crate) async fn open_existing(store: &Store) -> anyhow::Result<(Db, KeyRing)> {
    let ring = read_key_file_of(&store.key_file.path, store.key_file.readers)?;
    let db = connect_existing(&store.database).await?;
    check_key(&db, &ring).await?;
    Ok((db, ring))
}
