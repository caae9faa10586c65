use std::sync::{Arc, Mutex, PoisonError};

use astralform_domain::{Entropy, ProjectId, Sealed, Timestamp, chain, limits};
use astralform_storage::{
    Db, Topic, Tx,
    data_keys::{self, KeyRole, WrappedKey},
    meta,
};
use astralform_vault::{KeyId, KeyRing, KeyUse, OpenError, ProjectKeys, TagKey};
use tokio::sync::OnceCell;

use crate::{
    Fault,
    cache_map::{CacheMap, DROPPED_AFTER},
};

/// The opened keys of projects, each opened once and kept until they change, and the
/// installation's, which never does.
pub(crate) struct DataKeys {
    ring: Mutex<Arc<KeyRing>>,
    opened: CacheMap<ProjectId, ProjectKeys>,
    installation: OnceCell<Arc<TagKey>>,
}

impl DataKeys {
    pub(crate) fn new(ring: KeyRing) -> Self {
        Self {
            ring: Mutex::new(Arc::new(ring)),
            opened: CacheMap::new(limits::CACHED_DATA_KEYS),
            installation: OnceCell::new(),
        }
    }

    /// Returns the keys of a project.
    pub(crate) async fn of(&self, db: &Db, project: ProjectId) -> Result<Arc<ProjectKeys>, Fault> {
        let read = async {
            let wrapped = data_keys::of(db, project).await?;
            let opened = self.with_ring(|ring| open_project_keys(ring, project, &wrapped))?;
            Ok(Some(opened))
        };
        let found = self.opened.get(db, project, &[Topic::Project(project)], read).await?;
        found.ok_or(Fault::Inconsistent("a project has no keys"))
    }

    /// Returns the key that makes the installation's tags.
    pub(crate) async fn of_installation(&self, db: &Db) -> Result<Arc<TagKey>, Fault> {
        let key = self.installation.get_or_try_init(|| self.open_installation_key(db)).await?;
        Ok(Arc::clone(key))
    }

    async fn open_installation_key(&self, db: &Db) -> Result<Arc<TagKey>, Fault> {
        let found = data_keys::of_installation(db).await?;
        let key = found.ok_or(Fault::Inconsistent("the installation has no key of its own"))?;
        self.with_ring(|ring| Ok(Arc::new(ring.open_installation_key(&key.envelope)?)))
    }

    /// Forgets the keys of projects that no call asks for any more.
    pub(crate) fn drop_old(&self) {
        self.opened.drop_older_than(DROPPED_AFTER);
    }

    /// Stores fresh keys for a new project, wrapped with the master key that the database wants, and
    /// returns them.
    pub(crate) async fn create(
        &self,
        tx: &mut Tx,
        project: ProjectId,
        now: Timestamp,
        entropy: &Entropy,
    ) -> Result<ProjectKeys, Fault> {
        let wanted = meta::lock_key_check(tx).await?;
        let mut wrapped = Vec::new();
        for (role, of_use) in [(KeyRole::Current, KeyUse::Data), (KeyRole::Tags, KeyUse::Tags)] {
            let fresh = self.with_ring(|ring| {
                let with = wanted.as_deref().and_then(KeyId::parse).unwrap_or(ring.current());
                Ok(ring.new_key(Some(project), of_use, with, entropy)?)
            })?;
            let id = fresh.id.to_bytes();
            let envelope = fresh.envelope;
            let of = Some(project);
            let role_since = now;
            let is_leaving = false;
            let key = WrappedKey { id, project: of, role, role_since, is_leaving, envelope };
            data_keys::add(tx, &key).await?;
            wrapped.push(key);
        }
        self.with_ring(|ring| open_project_keys(ring, project, &wrapped))
    }

    /// Works with the master keys; where they are not enough, once more with the key file as it is
    /// now, to which the operator may have added one.
    fn with_ring<T>(&self, work: impl Fn(&KeyRing) -> Result<T, Fault>) -> Result<T, Fault> {
        let ring = Arc::clone(&self.lock());
        match work(&ring) {
            Err(Fault::Integrity(OpenError::OtherKey)) => {}
            done => return done,
        }
        match ring.read_again() {
            Ok(Some(again)) => {
                let again = Arc::new(again);
                let done = work(&again)?;
                *self.lock() = again;
                tracing::info!("the key file was read again: it has a new master key");
                Ok(done)
            }
            Ok(None) => Err(OpenError::OtherKey.into()),
            Err(error) => {
                tracing::error!(error = chain(&error), "the key file cannot be read again");
                Err(OpenError::OtherKey.into())
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Arc<KeyRing>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Unwraps the keys of a project.
///
/// # Errors
/// When one is missing, or the ring does not open it.
pub fn open_project_keys(
    ring: &KeyRing,
    project: ProjectId,
    wrapped: &[WrappedKey],
) -> Result<ProjectKeys, Fault> {
    let others = wrapped.iter().filter(|key| matches!(key.role, KeyRole::Next | KeyRole::Older));
    let others = others.map(|key| -> &Sealed { &key.envelope });
    let current = find_key(wrapped, KeyRole::Current)?;
    let tags = find_key(wrapped, KeyRole::Tags)?;
    Ok(ring.open_keys(project, current, others, tags)?)
}

fn find_key(wrapped: &[WrappedKey], role: KeyRole) -> Result<&Sealed, Fault> {
    let found = wrapped.iter().find(|key| key.role == role).map(|key| &key.envelope);
    found.ok_or(Fault::Inconsistent("a project lacks one of its keys"))
}
