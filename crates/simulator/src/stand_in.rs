use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{Router, middleware};

use crate::faults::{Fault, InjectedFault, InvalidFault, Times};
use crate::gate::{self, Dialect, Gate};
use crate::outside::{Outside, SimulatorOptions};
use crate::requests::RecordedRequest;

/// The control handle of one stand-in; cloning gives another handle to the same state.
pub struct StandIn<S> {
    pub(crate) outside: Arc<Outside>,
    state: Arc<Mutex<S>>,
    gate: Gate,
}

// === impl StandIn ===

impl<S> StandIn<S> {
    pub(crate) fn with(options: SimulatorOptions, dialect: &'static Dialect, state: S) -> Self {
        let outside = Arc::new(Outside::new(options));
        let gate = Gate::new(Arc::clone(&outside), dialect);
        Self { outside, state: Arc::new(Mutex::new(state)), gate }
    }

    /// Lets this stand-in's clock run ahead by so many more seconds.
    pub fn advance_clock(&self, seconds: u32) {
        self.outside.advance(seconds);
    }

    /// Makes calls of an endpoint, or of every endpoint (`*`), go wrong.
    pub fn inject(&self, endpoint: &str, fault: Fault, times: Times) -> Result<(), InvalidFault> {
        self.gate.inject(InjectedFault { endpoint: endpoint.to_owned(), fault, times })
    }

    /// Returns the faults that will still strike.
    pub fn faults(&self) -> Vec<InjectedFault> {
        self.gate.parts().faults.waiting()
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.gate.parts().faults.clear();
    }

    /// Returns the last thousand requests, oldest first.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.gate.parts().log.all()
    }

    /// Returns everything the service remembers.
    pub(crate) fn state(&self) -> MutexGuard<'_, S> {
        // Every change is complete before the lock is let go, so a panic elsewhere leaves no harm.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets faults, requests and how far the clock ran ahead.
    pub(crate) fn calm(&self) {
        self.outside.stop_running_ahead();
        let mut parts = self.gate.parts();
        parts.faults.clear();
        parts.log.clear();
    }
}

impl<S: Send + 'static> StandIn<S> {
    /// Returns the routes of the service, with every request recorded and faults striking.
    pub(crate) fn served(&self, routes: Router<Self>) -> Router {
        routes
            .layer(middleware::from_fn_with_state(self.gate.clone(), gate::pass))
            .with_state(self.clone())
    }
}

impl<S> Clone for StandIn<S> {
    fn clone(&self) -> Self {
        Self {
            outside: Arc::clone(&self.outside),
            state: Arc::clone(&self.state),
            gate: self.gate.clone(),
        }
    }
}
