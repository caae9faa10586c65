use std::time::Duration;

use astralform_engine::Engine;
use astralform_server::{App, Limits, router, serve};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time::{MissedTickBehavior, interval},
};

const SWEEP: Duration = Duration::from_secs(5);

/// Serves an engine until the process is asked to stop.
pub(crate) async fn run(listener: TcpListener, engine: Engine) {
    let app = App::new(engine);
    let sweeper = tokio::spawn(sweep(app.clone()));
    let stopping = app.clone();
    let stop = async move {
        asked_to_stop().await;
        tracing::info!("stopping: requests under way are finished first");
        stopping.drain();
    };
    serve(listener, router(app), Limits::default(), stop).await;
    sweeper.abort();
}

async fn sweep(app: App) {
    let mut ticks = interval(SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = app.engine().sweep().await {
            tracing::error!(%error, "the sweep failed; it is tried again");
        }
    }
}

async fn asked_to_stop() {
    let mut terminate = signal(SignalKind::terminate()).ok();
    let terminated = async {
        match &mut terminate {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}
