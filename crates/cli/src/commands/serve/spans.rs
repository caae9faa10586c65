use std::{sync::Arc, time::Duration};

use astralform_egress::Egress;
use astralform_engine::{
    Engine,
    spans::{Collector, SpanExporter},
};
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::config::SpansTo;

/// How often spans are sent.
const EVERY: Duration = Duration::from_secs(1);
/// How long the last ones are waited for.
const AT_THE_END: Duration = Duration::from_secs(5);

/// Spans being sent while the server runs.
pub(super) struct Exporting {
    exporter: Arc<SpanExporter>,
    task: JoinHandle<()>,
}

impl Exporting {
    pub(super) fn start(engine: &Engine, egress: Egress, to: SpansTo, node: String) -> Self {
        let SpansTo { url, header } = to;
        tracing::info!(collector = %url, "spans of calls are sent");
        let to = Collector { url, header, node };
        let exporter = Arc::new(SpanExporter::new(engine, egress, to));
        let task = tokio::spawn(repeat(Arc::clone(&exporter)));
        Self { exporter, task }
    }

    /// Sends the last ones.
    pub(super) async fn finish(self) {
        self.task.abort();
        match timeout(AT_THE_END, self.exporter.export()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last spans of calls are not sent"),
            Err(_) => tracing::warn!("the last spans of calls are not sent: it took too long"),
        }
    }
}

/// Sends spans again and again. Trouble is logged when it begins, and not at each step that it lasts.
async fn repeat(exporter: Arc<SpanExporter>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_well = true;
    loop {
        ticks.tick().await;
        let sent = exporter.export().await;
        if let (true, Err(error)) = (is_well, &sent) {
            tracing::warn!(%error, "spans of calls are not sent");
        }
        is_well = sent.is_ok();
    }
}
