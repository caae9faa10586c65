use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use astralform_domain::{Entropy, ProjectId, Sealed};
use astralform_storage::{Db, projects};
use astralform_vault::{DataKey, KeyRing};

use crate::Fault;

/// The opened data keys of projects, each opened once.
pub(crate) struct DataKeys {
    ring: KeyRing,
    opened: Mutex<HashMap<ProjectId, DataKey>>,
}

impl DataKeys {
    pub(crate) fn new(ring: KeyRing) -> Self {
        Self { ring, opened: Mutex::default() }
    }

    /// The data key of a project.
    pub(crate) async fn of(&self, db: &Db, project: ProjectId) -> Result<DataKey, Fault> {
        if let Some(key) = self.lock().get(&project) {
            return Ok(key.clone());
        }
        let sealed = projects::data_key(db, project).await?;
        let sealed = sealed.ok_or(Fault::Inconsistent("a project has no data key"))?;
        let key = self.ring.open_data_key(project, &sealed)?;
        self.lock().insert(project, key.clone());
        Ok(key)
    }

    /// A fresh data key for a new project, sealed for storage.
    pub(crate) fn create(&self, project: ProjectId, entropy: &Entropy) -> Sealed {
        self.ring.new_data_key(project, entropy).1
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ProjectId, DataKey>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
