use std::time::Duration;

use astralform_domain::limits;

use crate::{Proxies, Rate};

/// What a peer may use of this server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at a time.
    pub connections: usize,
    /// Connections at a time from one address.
    pub per_peer: usize,
    /// How many connections an address may open in a time.
    pub arrivals: Option<Rate>,
    /// The proxies to which the limits of one address do not apply.
    pub proxies: Proxies,
    /// How long a request's head may take to arrive, and how long a connection may idle.
    pub head: Duration,
    /// How long an answer may wait for its reader, at each write.
    pub stall: Duration,
    /// How long requests may go on after shutdown was asked for.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: limits::SEATS.count(),
            per_peer: limits::SEATS_OF_ADDRESS.count(),
            arrivals: Some(Rate::new(limits::ARRIVALS.value, limits::ARRIVALS_BURST.value)),
            proxies: Proxies::default(),
            // Longer than load balancers keep a connection, so that they never send on one that
            // closes.
            head: Duration::from_secs(75),
            stall: Duration::from_secs(30),
            drain: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// Returns limits for so many connections, of which no address has more than three quarters.
    #[must_use]
    pub fn with_connections(connections: usize) -> Self {
        let limits = Self::default();
        let per_peer = limits.per_peer.min(connections - connections / 4);
        Self { connections, per_peer, ..limits }
    }

    /// Returns limits for a server of tests, which all come from one address.
    #[must_use]
    pub fn for_tests() -> Self {
        let limits = Self::default();
        Self { per_peer: limits.connections, arrivals: None, drain: Duration::ZERO, ..limits }
    }
}
