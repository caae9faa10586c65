use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use astralform_domain::Secret;
use astralform_engine::Engine;

/// What every handler can ask for.
#[derive(Clone)]
pub struct App(Arc<Shared>);

struct Shared {
    engine: Arc<Engine>,
    metrics_token: Option<Secret>,
    draining: AtomicBool,
}

impl App {
    /// An app over an engine, whose metrics this machine alone may read.
    pub fn new(engine: Arc<Engine>) -> Self {
        Self::with_metrics_token(engine, None)
    }

    /// An app over an engine, whose metrics whoever holds the token may read, if there is one.
    pub fn with_metrics_token(engine: Arc<Engine>, metrics_token: Option<Secret>) -> Self {
        Self(Arc::new(Shared { engine, metrics_token, draining: AtomicBool::new(false) }))
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// What whoever reads the metrics has to know.
    pub(crate) fn metrics_token(&self) -> Option<&Secret> {
        self.0.metrics_token.as_ref()
    }

    /// Says to load balancers that no new requests are wanted.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// Whether no new requests are wanted.
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }
}
