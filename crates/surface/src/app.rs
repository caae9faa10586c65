use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use astralform_catalog::Catalog;
use astralform_domain::Secret;
use astralform_engine::Engine;
use astralform_http::{AllowedHosts, Proxies};
use astralform_management::Management;

use crate::{Machine, Problem, Rates, served::Served, throttle::Throttle};

/// What every handler can ask for.
#[derive(Clone)]
pub struct App(Arc<AppInner>);

struct AppInner {
    serving: RwLock<Serving>,
    metrics_token: Option<Secret>,
    proxies: Proxies,
    hosts: AllowedHosts,
    throttle: Throttle,
    draining: AtomicBool,
}

/// The engine that is served, and its management.
#[derive(Clone)]
struct Serving {
    engine: Arc<Engine>,
    management: Arc<Management>,
}

impl Serving {
    fn over(engine: Arc<Engine>) -> Self {
        Self { management: Arc::new(Management::over(&engine)), engine }
    }
}

/// What an operator sets of a server.
#[derive(Default)]
pub struct Settings {
    /// The token that a reader of the metrics has to send; without one, this machine alone may read
    /// them.
    pub metrics_token: Option<Secret>,
    /// The proxies in front of it whose word on their callers is taken.
    pub proxies: Proxies,
    /// The names that it is called by, besides that of its public address and those of loopback.
    pub hosts: AllowedHosts,
    /// What each caller may ask for in a time.
    pub rates: Rates,
    /// The processors that there are.
    pub machine: Machine,
}

impl App {
    /// Returns an app over an engine, whose metrics this machine alone may read.
    pub fn new(engine: Arc<Engine>) -> Self {
        Self::with_metrics_token(engine, None)
    }

    /// Returns an app over an engine, whose metrics the holder of the token may read, if there is
    /// one.
    pub fn with_metrics_token(engine: Arc<Engine>, metrics_token: Option<Secret>) -> Self {
        Self::with(engine, Settings { metrics_token, ..Settings::default() })
    }

    /// Returns an app over an engine, as an operator set it.
    pub fn with(engine: Arc<Engine>, settings: Settings) -> Self {
        let Settings { metrics_token, proxies, hosts, rates, machine } = settings;
        let throttle = Throttle::new(rates, machine);
        let draining = AtomicBool::new(false);
        let serving = RwLock::new(Serving::over(engine));
        Self(Arc::new(AppInner { serving, metrics_token, proxies, hosts, throttle, draining }))
    }

    /// Forgets callers that have taken nothing for so long that their rates are whole again.
    pub fn drop_idle_callers(&self) {
        self.0.throttle.drop_idle();
    }

    /// Admits a request for which no credential answers, when its address may have one more.
    ///
    /// # Errors
    /// When it may not; the refusal waits for a moment.
    pub async fn admit_visitor(&self, served: &Served) -> Result<(), Problem> {
        self.throttle().admit_visitor(served).await
    }

    pub(crate) fn throttle(&self) -> &Throttle {
        &self.0.throttle
    }

    /// Returns the proxies in front of it whose word on their callers is taken.
    pub fn proxies(&self) -> &Proxies {
        &self.0.proxies
    }

    /// Returns the names that it is called by, besides those that every server has.
    pub fn hosts(&self) -> &AllowedHosts {
        &self.0.hosts
    }

    /// Returns the engine with the catalogue that is served now.
    pub fn engine(&self) -> Arc<Engine> {
        Arc::clone(&self.0.serving.read().unwrap_or_else(PoisonError::into_inner).engine)
    }

    /// Returns what those who administer see and change, with the catalogue that is served now.
    pub fn management(&self) -> Arc<Management> {
        Arc::clone(&self.0.serving.read().unwrap_or_else(PoisonError::into_inner).management)
    }

    /// Serves another catalogue from now on. Requests under way end with the one they began with.
    pub fn serve_catalog(&self, catalog: Catalog) {
        let mut serving = self.0.serving.write().unwrap_or_else(PoisonError::into_inner);
        *serving = Serving::over(serving.engine.with_catalog(catalog));
    }

    /// Returns the token that a reader of the metrics has to send.
    pub fn metrics_token(&self) -> Option<&Secret> {
        self.0.metrics_token.as_ref()
    }

    /// Tells load balancers that no new requests are wanted.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// Returns whether no new requests are wanted.
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }
}
