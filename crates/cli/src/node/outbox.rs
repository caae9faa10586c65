use std::{collections::HashMap, time::Duration};

use astralform_domain::{ProjectConnectorId, chain};
use astralform_engine::{Fault, revocations::Due};
use astralform_surface::App;
use tokio::task::{Id, JoinSet};

use super::job::repeat;

const LOOK: Duration = Duration::from_secs(1);

/// For how many project connectors one node asks at once.
const AT_ONCE: usize = 16;
/// For how many of them it asks one host.
const AT_A_HOST: usize = 4;
/// For how many of them it only finds out whether their provider is well again, so that providers
/// that hang leave places for others.
const PROBES: usize = 8;

/// What this node is asking.
#[derive(Default)]
struct Asking {
    tasks: JoinSet<()>,
    places: HashMap<Id, OutboxTarget>,
}

/// For which project connector a provider is asked.
struct OutboxTarget {
    at: ProjectConnectorId,
    host: String,
    is_probe: bool,
}

/// Revokes at the providers what was revoked here, at several of them at once, so that one that
/// does not answer keeps none of the others waiting.
pub(super) async fn run(app: App) {
    let mut asking = Asking::default();
    repeat(app, LOOK, "revocations wait", async move |app: &App| {
        asking.forget_ended();
        asking.start_due(app).await
    })
    .await;
}

impl Asking {
    async fn start_due(&mut self, app: &App) -> Result<(), Fault> {
        for due in app.engine().revocations.due_revocations().await? {
            if self.places.len() >= AT_ONCE {
                break;
            }
            let at = due.project_connector;
            let is_probe = due.failures > 0;
            if !self.has_place(at, is_probe) {
                continue;
            }
            let host = app.engine().revocations.provider_host(&due).await?;
            if self.count(|place| place.host == host) < AT_A_HOST {
                self.start(app, due, OutboxTarget { at, host, is_probe });
            }
        }
        Ok(())
    }

    /// Returns whether a place is left for a project connector that is not asked for yet.
    fn has_place(&self, at: ProjectConnectorId, is_probe: bool) -> bool {
        let is_asked = self.places.values().any(|place| place.at == at);
        let is_one_too_many = is_probe && self.count(|place| place.is_probe) >= PROBES;
        !is_asked && !is_one_too_many
    }

    fn count(&self, which: impl Fn(&OutboxTarget) -> bool) -> usize {
        self.places.values().filter(|place| which(place)).count()
    }

    fn start(&mut self, app: &App, due: Due, place: OutboxTarget) {
        let app = app.clone();
        let task = self.tasks.spawn(async move {
            if let Err(fault) = app.engine().revocations.work_off(&due).await {
                let pcon = due.project_connector;
                tracing::warn!(project_connector.id = %pcon, error = chain(&fault), "revocations wait");
            }
        });
        self.places.insert(task.id(), place);
    }

    fn forget_ended(&mut self) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            let id = ended.map_or_else(|failure| failure.id(), |(id, ())| id);
            self.places.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(places: impl IntoIterator<Item = OutboxTarget>) -> Asking {
        let mut asking = Asking::default();
        for place in places {
            let task = asking.tasks.spawn(std::future::pending());
            asking.places.insert(task.id(), place);
        }
        asking
    }

    fn place(number: u8, is_probe: bool) -> OutboxTarget {
        let at = ProjectConnectorId::from_bytes([number; 16]);
        OutboxTarget { at, host: format!("host-{}", number / 4), is_probe }
    }

    /// F12.
    #[tokio::test]
    async fn b6_providers_that_hang_leave_places_for_those_that_are_well() {
        let asking = asking((0..8).map(|number| place(number, true)));
        let fresh = ProjectConnectorId::from_bytes([99; 16]);
        assert!(!asking.has_place(fresh, true), "enough find out whether a provider is well");
        assert!(asking.has_place(fresh, false));
        assert!(!asking.has_place(place(3, false).at, false), "it is asked already");
        assert_eq!(asking.count(|place| place.host == "host-1"), 4);
    }
}
