use std::time::Duration;

use astralform_surface::App;

use super::job::repeat;

const LOOK: Duration = Duration::from_millis(500);

/// Delivers webhooks, each by itself: one that is slow keeps none of the others waiting. What is
/// under way when the process ends is delivered again.
pub(super) async fn run(app: App) {
    repeat(app, LOOK, "webhooks wait", async |app: &App| {
        for turn in app.engine().deliveries.webhooks_due().await? {
            let app = app.clone();
            tokio::spawn(async move { app.engine().deliveries.deliver(turn).await });
        }
        Ok(())
    })
    .await;
}
