use std::time::Duration;

use astralform_domain::chain;
use astralform_server::App;
use tokio::time::{MissedTickBehavior, interval};

const LOOK: Duration = Duration::from_millis(500);

/// Delivers webhooks, each by itself: one that is slow keeps none of the others waiting. What is
/// under way when the process ends is delivered again.
pub(super) async fn run(app: App) {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match app.engine().deliveries.webhooks_due().await {
            Ok(turns) => {
                for turn in turns {
                    let app = app.clone();
                    tokio::spawn(async move { app.engine().deliveries.deliver(turn).await });
                }
            }
            Err(fault) => tracing::warn!(error = chain(&fault), "webhooks wait"),
        }
    }
}
