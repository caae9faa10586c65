use std::{collections::HashMap, time::Duration};

use astralform_domain::ProjectConnectorId;
use astralform_engine::{chain, revocations::Due};
use astralform_server::App;
use tokio::{
    task::{Id, JoinSet},
    time::{MissedTickBehavior, interval},
};

const LOOK: Duration = Duration::from_secs(1);

/// How many providers one node asks at once.
const AT_ONCE: usize = 16;

/// The providers that this node is asking.
#[derive(Default)]
struct Asking {
    tasks: JoinSet<()>,
    at: HashMap<Id, ProjectConnectorId>,
}

/// Has ended at providers what has ended here: at several of them at once, so that one that does
/// not answer keeps none of the others waiting.
pub(super) async fn run(app: App) {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut asking = Asking::default();
    loop {
        ticks.tick().await;
        asking.forget_ended();
        match app.engine().due_revocations().await {
            Ok(due) => due.into_iter().for_each(|due| asking.start(&app, due)),
            Err(fault) => tracing::warn!(error = chain(&fault), "revocations wait"),
        }
    }
}

impl Asking {
    fn start(&mut self, app: &App, due: Due) {
        let is_asked = self.at.values().any(|at| *at == due.project_connector);
        if is_asked || self.at.len() >= AT_ONCE {
            return;
        }
        let app = app.clone();
        let task = self.tasks.spawn(async move {
            if let Err(fault) = app.engine().work_off(&due).await {
                let pcon = due.project_connector;
                tracing::warn!(project_connector.id = %pcon, error = chain(&fault), "revocations wait");
            }
        });
        self.at.insert(task.id(), due.project_connector);
    }

    fn forget_ended(&mut self) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            let id = ended.map_or_else(|failure| failure.id(), |(id, ())| id);
            self.at.remove(&id);
        }
    }
}
