use std::collections::BTreeMap;

use astralform_domain::{ProjectId, Timestamp};
use astralform_storage::{
    Db,
    data_keys::{self, KeyRole},
    sealed_columns::SEALED_COLUMNS,
};
use astralform_vault::{KeyCheck, KeyId, KeyRing};

use super::wanted;
use astralform_engine::Fault;

/// Which keys there are and what each of them holds; nothing secret.
#[derive(Clone, Debug)]
pub struct KeyStatus {
    /// The master keys of the ring and those in use, with how many keys each wraps.
    pub masters: Vec<MasterKeyStatus>,
    /// The keys of projects that seal or open.
    pub projects: Vec<ProjectKeyStatus>,
}

/// A master key.
#[derive(Clone, Copy, Debug)]
pub struct MasterKeyStatus {
    /// Its fingerprint.
    pub id: KeyId,
    /// Whether the ring holds it.
    pub is_held: bool,
    /// Whether new keys are wrapped with it.
    pub is_wanted: bool,
    /// How many keys it wraps.
    pub wraps: i64,
}

/// A data key.
#[derive(Clone, Debug)]
pub struct ProjectKeyStatus {
    /// The project.
    pub project: ProjectId,
    /// The key.
    pub id: KeyId,
    /// The master key that wraps it.
    pub master: Option<KeyId>,
    /// What it does.
    pub role: KeyRole,
    /// Since when.
    pub since: Timestamp,
    /// How many values it has sealed, by table and column.
    pub sealed: Vec<(&'static str, &'static str, i64)>,
}

impl MasterKeyStatus {
    /// Returns whether it can be taken out of the key file.
    pub fn is_superfluous(&self) -> bool {
        self.is_held && !self.is_wanted && self.wraps == 0
    }
}

/// Looks which keys there are, and counts what each of them holds.
///
/// # Errors
/// When the database does not answer.
pub async fn key_status(db: &Db, ring: &KeyRing) -> Result<KeyStatus, Fault> {
    let wanted = wanted(db).await?;
    let mut wraps: BTreeMap<KeyId, i64> = BTreeMap::new();
    for wrapping in data_keys::wrappings(db).await? {
        wraps.insert(KeyId::from_bytes(wrapping.master), wrapping.keys);
    }
    let mut ids: Vec<_> = ring.ids().collect();
    let others = wraps.keys().chain([&wanted]).copied();
    let others: Vec<_> = others.filter(|id| !ids.contains(id)).collect();
    ids.splice(0..0, others);
    let master = |id| MasterKeyStatus {
        id,
        is_held: ring.check(id) == KeyCheck::Held,
        is_wanted: id == wanted,
        wraps: wraps.get(&id).copied().unwrap_or_default(),
    };
    let masters = ids.into_iter().map(master).collect();
    Ok(KeyStatus { masters, projects: projects(db).await? })
}

async fn projects(db: &Db) -> Result<Vec<ProjectKeyStatus>, Fault> {
    let mut sealed: BTreeMap<[u8; 16], Vec<_>> = BTreeMap::new();
    for column in SEALED_COLUMNS {
        for count in column.counts(db).await? {
            let entry = (column.table, column.column, count.number);
            sealed.entry(count.key).or_default().push(entry);
        }
    }
    let keys = data_keys::all(db).await?.into_iter();
    let keys = keys.filter(|key| key.role != KeyRole::Tags);
    let status = keys.filter_map(|key| {
        Some(ProjectKeyStatus {
            project: key.project?,
            id: KeyId::from_bytes(key.id),
            master: KeyId::of(&key.envelope),
            role: key.role,
            since: key.role_since,
            sealed: sealed.remove(&key.id).unwrap_or_default(),
        })
    });
    Ok(status.collect())
}
