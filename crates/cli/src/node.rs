use std::time::Duration;

use astralform_engine::{Engine, chain};
use astralform_server::{App, Limits, router, serve};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time::{MissedTickBehavior, interval},
};

const SWEEP: Duration = Duration::from_secs(5);

/// How soon this node knows what another one has changed.
const FOLLOW: Duration = Duration::from_millis(250);

/// Serves an engine until the process is asked to stop.
///
/// # Errors
/// When the process cannot hear signals.
pub(crate) async fn run(listener: TcpListener, engine: Engine) -> anyhow::Result<()> {
    let asked = asked_to_stop()?;
    tracing::info!(
        address = %listener.local_addr()?,
        public_url = %engine.site().public_url(),
        "serving"
    );
    let app = App::new(engine);
    let sweeper = tokio::spawn(sweep(app.clone()));
    let follower = tokio::spawn(follow(app.clone()));
    let stopping = app.clone();
    let stop = async move {
        asked.await;
        tracing::info!("stopping: requests under way are finished first");
        stopping.drain();
    };
    serve(listener, router(app), Limits::default(), stop).await;
    sweeper.abort();
    follower.abort();
    Ok(())
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
