use astralform_domain::ProjectId;

use crate::{Engine, Fault};

/// A project is frozen: nothing is called, asked, confirmed or refreshed in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this project is frozen: nothing is called, asked or confirmed until whoever operates this \
     server lifts that with `astralform unfreeze`"
)]
pub struct Frozen;

impl Engine {
    /// Returns whether a project is frozen; known on every node within a second.
    pub(crate) async fn thawed(&self, project: ProjectId) -> Result<Result<(), Frozen>, Fault> {
        Ok(if self.is_frozen(project).await? { Err(Frozen) } else { Ok(()) })
    }
}
