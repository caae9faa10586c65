use std::time::Duration;

use astralform_domain::chain;
use astralform_server::App;
use tokio::time::{MissedTickBehavior, interval};

const EVERY: Duration = Duration::from_secs(5);

/// Removes what has been kept for its term.
pub(super) async fn run(app: App) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(fault) = app.engine().janitor.prune_in_turn().await {
            tracing::warn!(error = chain(&fault), "old rows are not removed yet");
        }
    }
}
