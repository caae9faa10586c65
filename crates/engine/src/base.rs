use std::sync::Arc;

use astralform_catalog::Catalog;
use astralform_domain::{Clock, Entropy, ProjectId, Timestamp};
use astralform_storage::{Db, Tx};
use astralform_vault::ProjectKeys;

use crate::{Fault, data_keys::DataKeys, metrics::Metrics};

/// What most parts of the engine work with.
pub(crate) struct Base {
    pub(crate) db: Db,
    pub(crate) keys: Arc<DataKeys>,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) metrics: Metrics,
    pub(crate) catalog: Catalog,
    /// What the catalogue is known by among nodes.
    pub(crate) fingerprint: String,
}

impl Base {
    /// Returns the time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Begins a transaction.
    pub(crate) async fn begin(&self) -> Result<Tx, astralform_storage::Error> {
        self.db.begin().await
    }

    /// Returns the keys of a project, opened.
    pub(crate) async fn keys_of(&self, project: ProjectId) -> Result<Arc<ProjectKeys>, Fault> {
        self.keys.of(&self.db, project).await
    }
}
