//! The catalogue is loaded anew when its folders change, or when the process is told to (SIGHUP): all
//! of it or nothing.

mod watch;

use std::{
    io::{self, IsTerminal as _, stderr, stdin},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use astralform_surface::App;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use super::Hangup;
use crate::catalog_dirs;
use watch::{FolderSnapshot, FolderWatch};

/// How often the folders are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Hangups of the process, and what each means.
pub(super) struct Hangups {
    signal: Signal,
    /// Whether there was a terminal that can hang up. Found out before the process reports that it
    /// serves.
    had_terminal: bool,
    meaning: Hangup,
    /// Told to stop the process.
    stops: Arc<Notify>,
}

impl Hangups {
    /// Listens for hangups from now on.
    pub(super) fn hear(meaning: Hangup, stops: Arc<Notify>) -> io::Result<Self> {
        let signal = signal(SignalKind::hangup())?;
        Ok(Self { signal, had_terminal: has_terminal(), meaning, stops })
    }
}

pub(super) async fn run(app: App, hangups: Hangups) {
    let Hangups { mut signal, had_terminal, meaning, stops } = hangups;
    let Hangup::Reload(dirs) = meaning else {
        signal.recv().await;
        stops.notify_one();
        return;
    };
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watch = FolderWatch::new(look(&dirs).await);
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                if !dirs.is_empty() && watch.notices(look(&dirs).await) {
                    load(&app, &dirs, "changed").await;
                }
            }
            _ = signal.recv() => {
                if had_terminal && !has_terminal() {
                    stops.notify_one();
                    return;
                }
                watch = FolderWatch::new(look(&dirs).await);
                load(&app, &dirs, "asked for").await;
            }
        }
    }
}

fn has_terminal() -> bool {
    stdin().is_terminal() || stderr().is_terminal()
}

async fn look(dirs: &[PathBuf]) -> FolderSnapshot {
    let dirs = dirs.to_vec();
    spawn_blocking(move || FolderSnapshot::of(&dirs)).await.unwrap_or_default()
}

/// Serves what is in the folders now, if all of it is in order.
async fn load(app: &App, dirs: &[PathBuf], why: &'static str) {
    let folders = dirs.to_vec();
    let loaded = spawn_blocking(move || catalog_dirs::with_builtin(&folders)).await;
    let kept = "the catalogue is not loaded anew: the one before goes on being served";
    match loaded {
        Ok(Ok((catalog, faults))) if faults.is_empty() => {
            let connectors = catalog.connectors().count();
            let fingerprint = catalog.fingerprint();
            let is_same = app.engine().catalog().fingerprint() == fingerprint;
            if !is_same {
                app.serve_catalog(catalog);
            }
            tracing::info!(why, is_same, connectors, fingerprint, "the catalogue is loaded anew");
        }
        Ok(Ok((_, faults))) => {
            for fault in &faults {
                tracing::error!(%fault, "a connector is not in order");
            }
            tracing::error!(why, faults = faults.len(), "{kept}");
        }
        Ok(Err(error)) => tracing::error!(why, error = format!("{error:#}"), "{kept}"),
        Err(failure) => tracing::error!(why, error = %failure, "{kept}"),
    }
}
