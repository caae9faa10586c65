use std::time::Duration;

use astralform_domain::chain;
use astralform_engine::Fault;
use astralform_surface::App;
use tokio::time::{MissedTickBehavior, interval};

/// Does a step of work again and again, until its task is aborted. Trouble is logged when it begins,
/// and not at each step that it lasts.
pub(super) async fn repeat(
    app: App,
    every: Duration,
    trouble: &'static str,
    mut step: impl AsyncFnMut(&App) -> Result<(), Fault>,
) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_well = true;
    loop {
        ticks.tick().await;
        let done = step(&app).await;
        if let (true, Err(fault)) = (is_well, &done) {
            tracing::warn!(error = chain(fault), "{trouble}");
        }
        is_well = done.is_ok();
    }
}
