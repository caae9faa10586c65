use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use astralform_engine::Engine;

/// What every handler can ask for.
#[derive(Clone)]
pub struct App(Arc<Shared>);

struct Shared {
    engine: Arc<Engine>,
    draining: AtomicBool,
}

impl App {
    /// An app over an engine.
    pub fn new(engine: Arc<Engine>) -> Self {
        Self(Arc::new(Shared { engine, draining: AtomicBool::new(false) }))
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
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
