use std::sync::Arc;

use astralform_domain::{Actor, Clock, Entropy};
use astralform_engine::{Fault, audit::AuditChain};
use astralform_storage::{
    Db, Tx,
    data_keys::{self, KeyRole, WrappedKey},
    meta,
};
use astralform_vault::{KeyCheck, KeyId, KeyRing, KeyUse};
use thiserror::Error;

/// Why a database and a key ring do not go together.
#[derive(Debug, Error)]
pub enum StartError {
    /// The database was written with another master key.
    #[error(
        "this database was written with master key {written_with}, which the key file does not \
         hold: put back the key file that it was created with"
    )]
    WrongKey {
        /// The fingerprint of the key it wants.
        written_with: String,
    },
    /// Keys of projects are still wrapped with a master key that is gone.
    #[error(
        "master key {master} still wraps {keys} keys of this database, and the key file does not \
         hold it: put it back; `astralform keys rotate` makes it superfluous"
    )]
    StillWraps {
        /// Its fingerprint.
        master: KeyId,
        /// How many.
        keys: i64,
    },
    /// The database did not answer.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Returns the fingerprint of the master key that a database was written with; `None` for an empty
/// one.
///
/// # Errors
/// When the database does not answer.
pub async fn written_with(db: &Db) -> Result<Option<String>, Fault> {
    match meta::key_check(db).await {
        Err(error) if error.is_missing_table() => Ok(None),
        found => Ok(found?),
    }
}

/// Makes sure that a key ring holds what a database was written with, if it was; says which key that
/// is.
///
/// # Errors
/// When the ring lacks it.
pub async fn check_key(db: &Db, ring: &KeyRing) -> Result<Option<String>, StartError> {
    let found = written_with(db).await?;
    if let Some(written_with) = &found {
        let known = KeyId::parse(written_with).map(|id| ring.check(id));
        if known != Some(KeyCheck::Held) {
            return Err(StartError::WrongKey { written_with: written_with.clone() });
        }
        check_wrappings(db, ring).await?;
    }
    Ok(found)
}

/// Makes sure that a database goes with a key ring, then brings its schema up to date and, if it
/// is empty, ties it to the ring and gives it a key of its own.
///
/// # Errors
/// When the ring lacks the key that the database was written with; nothing is written then.
pub async fn prepare_database(db: &Db, ring: &KeyRing) -> Result<(), StartError> {
    let found = check_key(db, ring).await?;
    db.migrate().await.map_err(Fault::from)?;
    if found.is_none() {
        let mut tx = db.begin(Actor::Product).await.map_err(Fault::from)?;
        let fingerprint = ring.current().to_string();
        meta::set_key_check(&mut tx, &fingerprint).await.map_err(Fault::from)?;
        add_installation_key(&mut tx, ring).await?;
        tx.commit().await.map_err(Fault::from)?;
    }
    Ok(())
}

/// Gives the installation a key of its own, and begins the audit log under it.
async fn add_installation_key(tx: &mut Tx, ring: &KeyRing) -> Result<(), Fault> {
    let entropy = Entropy::system();
    let now = Clock::system().now();
    let fresh = ring.new_key(None, KeyUse::Tags, ring.current(), &entropy)?;
    let key = WrappedKey {
        id: fresh.id.to_bytes(),
        project: None,
        role: KeyRole::Tags,
        role_since: now,
        is_leaving: false,
        envelope: fresh.envelope,
    };
    data_keys::add(tx, &key).await?;
    let opened = ring.open_installation_key(&key.envelope)?;
    AuditChain::of_installation(Arc::new(opened)).begin(tx).await
}

/// Checks what wraps the data keys: a rotation of master keys that broke off leaves some keys with
/// the old one.
async fn check_wrappings(db: &Db, ring: &KeyRing) -> Result<(), StartError> {
    for wrapping in data_keys::wrappings(db).await.map_err(Fault::from)? {
        let master = KeyId::from_bytes(wrapping.master);
        if ring.check(master) != KeyCheck::Held {
            return Err(StartError::StillWraps { master, keys: wrapping.keys });
        }
    }
    Ok(())
}
