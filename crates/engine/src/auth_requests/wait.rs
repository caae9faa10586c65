use std::time::Duration;

use astralform_domain::{AuthRequestId, AuthStatus, Tenant};
use tokio::{
    sync::broadcast,
    time::{Instant, sleep_until},
};

use super::Prompt;
use crate::{Engine, Fault};

/// Tells those who wait, on this node, that an auth request has changed.
pub(crate) struct Changes(broadcast::Sender<AuthRequestId>);

/// How often the database is asked as well: other nodes change things too.
const POLL: Duration = Duration::from_secs(1);

impl Default for Changes {
    fn default() -> Self {
        Self(broadcast::channel(256).0)
    }
}

impl Changes {
    /// Nobody waiting is fine.
    pub(crate) fn announce(&self, id: AuthRequestId) {
        let _ = self.0.send(id);
    }
}

impl Engine {
    /// The auth request as soon as it is `settled`, or as it is after `at_most`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn wait(
        &self,
        tenant: Tenant,
        id: AuthRequestId,
        at_most: Duration,
        settled: impl Fn(AuthStatus) -> bool,
    ) -> Result<Option<Prompt>, Fault> {
        let end = Instant::now() + at_most;
        let mut changes = self.changes.0.subscribe();
        loop {
            let prompt = self.prompt(tenant, id).await?;
            let done = prompt.as_ref().is_none_or(|prompt| settled(prompt.status));
            if done || Instant::now() >= end {
                return Ok(prompt);
            }
            let poll = end.min(Instant::now() + POLL);
            tokio::select! {
                () = changed(&mut changes, id) => {}
                () = sleep_until(poll) => {}
            }
        }
    }
}

/// Waits for a change of `id`; having missed some counts as one.
async fn changed(changes: &mut broadcast::Receiver<AuthRequestId>, id: AuthRequestId) {
    while let Ok(other) = changes.recv().await {
        if other == id {
            return;
        }
    }
}
