mod outbox;
mod retention;
mod webhooks;

use std::time::Duration;

use anyhow::Context as _;
use astralform_engine::{Engine, chain};
use astralform_server::{App, Limits, router, serve_then};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time::{MissedTickBehavior, interval},
};

const SWEEP: Duration = Duration::from_secs(5);

/// How often tokens are looked through for those that are to be refreshed ahead of their end.
const KEEP_FRESH: Duration = Duration::from_secs(1);

/// How long a refresh that was sent is waited for at the end: longer than a provider is.
const FINISH: Duration = Duration::from_secs(45);

/// How soon this node knows what another one has changed.
const FOLLOW: Duration = Duration::from_millis(250);

/// Serves an engine until the process is asked to stop.
///
/// # Errors
/// When the process cannot hear signals.
pub(crate) async fn run(listener: TcpListener, app: App) -> anyhow::Result<()> {
    let asked = asked_to_stop()?;
    app.engine().recover().await.context("what an earlier run left cannot be taken up")?;
    tracing::info!(
        address = %listener.local_addr()?,
        public_url = %app.engine().site().public_url(),
        "serving"
    );
    let upkeep = [
        tokio::spawn(sweep(app.clone())),
        tokio::spawn(follow(app.clone())),
        tokio::spawn(keep_fresh(app.clone())),
        tokio::spawn(outbox::run(app.clone())),
        tokio::spawn(retention::run(app.clone())),
        tokio::spawn(webhooks::run(app.clone())),
    ];
    let stopping = app.clone();
    let stop = async move {
        asked.await;
        tracing::info!("stopping: requests under way are finished first");
        stopping.drain();
    };
    let after = async {
        for task in &upkeep {
            task.abort();
        }
        finish(app.engine()).await;
    };
    serve_then(listener, router(app.clone()), Limits::default(), stop, after).await;
    Ok(())
}

/// What must not be left half done.
async fn finish(engine: &Engine) {
    engine.stop_refreshing();
    let left = engine.finish_refreshes(FINISH).await;
    if left > 0 {
        tracing::error!(refreshes = left, "stopping although refreshes are under way");
    }
    if let Err(fault) = engine.write_uses(true).await {
        tracing::warn!(error = chain(&fault), "the last uses of connections are not written down");
    }
}

/// Refreshes tokens ahead of their end.
async fn keep_fresh(app: App) {
    let mut ticks = interval(KEEP_FRESH);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(fault) = app.engine().keep_fresh().await {
            tracing::warn!(error = chain(&fault), "tokens are not refreshed ahead of their end");
        }
    }
}

/// Hears what other nodes, and commands beside this server, have changed.
async fn follow(app: App) {
    let mut ticks = interval(FOLLOW);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_hearing = true;
    loop {
        ticks.tick().await;
        let heard = app.engine().follow().await;
        if let (true, Err(fault)) = (is_hearing, &heard) {
            tracing::warn!(error = chain(fault), "what other nodes change is not heard of");
        }
        is_hearing = heard.is_ok();
    }
}

async fn sweep(app: App) {
    let mut ticks = interval(SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(fault) = app.engine().sweep().await {
            tracing::error!(error = chain(&fault), "the sweep failed; it is tried again");
        }
        if let Err(fault) = app.engine().write_uses(false).await {
            tracing::warn!(error = chain(&fault), "uses of connections are not written down yet");
        }
    }
}

/// From here on the process ends in order; before, a signal simply ends it.
fn asked_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
