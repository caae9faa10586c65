mod catalog;
mod job;
mod outbox;
mod webhooks;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use astralform_domain::chain;
use astralform_engine::Engine;
use astralform_http::{Limits, serve_then};
use astralform_server::router;
use astralform_surface::App;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::Notify,
    task::JoinHandle,
};

use crate::machine;
use catalog::Hangups;
use job::repeat;

const SWEEP: Duration = Duration::from_secs(5);

/// How often rows are looked for whose term is over.
const PRUNE: Duration = Duration::from_secs(5);

/// How often tokens are looked through for those that are to be refreshed ahead of their end.
const KEEP_FRESH: Duration = Duration::from_secs(1);

/// How long a refresh that was sent is waited for at the end: longer than a provider is.
const FINISH: Duration = Duration::from_secs(45);

/// How often this process says that it lives.
const BEAT: Duration = Duration::from_secs(1);

/// How often uses of connections are written down.
const USES: Duration = Duration::from_secs(5);

/// How often lines of the call log are written: no more of them is lost when the process is killed.
const CALLS: Duration = Duration::from_millis(500);

/// How soon this node knows what another one has changed.
const FOLLOW: Duration = Duration::from_millis(250);

/// What a hangup means (SIGHUP).
pub(crate) enum Hangup {
    /// The process stops.
    Stop,
    /// The catalogue is loaded anew from these folders, unless it was the terminal that hung up.
    Reload(Vec<PathBuf>),
}

/// Serves an engine until the process is asked to stop.
///
/// # Errors
/// When the process cannot hear signals.
pub(crate) async fn run(listener: TcpListener, app: App, hangup: Hangup) -> anyhow::Result<()> {
    let (asked, stops) = asked_to_stop()?;
    let hangups = Hangups::hear(hangup, stops)?;
    app.engine().upkeep.recover().await.context("what an earlier run left cannot be taken up")?;
    let files = machine::raise_file_limit();
    let proxies = app.proxies().clone();
    let limits = Limits { proxies, ..Limits::with_connections(machine::seats(files)) };
    tracing::info!(
        open_files = files,
        connections = limits.connections,
        of_one_address = limits.per_peer,
        "limits of this process"
    );
    tracing::info!(
        address = %listener.local_addr()?,
        public_url = %app.engine().site().public_url(),
        "serving"
    );
    let jobs = spawn_background_jobs(&app, hangups);
    let beating = tokio::spawn(beat(app.clone()));
    let stopping = app.clone();
    let stop = async move {
        asked.await;
        tracing::info!("stopping: requests under way are finished first");
        stopping.drain();
    };
    let after = async {
        for task in &jobs {
            task.abort();
        }
        finish(&app.engine()).await;
        app.engine().base().calls().finish().await;
        beating.abort();
        leave(&app.engine()).await;
    };
    serve_then(listener, router(app.clone()), limits, stop, after).await;
    Ok(())
}

/// Finishes what must not be left half done.
async fn finish(engine: &Engine) {
    engine.upkeep.stop_refreshing();
    let left = engine.upkeep.finish_refreshes(FINISH).await;
    if left > 0 {
        tracing::error!(refreshes = left, "stopping although refreshes are under way");
    }
    if let Err(fault) = engine.recent_uses.write_uses(true).await {
        tracing::warn!(error = chain(&fault), "the last uses of connections are not written down");
    }
}

/// Leaves what this process did not end: it is the next one's from now on.
async fn leave(engine: &Engine) {
    if let Err(fault) = engine.presence.leave().await {
        tracing::warn!(error = chain(&fault), "the next process of this name waits ten seconds");
    }
}

/// Starts what is done beside requests, all of which may break off at any moment.
fn spawn_background_jobs(app: &App, hangups: Hangups) -> Vec<JoinHandle<()>> {
    vec![
        tokio::spawn(sweep(app.clone())),
        tokio::spawn(prune(app.clone())),
        tokio::spawn(write_uses(app.clone())),
        tokio::spawn(write_calls(app.clone())),
        tokio::spawn(follow(app.clone())),
        tokio::spawn(keep_fresh(app.clone())),
        tokio::spawn(outbox::run(app.clone())),
        tokio::spawn(webhooks::run(app.clone())),
        tokio::spawn(catalog::run(app.clone(), hangups)),
    ]
}

/// Reports that this process lives, until it refreshes nothing any more.
async fn beat(app: App) {
    let trouble = "other nodes do not hear that this one lives";
    repeat(app, BEAT, trouble, async |app: &App| app.engine().presence.beat().await).await;
}

/// Refreshes tokens ahead of their end.
async fn keep_fresh(app: App) {
    let trouble = "tokens are not refreshed ahead of their end";
    repeat(app, KEEP_FRESH, trouble, async |app: &App| app.engine().upkeep.keep_fresh().await)
        .await;
}

/// Hears what other nodes, and commands beside this server, have changed.
async fn follow(app: App) {
    let trouble = "what other nodes change is not heard of";
    repeat(app, FOLLOW, trouble, async |app: &App| app.engine().cache.follow().await).await;
}

/// Ends what was not finished in time.
async fn sweep(app: App) {
    let trouble = "the sweep failed; it is tried again";
    repeat(app, SWEEP, trouble, async |app: &App| {
        app.drop_idle_callers();
        app.engine().janitor.sweep().await
    })
    .await;
}

/// Removes what has been kept for its term.
async fn prune(app: App) {
    let trouble = "old rows are not removed yet";
    repeat(app, PRUNE, trouble, async |app: &App| app.engine().janitor.prune_in_turn().await).await;
}

/// Writes down which connections were used.
async fn write_uses(app: App) {
    let trouble = "uses of connections are not written down yet";
    repeat(app, USES, trouble, async |app: &App| app.engine().recent_uses.write_uses(false).await)
        .await;
}

/// Writes the lines of calls.
async fn write_calls(app: App) {
    let trouble = "lines of the call log are not written yet";
    repeat(app, CALLS, trouble, async |app: &App| app.engine().base().calls().write().await).await;
}

/// Listens for signals: from here on the process ends in order; before, a signal simply ends it.
fn asked_to_stop() -> std::io::Result<(impl Future<Output = ()>, Arc<Notify>)> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let hung_up = Arc::<Notify>::default();
    let stops = Arc::clone(&hung_up);
    let asked = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = hung_up.notified() => {}
        }
    };
    Ok((asked, stops))
}
